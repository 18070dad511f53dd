"""The verbs that do the job: run, collect, evaluate, report."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audits.cli import job
from audits.cli.clock import now
from audits.cli.exits import Exit, for_change, for_results
from audits.cli.form import (
    Format,
    Formats,
    SarifSuppressed,
    Wanted,
    by_itself,
    hand_out,
    keep,
    on_github,
    put,
    wanted,
    written,
)
from audits.cli.options import (
    ConfigFile,
    Deep,
    FailOn,
    Limit,
    MaxUnknown,
    NoWaivers,
    Output,
    Policies,
    Quiet,
    WaiverFile,
    WithSmuggling,
    stderr,
    stdout,
)
from audits.cli.workspace import (
    Workspace,
    checked_policy,
    configuration,
    read_workspace,
    waivers_for,
)
from audits.collect.live.beyond import UP_TO_RCPT, Beyond
from audits.errors import UsageError
from audits.evaluate.verdict import Severity
from audits.evidence.run_directory import FACTS, JUDGED_BY, REPORT, RESULTS, RunDirectory
from audits.facts.fact import kind_of
from audits.report.words import counted

if TYPE_CHECKING:  # files under review come seldom, reports late
    from audits.cli.review import Review
    from audits.report.view import ReportView

Resume = Annotated[
    Path | None,
    typer.Option(
        help="Go on with a run that was cut off, under the policy, waivers and limit that it was "
        "begun with.",
        metavar="RUN",
        show_default=False,
    ),
]
Previous = Annotated[
    Path | None,
    typer.Option(
        help="The run to compare with; default: the latest complete one beside it, from the same "
        "vantage.",
        metavar="RUN",
        show_default=False,
    ),
]
Stats = Annotated[
    bool,
    typer.Option("--stats", help="Say what it took: DNS queries by type, connections by port."),
]
DataAbort = Annotated[
    bool,
    typer.Option(
        "--data-abort",
        help="Where a host of yours accepts mail to relay, send DATA too, and close the connection "
        "without content.",
    ),
]
WithCanary = Annotated[
    bool,
    typer.Option(
        "--canary",
        help="Where a host of yours accepts mail to relay, send one message to probe.canary, a "
        "mailbox that you own, and see whether it arrives. With --resume, say it again.",
    ),
]
UnderReview = Annotated[
    bool,
    typer.Option(
        "--candidate",
        help="Judge the files that the configuration names under `candidate`, offline.",
    ),
]
WithLive = Annotated[
    bool,
    typer.Option(
        "--live", help="With --candidate: ask everything live that those files do not say."
    ),
]
WithBase = Annotated[
    str | None,
    typer.Option(
        "--base",
        help="With --candidate: judge them as they were where HEAD left this branch too, by the "
        "policy and waivers of there, and say what the change introduces, mends and leaves.",
        metavar="REF",
        show_default=False,
    ),
]
FailOnNew = Annotated[
    bool,
    typer.Option(
        "--fail-on-new",
        help="With --base: end with exit code 13 where the change introduces a failure, and with 0 "
        "whatever was there before.",
    ),
]
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
    app.command()(run)
    app.command()(collect)
    app.command()(evaluate)
    app.command()(report)


def run(
    config: ConfigFile = None,
    limit: Limit = None,
    policy: Policies = None,
    waivers: WaiverFile = None,
    no_waivers: NoWaivers = False,
    output: Output = None,
    resume: Resume = None,
    previous: Previous = None,
    fail_on: FailOn = Severity.MEDIUM,
    max_unknown: MaxUnknown = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be asked of whom, and ask nothing.")
    ] = False,
    deep: Deep = False,
    data_abort: DataAbort = False,
    canary: WithCanary = False,
    smuggling: WithSmuggling = False,
    stats: Stats = False,
    candidate: UnderReview = False,
    live: WithLive = False,
    base: WithBase = None,
    fail_on_new: FailOnNew = False,
    format: Formats = None,
    sarif_suppressed: SarifSuppressed = False,
    quiet: Quiet = False,
) -> Exit:
    """Collects, judges and reports: the whole job.

    Writes a directory of its own: facts.jsonl (what was seen), results.jsonl (one line an audit
    and subject), summary.json, report.html, policy.json, manifest.json, and previous.jsonl (what
    audits compare with, from the run before). No message is sent unless --canary or
    --smuggling asks for it, a login is tried only with an account that the inventory declares
    for it, and hosts outside the inventory get only what a sending MTA does.

    Examples:

      mailproof run                    everything that the inventory names

      mailproof run -l group:edge      only the hosts and domains of a group

      mailproof run --max-unknown 5    tolerate five that could not be observed

      mailproof run --format sarif=mail.sarif --format junit=mail.xml

      mailproof run --candidate --base origin/main --fail-on-new    a change
    """
    forms = wanted(format) or by_itself(quiet=quiet)
    _check_resumed(
        resume, limit, policy, waivers, no_waivers, output, previous, candidate, live, base
    )
    _check_review(
        candidate, live, base, fail_on_new, waivers, dry_run or deep or data_abort or canary
    )
    workspace = read_workspace(config, policy, waivers, limit, no_waivers=no_waivers)
    workspace = workspace.deep if deep else workspace
    workspace = workspace.smuggling if smuggling else workspace
    if workspace.empty:
        stderr().print("[yellow]nothing to audit[/]: the inventory names no host and no domain")
        return Exit.NOTHING
    beyond = _beyond(workspace, data_abort=data_abort, canary=canary)
    if dry_run:
        _print_plan(workspace, beyond)
        return Exit.COMPLETE
    review: Review | None = None
    if candidate:
        from audits.cli.review import compared, reviewed

        workspace, review = reviewed(workspace, live=live)
        if base is not None:
            own = bool(policy)
            workspace, review = compared(
                workspace, review, base, own_policy=own, no_waivers=no_waivers
            )
    workspace, directory = _begun(workspace, output, resume, previous)
    out = Outputs(forms, fail_on, max_unknown, fail_on_new, sarif_suppressed)
    judged = whole_run(
        workspace, directory, quiet=quiet, stats=stats, beyond=beyond, out=out, review=review
    )
    if fail_on_new and judged.comparison is not None and judged.results:
        return for_change(judged.comparison, fail_on, max_unknown)
    return for_results(judged.results, fail_on, max_unknown)


@dataclass(frozen=True)
class Outputs:
    """What a run writes beside what it always does, and what its exit code will count."""

    forms: tuple[Wanted, ...] = ()
    fail_on: Severity = Severity.MEDIUM
    max_unknown: int = 0
    new_alone: bool = False
    sarif_suppressed: bool = False


def whole_run(
    workspace: Workspace,
    directory: RunDirectory,
    *,
    quiet: bool,
    stats: bool = False,
    beyond: Beyond = UP_TO_RCPT,
    out: Outputs | None = None,
    review: "Review | None" = None,
) -> job.Judged:
    """The whole job in an open run directory. review: the files that are judged, if any are."""
    out = out or Outputs()
    if review is not None and not review.live:
        collected = job.read(workspace, directory, review)
    else:
        collected = job.collect(workspace, directory, quiet=quiet, beyond=beyond, review=review)
    # Now, as they were imported while servers were waited for.
    from audits.cli.reporting import remarked, reported, write_reports
    from audits.report.remark import Gate

    snapshot = collected.snapshot
    judgment = job.judgment_of(workspace)
    judged = job.judge(snapshot, judgment, directory)
    job.write_results(directory, judged.results)
    ended = now()
    made = reported(snapshot, judgment, judged, ended=ended, complete=True)
    write_reports(directory, made, workspace.own_templates)
    gate = Gate(out.fail_on, out.max_unknown, new_alone=out.new_alone)
    remarks = remarked(snapshot, judgment, judged, gate, ended=ended, complete=True)
    own, suppressed = workspace.own_templates, out.sarif_suppressed
    keep(directory, out.forms, made, remarks, own, suppressed=suppressed)
    job.finish(workspace, directory, snapshot, beyond)
    hand_out(out.forms, made, remarks, own, suppressed=suppressed)
    if not quiet:
        _print_summary(made, directory.path / REPORT)
    if stats:
        _print_effort(collected)
    return judged


def collect(
    config: ConfigFile = None,
    limit: Limit = None,
    policy: Policies = None,
    output: Output = None,
    resume: Resume = None,
    previous: Previous = None,
    deep: Deep = False,
    data_abort: DataAbort = False,
    canary: WithCanary = False,
    smuggling: WithSmuggling = False,
    stats: Stats = False,
    quiet: Quiet = False,
) -> Exit:
    """Only looks: writes the facts that the policy's audits need, and judges nothing."""
    _check_resumed(resume, limit, policy, output, previous)
    workspace = read_workspace(config, policy, None, limit, no_waivers=False)
    workspace = workspace.deep if deep else workspace
    workspace = workspace.smuggling if smuggling else workspace
    if workspace.empty:
        stderr().print("[yellow]nothing to audit[/]: the inventory names no host and no domain")
        return Exit.NOTHING
    beyond = _beyond(workspace, data_abort=data_abort, canary=canary)
    workspace, directory = _begun(workspace, output, resume, previous)
    collected = job.collect(workspace, directory, quiet=quiet, beyond=beyond)
    snapshot = collected.snapshot
    job.finish(workspace, directory, snapshot, beyond)
    if not quiet:
        stderr().print(f"{len(snapshot):,} observations")
        stdout().print(str(directory.path / FACTS), markup=False)
    if stats:
        _print_effort(collected)
    return Exit.COMPLETE


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
    run = job.stored(stored)
    directory = _place_for(run.directory, output, forms)
    judgment = run.judgment
    if policy:
        chosen = checked_policy(configuration(config), policy)
        judgment = job.Judgment(judgment.fleet, chosen, judgment.waivers, judgment.folder)
    if waivers or no_waivers:
        read = () if no_waivers else waivers_for(configuration(config), waivers, run.snapshot)
        judgment = job.Judgment(judgment.fleet, judgment.policy, read, judgment.folder)
    judged = job.judge(run.snapshot, judgment, run.directory)
    complete = run.directory.complete
    ended = job.ended(run)
    made = reported(run.snapshot, judgment, judged, ended=ended, complete=complete)
    gate = Gate(fail_on, max_unknown)
    remarks = remarked(run.snapshot, judgment, judged, gate, ended=ended, complete=complete)
    if directory is not None:
        directory.make()
        job.write_results(directory, judged.results)
        write_reports(directory, made, None)
        keep(directory, forms, made, remarks, None, suppressed=sarif_suppressed)
        directory.write(JUDGED_BY, [job.encode_judgment(judgment)])
        if output is None:
            directory.renew()
    hand_out(forms, made, remarks, None, suppressed=sarif_suppressed)
    if not quiet:
        _print_summary(made, directory.path / REPORT if directory else None)
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

    run = job.stored(stored)
    if not (stored / RESULTS).is_file():
        raise UsageError(f"{stored}: not judged yet; run `mailproof evaluate {stored}` first")
    judged = job.stored_judged(run)
    complete = run.directory.complete
    ended = job.ended(run)
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


def _print_effort(collected: job.Collected) -> None:
    from audits.cli.effort import taken

    stderr().print(taken(collected.traffic, collected.connections))


def _print_summary(made: "ReportView", report: Path | None) -> None:
    from audits.report.text import terminal

    console = stderr()
    plain = not console.encoding.lower().startswith("utf")
    shown = terminal(made, str(report) if report else None, plain=plain)
    if not on_github():
        console.print(shown)
        return
    # The runner looks for commands in every line, and these quote what servers said.
    from audits.report.github import harmless

    with console.capture() as captured:
        console.print(shown)
    console.file.write(harmless(captured.get()))


def _check_resumed(resume: Path | None, *others: object) -> None:
    """Raises UsageError where a run that was begun is told to be another one."""
    if resume is not None and any(others):
        raise UsageError(
            "--resume: a run that goes on keeps its policy, waivers, limit, place and previous "
            "run; expected none of the options that say them"
        )


def _check_review(
    candidate: bool,
    live: bool,
    base: str | None,
    fail_on_new: bool,
    waivers: Path | None,
    asks: bool,
) -> None:
    """Raises UsageError where an option about files under review stands without its other half."""
    if (live or base is not None) and not candidate:
        raise UsageError(f"{'--live' if live else '--base'}: expected --candidate beside it")
    if fail_on_new and base is None:
        raise UsageError("--fail-on-new: expected --base beside it, which says what is new")
    if base is not None and waivers is not None:
        raise UsageError("--waivers: with --base the waivers are those of the base")
    if candidate and asks and not live:
        raise UsageError(
            "--candidate: found an option that asks hosts, expected none, or --live beside it"
        )


def _begun(
    workspace: Workspace, output: Path | None, resume: Path | None, previous: Path | None
) -> tuple[Workspace, RunDirectory]:
    if resume is not None:
        return job.resumed(workspace, resume)
    return workspace, job.begin(workspace, output or workspace.config.runs, previous)


def _beyond(workspace: Workspace, *, data_abort: bool, canary: bool) -> Beyond:
    """What relay probes may do beyond RCPT. Raises UsageError where there is no canary to send."""
    if not canary:
        return Beyond(data_abort, None)
    # Few runs have one, and it is looked for over IMAP.
    from audits.cli.canary import canary_of

    return Beyond(data_abort, canary_of(workspace))


def _print_plan(workspace: Workspace, beyond: Beyond) -> None:
    chosen = job.planned(workspace.policy, beyond)
    fleet = workspace.fleet
    out = stdout()
    domains, hosts = counted(len(fleet.domains), "domain"), counted(len(fleet.hosts), "host")
    out.print(f"{domains}, {hosts}, and the MX hosts they name")
    for collector in chosen.collectors:
        kinds = sorted(kind_of(fact) for fact in collector.provides & chosen.facts)
        out.print(
            f"{collector.name} [dim]of each {collector.about.__name__}[/]: {', '.join(kinds)}"
        )
