"""A summary in Markdown for a pull request: what a change introduces, mends and leaves."""

import re
from collections import Counter
from pathlib import Path
from typing import Final

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup
from msgspec import Struct

from audits.evaluate.verdict import Outcome, Severity
from audits.report.remark import Before, Remark, Remarks
from audits.report.sanitise import visible
from audits.report.view import Conclusion, ReportView
from audits.report.words import number
from audits.subject import Subject

# A comment of GitHub takes 65,536 characters in all.
_MOST: Final = 30
_LONGEST: Final = 400
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@:$-])")
_FENCE: Final = re.compile(r"`+")

_SIGNS: Final = {
    Conclusion.COMPLIANT: "✅",
    Conclusion.NOT_COMPLIANT: "❌",
    Conclusion.INCOMPLETE: "⚠️",
}


class Mended(Struct, frozen=True):
    """A failure of before that is no more. how: what has become of it."""

    audit: str
    about: str
    sentence: str
    how: str


class Section(Struct, frozen=True):
    """A list of remarks under a heading. left: how many more there are; open: shown unfolded."""

    title: str
    count: str
    remarks: tuple[Remark, ...]
    left: str
    open: bool


class Count(Struct, frozen=True):
    """Failures of a severity, before (empty where there is nothing to compare with) and after."""

    severity: str
    before: str
    after: str
    waived: str


class Summary(Struct, frozen=True):
    """What the template prints. against: what is compared with; empty where there is nothing."""

    sign: str
    conclusion: str
    sentence: str
    tally: str
    against: str
    counts: tuple[Count, ...]
    sections: tuple[Section, ...]
    mended: tuple[Mended, ...]
    mended_count: str
    mended_left: str


def markdown(view: ReportView, remarks: Remarks, shipped: Path, own: Path | None = None) -> str:
    """The summary. Templates in `own` stand in front of those in `shipped`, in a sandbox."""
    made = (
        _environment(shipped, own)
        .get_template("summary.md.j2")
        .render(summary=summary(view, remarks))
    )
    return f"{made.rstrip()}\n"


def summary(view: ReportView, remarks: Remarks) -> Summary:
    mended = _mended(remarks, remarks.before) if remarks.before is not None else []
    return Summary(
        sign=_SIGNS[view.conclusion],
        conclusion=view.conclusion.words,
        sentence=view.sentence,
        tally=f"{view.total_words} {view.tally}",
        against=remarks.before.name if remarks.before is not None else "",
        counts=tuple(_counts(remarks)),
        sections=tuple(s for s in _sections(remarks) if s.remarks),
        mended=tuple(mended[:_MOST]),
        mended_count=number(len(mended)),
        mended_left=_left(len(mended)),
    )


def _sections(remarks: Remarks) -> list[Section]:
    failed = list(remarks.having(Outcome.FAIL))
    unseen = list(remarks.having(Outcome.ERROR, Outcome.UNKNOWN))
    waived = list(remarks.having(Outcome.WAIVED))
    last = [
        _section("Could not be decided: neither a pass nor a fail", unseen, open_=not failed),
        _section("Waived", waived, open_=False),
    ]
    if remarks.before is None:
        return [_section("Findings", failed, open_=True), *last]
    old = remarks.before.failed
    introduced = [remark for remark in failed if (remark.audit, remark.subject) not in old]
    left = [remark for remark in failed if (remark.audit, remark.subject) in old]
    return [
        _section("Introduced by this change", introduced, open_=True),
        _section("There before, and still", left, open_=False),
        *last,
    ]


def _section(title: str, remarks: list[Remark], *, open_: bool) -> Section:
    shown = tuple(remarks[:_MOST])
    return Section(title, number(len(remarks)), shown, _left(len(remarks)), open_)


def _left(count: int) -> str:
    return number(count - _MOST) if count > _MOST else ""


def _mended(remarks: Remarks, before: Before) -> list[Mended]:
    """What failed before and does not now; what nobody could see now is not mended."""
    now: dict[tuple[str, Subject], Remark] = {(r.audit, r.subject): r for r in remarks.all}
    found = []
    for (audit, subject), result in before.failed.items():
        after = now.get((audit, subject))
        how = _FATES.get(after.outcome) if after is not None else "no longer part of the fleet"
        if how is not None:
            words = visible(result.violations[0].message, _LONGEST)
            found.append(Mended(audit, visible(str(subject)), words, how))
    return found


_FATES: Final = {
    Outcome.PASS: "passes now",
    Outcome.NOT_APPLICABLE: "does not apply any more",
    Outcome.WAIVED: "is waived now",
}


def _counts(remarks: Remarks) -> list[Count]:
    after = Counter(r.severity for r in remarks.having(Outcome.FAIL))
    waived = Counter(r.severity for r in remarks.having(Outcome.WAIVED))
    failed = remarks.before.failed.values() if remarks.before is not None else ()
    before = Counter(result.severity for result in failed)
    return [
        Count(
            severity,
            number(before[severity]) if remarks.before is not None else "",
            number(after[severity]),
            number(waived[severity]),
        )
        for severity in reversed(Severity)
        if before[severity] or after[severity] or waived[severity]
    ]


# --- escaping -----------------------------------------------------------------------------------


def code(text: object) -> Markup:
    """A code span: no markup, no link, no mention of anybody works in it.

    Fenced by more backticks than stand in it (CommonMark 0.31 section 6.1).
    """
    shown = visible(str(text), _LONGEST) or " "
    longest = max(map(len, _FENCE.findall(shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown[0] in " `" or shown[-1] in " `" else ""
    return Markup(f"{fence}{pad}{shown}{pad}{fence}")  # none of it is HTML


def plain(text: object) -> Markup:
    """Words of our own, with every sign that means something in Markdown taken literally."""
    return Markup(_SPECIAL.sub(r"\\\1", visible(str(text), _LONGEST)))


def _finalize(value: object) -> object:
    return value if isinstance(value, Markup | int) else code(value)


def _environment(shipped: Path, own: Path | None) -> Environment:
    # What a template prints without a word about it comes out as a code span.
    kind = Environment if own is None else ImmutableSandboxedEnvironment
    environment = kind(
        loader=ChoiceLoader([FileSystemLoader(f) for f in (own, shipped) if f is not None]),
        autoescape=False,  # Markdown is escaped by `finalize`
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = plain
    return environment
