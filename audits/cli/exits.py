"""The exit codes: one table, from which help, documentation and tests are made."""

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

from audits.errors import MailproofError, OutputError, SnapshotError, UsageError
from audits.evaluate.verdict import Outcome, Severity

if TYPE_CHECKING:  # every verb needs the codes, and few have results
    from audits.evaluate.comparison import Comparison
    from audits.evaluate.result import Result


class Exit(IntEnum):
    """What a caller can tell from the exit code; the output format never changes it."""

    COMPLETE = 0
    INTERNAL = 1
    USAGE = 2
    NOTHING = 3
    OUTPUT = 4
    VERIFY = 5
    FINDINGS = 10
    INCOMPLETE = 11
    FINDINGS_INCOMPLETE = 12
    REGRESSIONS = 13
    INTERRUPTED = 130
    TERMINATED = 143


MEANING: dict[Exit, str] = {
    Exit.COMPLETE: "complete, nothing at or above --fail-on",
    Exit.INTERNAL: "internal error",
    Exit.USAGE: "usage, configuration, policy, inventory, waiver or stored run invalid",
    Exit.NOTHING: "nothing to audit",
    Exit.OUTPUT: "a report or evidence file could not be written",
    Exit.VERIFY: "kept for the verification of stored evidence; no verb ends with it yet",
    Exit.FINDINGS: "findings at or above --fail-on",
    Exit.INCOMPLETE: "incomplete: more unknown results than --max-unknown",
    Exit.FINDINGS_INCOMPLETE: "both findings and incomplete",
    Exit.REGRESSIONS: "regressions (--fail-on-new)",
    Exit.INTERRUPTED: "interrupted; go on with --resume",
    Exit.TERMINATED: "terminated; go on with --resume",
}


def table() -> str:
    """The codes as lines of text, for `--help` and the README."""
    return "\n".join(f"{code.value:>4}  {meaning}" for code, meaning in MEANING.items())


def for_error(error: MailproofError) -> Exit:
    """The code that an error of ours ends with."""
    if isinstance(error, OutputError):
        return Exit.OUTPUT
    return Exit.USAGE if isinstance(error, UsageError | SnapshotError) else Exit.INTERNAL


def for_change(change: "Comparison", fail_on: Severity, max_unknown: int) -> Exit:
    """The code that a change ends with, whatever was there before it, where anything was judged."""
    if any(result.severity.rank >= fail_on.rank for result in change.introduced):
        return Exit.REGRESSIONS
    return Exit.INCOMPLETE if len(change.opened) > max_unknown else Exit.COMPLETE


def for_results(results: "Iterable[Result]", fail_on: Severity, max_unknown: int) -> Exit:
    """The code that results end with. A waived result is no finding; an ERROR is not observed."""
    findings, unknown, seen = False, 0, False
    for result in results:
        seen = True
        if result.outcome is Outcome.FAIL and result.severity.rank >= fail_on.rank:
            findings = True
        elif result.outcome in (Outcome.UNKNOWN, Outcome.ERROR):
            unknown += 1
    if not seen:
        return Exit.NOTHING
    incomplete = unknown > max_unknown
    if findings:
        return Exit.FINDINGS_INCOMPLETE if incomplete else Exit.FINDINGS
    return Exit.INCOMPLETE if incomplete else Exit.COMPLETE
