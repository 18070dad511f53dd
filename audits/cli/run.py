"""The verbs that begin a run, or go on with one: run, collect."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audits.cli import job, judging
from audits.cli.clock import now
from audits.cli.exits import Exit, for_change, for_results
from audits.cli.form import Formats, SarifSuppressed, Wanted, by_itself, hand_out, keep, wanted
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
from audits.cli.workspace import Workspace, read_workspace
from audits.collect.live.beyond import UP_TO_RCPT, Beyond
from audits.errors import UsageError
from audits.evaluate.verdict import Severity
from audits.evidence.run_directory import FACTS, REPORT, RunDirectory
from audits.facts.fact import kind_of
from audits.report.words import counted

if TYPE_CHECKING:  # files under review come seldom
    from audits.cli.review import Review

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


def register(app: typer.Typer) -> None:
    app.command()(run)
    app.command()(collect)


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
) -> judging.Judged:
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
    judgment = judging.judgment_of(workspace)
    judged = judging.judge(snapshot, judgment, directory)
    judging.write_results(directory, judged.results)
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
        from audits.cli.summary import print_summary

        print_summary(made, directory.path / REPORT)
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


def _print_effort(collected: job.Collected) -> None:
    from audits.cli.effort import taken

    stderr().print(taken(collected.traffic, collected.connections))


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
