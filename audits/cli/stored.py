"""The verbs that take a stored run: evaluate, report."""

from pathlib import Path
from typing import Annotated

import typer

from audits.cli import judging
from audits.cli.exits import Exit, for_results
from audits.cli.form import (
    Format,
    Formats,
    SarifSuppressed,
    Wanted,
    by_itself,
    hand_out,
    keep,
    put,
    wanted,
    written,
)
from audits.cli.options import (
    ConfigFile,
    FailOn,
    MaxUnknown,
    NoWaivers,
    Policies,
    Quiet,
    WaiverFile,
)
from audits.cli.workspace import checked_policy, configuration, waivers_for
from audits.errors import UsageError
from audits.evaluate.verdict import Severity
from audits.evidence.run_directory import JUDGED_BY, REPORT, RESULTS, RunDirectory

NewAlone = Annotated[
    bool,
    typer.Option(
        "--fail-on-new",
        help="Of a run with --base: let github and junit call only those failures errors that the "
        "change introduces.",
    ),
]
StoredRun = Annotated[Path, typer.Argument(help="The directory of a stored run.", metavar="RUN")]


def register(app: typer.Typer) -> None:
    app.command()(evaluate)
    app.command()(report)


def evaluate(
    stored: StoredRun,
    config: ConfigFile = None,
    policy: Policies = None,
    waivers: WaiverFile = None,
    no_waivers: NoWaivers = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A directory for results and reports; default: the run itself, if it was not "
            "judged before.",
            show_default=False,
        ),
    ] = None,
    fail_on: FailOn = Severity.MEDIUM,
    max_unknown: MaxUnknown = 0,
    format: Formats = None,
    sarif_suppressed: SarifSuppressed = False,
    quiet: Quiet = False,
) -> Exit:
    """Judges a stored run again, offline: the same facts, this or another policy.

    Without --policy the run's own policy and waivers are used. The same facts, policy and waivers
    give the same bytes of results.jsonl as the run did.
    """
    from audits.cli.reporting import remarked, reported, write_reports
    from audits.report.remark import Gate

    forms = wanted(format) or by_itself(quiet=quiet)
    run = judging.stored(stored)
    directory = _place_for(run.directory, output, forms)
    judgment = run.judgment
    if policy:
        chosen = checked_policy(configuration(config), policy)
        judgment = judging.Judgment(judgment.fleet, chosen, judgment.waivers, judgment.folder)
    if waivers or no_waivers:
        read = () if no_waivers else waivers_for(configuration(config), waivers, run.snapshot)
        judgment = judging.Judgment(judgment.fleet, judgment.policy, read, judgment.folder)
    judged = judging.judge(run.snapshot, judgment, run.directory)
    complete = run.directory.complete
    ended = judging.ended(run)
    made = reported(run.snapshot, judgment, judged, ended=ended, complete=complete)
    gate = Gate(fail_on, max_unknown)
    remarks = remarked(run.snapshot, judgment, judged, gate, ended=ended, complete=complete)
    if directory is not None:
        directory.make()
        judging.write_results(directory, judged.results)
        write_reports(directory, made, None)
        keep(directory, forms, made, remarks, None, suppressed=sarif_suppressed)
        directory.write(JUDGED_BY, [judging.encode_judgment(judgment)])
        if output is None:
            directory.renew()
    hand_out(forms, made, remarks, None, suppressed=sarif_suppressed)
    if not quiet:
        from audits.cli.summary import print_summary

        print_summary(made, directory.path / REPORT if directory else None)
    return for_results(judged.results, fail_on, max_unknown)


def report(
    stored: StoredRun,
    format: Annotated[
        Format,
        typer.Option("--format", "-f", help=f"{', '.join(Format)}.", metavar="FORMAT"),
    ] = Format.HTML,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A file; default: standard output.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    fail_on: FailOn = Severity.MEDIUM,
    max_unknown: MaxUnknown = 0,
    fail_on_new: NewAlone = False,
    sarif_suppressed: SarifSuppressed = False,
) -> Exit:
    """Writes a report of a stored run that was judged.

    --fail-on and --fail-on-new say what github and junit call an error, --max-unknown when sarif
    calls a run incomplete; the exit code is 0 once the report is written.
    """
    from audits.cli.reporting import remarked, reported
    from audits.report.remark import Gate

    run = judging.stored(stored)
    if not (stored / RESULTS).is_file():
        raise UsageError(f"{stored}: not judged yet; run `mailproof evaluate {stored}` first")
    judged = judging.stored_judged(run)
    complete = run.directory.complete
    ended = judging.ended(run)
    made = reported(run.snapshot, run.judgment, judged, ended=ended, complete=complete)
    gate = Gate(fail_on, max_unknown, new_alone=fail_on_new)
    remarks = remarked(run.snapshot, run.judgment, judged, gate, ended=ended, complete=complete)
    put(written(format, made, remarks, None, suppressed=sarif_suppressed), output)
    return Exit.COMPLETE


def _place_for(
    stored: RunDirectory, output: Path | None, forms: tuple[Wanted, ...]
) -> RunDirectory | None:
    """Where results of a stored run go: to what is named, else to the run itself if it has none.

    Raises UsageError where a form has to become part of a directory, and there is none.
    """
    if output is not None:
        return RunDirectory(output)
    if not (stored.path / RESULTS).exists():
        return stored
    for each in forms:
        if each.kept is not None:
            raise UsageError(
                f"--format: {stored.path} was judged before and stays as it is; expected "
                f"{each.form}=FILE, or --output beside it"
            )
    return None
