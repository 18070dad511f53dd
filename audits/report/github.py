"""Annotations of GitHub Actions: workflow commands on standard output."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from audits.evaluate.verdict import Outcome, Severity
from audits.report.remark import Remark, Remarks
from audits.report.words import counted

# GitHub shows this many annotations of each kind for a step, and drops the rest without a word.
SHOWN: Final = 10


def annotations(remarks: Remarks) -> Iterator[str]:
    """Lines with line ends: a command for the worst of each kind, a line of the log for the rest.

    A failure that the exit code counts is an error; another one, and what could not be decided, a
    warning; a failure of severity info a notice. Waived failures stand in the log alone.
    """
    counts: Counter[str] = Counter()
    rest: list[Remark] = []
    for remark in remarks.having(Outcome.FAIL, Outcome.ERROR, Outcome.UNKNOWN):
        kind = _kind(remark, remarks)
        counts[kind] += 1
        if counts[kind] <= SHOWN:
            yield _command(kind, remark) + "\n"
        else:
            rest.append(remark)
    lines = [f"{_kind(remark, remarks)}: {_line(remark)}" for remark in rest]
    yield from _folded(f"{counted(len(rest), 'more result')} that GitHub would not show", lines)
    waived = [f"waived: {_line(remark)}" for remark in remarks.having(Outcome.WAIVED)]
    yield from _folded(counted(len(waived), "waived failure"), waived)


def _folded(title: str, lines: Sequence[str]) -> Iterator[str]:
    """Lines of the log under a heading that unfolds them."""
    if lines:
        yield f"::group::{title}\n"
        yield from (harmless(line) + "\n" for line in lines)
        yield "::endgroup::\n"


def harmless(text: str) -> str:
    """Text of one or more lines that the runner takes for no command.

    It takes a line for one that begins with `::` after blanks, or has `##[` anywhere.
    """
    lines = text.replace("##[", "##\\x5b").split("\n")
    return "\n".join(
        line.replace("::", ":\\x3a", 1) if line.lstrip().startswith("::") else line
        for line in lines
    )


def _kind(remark: Remark, remarks: Remarks) -> str:
    if remark.outcome is Outcome.FAIL:
        if remarks.gate.counts(remark.severity, remark.change):
            return "error"
        if remark.severity is Severity.INFO:
            return "notice"
    return "warning"


def _line(remark: Remark) -> str:
    return f"{remark.place}: {_title(remark)}: {remark.said}"


def _title(remark: Remark) -> str:
    failed = remark.outcome in (Outcome.FAIL, Outcome.WAIVED)
    grade = str(remark.severity if failed else remark.outcome)
    return f"{remark.audit} ({grade})"


def _command(kind: str, remark: Remark) -> str:
    place = remark.place
    properties = {
        "file": place.file,
        "line": str(place.line),
        "col": str(place.column),
        "title": _title(remark),
    }
    named = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    remedy = f"\n{remark.remedy}" if remark.remedy else ""
    return f"::{kind} {named}::{_data(harmless(remark.said + remedy))}"


def _data(text: str) -> str:
    """The message of a command: a percent sign and line ends are written as octets."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(harmless(text)).replace(":", "%3A").replace(",", "%2C")
