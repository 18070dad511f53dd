"""A summary in Markdown for a pull request: what a change introduces, mends and leaves."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup
from msgspec import Struct

from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.report.remark import Remark, Remarks
from audits.report.review import Reviewed
from audits.report.sanitise import visible
from audits.report.view import Conclusion, ReportView
from audits.report.words import number
from audits.subject import Subject

# A comment of GitHub takes 65,536 characters in all.
_MOST: Final = 30
_LONGEST: Final = 400
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~&:$-])")
_FENCE: Final = re.compile(r"`+")

_SIGNS: Final = {
    Conclusion.COMPLIANT: "✅",
    Conclusion.NOT_COMPLIANT: "❌",
    Conclusion.INCOMPLETE: "❓",
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
    """Failures of one severity. The first two are empty where there is nothing to compare with."""

    severity: str
    introduced: str
    mended: str
    now: str
    waived: str


class Summary(Struct, frozen=True):
    """What the template prints. base: what is compared with; empty where there is nothing.

    reviewed: the files that were judged, and what they can't show; None for a run of the network.
    """

    sign: str
    conclusion: str
    sentence: str
    tally: str
    base: str
    reviewed: Reviewed | None
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
    comparison = remarks.comparison
    mended = comparison.mended if comparison is not None else ()
    now = {(remark.audit, remark.subject): remark for remark in remarks.all}
    return Summary(
        sign=_SIGNS[view.conclusion],
        conclusion=view.conclusion.words,
        sentence=view.sentence,
        tally=f"{view.total_words} {view.tally}",
        base=view.change.base if view.change is not None else "",
        reviewed=view.reviewed,
        counts=tuple(_counts(remarks)),
        sections=tuple(section for section in _sections(remarks) if section.remarks),
        mended=tuple(_mended(result, now) for result in mended[:_MOST]),
        mended_count=number(len(mended)),
        mended_left=_left(len(mended)),
    )


def _sections(remarks: Remarks) -> Iterator[Section]:
    failed = list(remarks.having(Outcome.FAIL))
    unseen = list(remarks.having(Outcome.ERROR, Outcome.UNKNOWN))
    introduced = [remark for remark in failed if remark.change == "introduced"]
    left = [remark for remark in failed if remark.change == "left"]
    rest = [remark for remark in failed if remark.change is None]
    yield _section("Introduced by this change", introduced, open_=True)
    yield _section("Findings", rest, open_=True)
    yield _section("There before, and still", left, open_=False)
    yield _section(
        "Could not be decided, which is neither a pass nor a fail", unseen, open_=not failed
    )
    yield _section("Waived", list(remarks.having(Outcome.WAIVED)), open_=False)


def _section(title: str, remarks: Sequence[Remark], *, open_: bool) -> Section:
    shown = tuple(remarks[:_MOST])
    return Section(title, number(len(remarks)), shown, _left(len(remarks)), open_)


def _left(count: int) -> str:
    return number(count - _MOST) if count > _MOST else ""


def _mended(result: Result, now: Mapping[tuple[str, Subject], Remark]) -> Mended:
    """A failure of the base, and what has become of it."""
    after = now.get((result.audit, result.subject))
    how = "no longer part of the fleet"
    if after is not None:
        how = "passes now" if after.outcome is Outcome.PASS else "does not apply any more"
    said = visible(result.violations[0].message, _LONGEST)
    return Mended(result.audit, visible(str(result.subject)), said, how)


def _counts(remarks: Remarks) -> Iterator[Count]:
    failed = list(remarks.having(Outcome.FAIL))
    now = Counter(remark.severity for remark in failed)
    waived = Counter(remark.severity for remark in remarks.having(Outcome.WAIVED))
    introduced = Counter(r.severity for r in failed if r.change == "introduced")
    comparison = remarks.comparison
    mended = Counter(r.severity for r in comparison.mended) if comparison is not None else Counter()
    for severity in reversed(Severity):
        if now[severity] or waived[severity] or mended[severity]:
            yield Count(
                severity,
                number(introduced[severity]) if comparison is not None else "",
                number(mended[severity]) if comparison is not None else "",
                number(now[severity]),
                number(waived[severity]),
            )


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
    """Words of our own, with every sign that means something in Markdown taken literally.

    GitHub looks for mentions and addresses after it has taken escapes out, but not in code.
    """
    shown = visible(str(text), _LONGEST)
    return Markup("`@`".join(_SPECIAL.sub(r"\\\1", part) for part in shown.split("@")))


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
