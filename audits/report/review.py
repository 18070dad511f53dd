"""Files under review as reports show them: what they can't show, and what a change does."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from audits.evaluate.comparison import Comparison
from audits.evaluate.coverage import NotCovered
from audits.evaluate.result import Result
from audits.evaluate.verdict import Severity
from audits.facts.review import ReviewScope
from audits.facts.snapshot import Snapshot
from audits.facts.zone import ZoneFile
from audits.report.sanitise import visible
from audits.report.words import counted, listed

_NAMES: Final = 3


class Gap(Struct, frozen=True):
    """One reason for which something is not covered.

    count: `58 audits` or `4 results of 2 audits`. named: the first few audits, or subjects.
    """

    why: str
    count: str
    named: str
    audits: tuple[str, ...]
    results: int


class Reviewed(Struct, frozen=True):
    """The files that were judged. files: `2 zones and 1 host`. problems: of zones that hold no
    domain of the inventory, on which no audit speaks of them.
    """

    files: str
    live: bool
    gaps: tuple[Gap, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


class Changed(Struct, frozen=True):
    """One failure that a change introduces, mends or leaves."""

    audit: str
    about: str
    severity: Severity
    message: str
    place: str


class ChangeSheet(Struct, frozen=True):
    """What a change does. base: the first digits of the commit that it begins from."""

    base: str
    sentence: str
    introduced: tuple[Changed, ...]
    mended: tuple[Changed, ...]
    left: tuple[Changed, ...]
    opened: int


def reviewed(snapshot: Snapshot, gaps: Iterable[NotCovered]) -> Reviewed | None:
    """None where no files are under review."""
    scope = snapshot.fact(ReviewScope, snapshot.vantage)
    if scope is None:
        return None
    counts = [(len(scope.zones), "zone"), (len(scope.hosts), "host")]
    held = {file.origin for file in snapshot.facts(ZoneFile)}
    problems = [
        f"{problem.place}: {problem.message}, expected {problem.expected}"
        for zone in scope.zones
        if zone.origin not in held
        for problem in zone.problems
    ]
    return Reviewed(
        files=listed([counted(count, noun) for count, noun in counts if count]),
        live=scope.live,
        gaps=tuple(map(_gap, gaps)),
        problems=tuple(map(visible, problems)),
        notes=tuple(visible(note) for zone in scope.zones for note in zone.notes),
    )


def change_sheet(comparison: Comparison) -> ChangeSheet:
    introduced, mended, left = (
        tuple(map(_changed, sorted(each, key=_worst_first)))
        for each in (comparison.introduced, comparison.mended, comparison.left)
    )
    words = [f"introduces {counted(len(introduced), 'failure')}"] if introduced else []
    words += [f"mends {counted(len(mended), 'failure')}"] if mended else []
    words += [f"leaves {counted(len(left), 'failure')} as it found it"] if left else []
    opened = len(comparison.opened)
    words += [f"leaves {counted(opened, 'result')} undecided"] if opened else []
    return ChangeSheet(
        base=visible(comparison.base[:12]),
        sentence=f"The change {listed(words) or 'changes no result'}.",
        introduced=introduced,
        mended=mended,
        left=left,
        opened=opened,
    )


def _worst_first(result: Result) -> tuple[int, str, str]:
    return -result.severity.rank, result.audit, str(result.subject)


def _changed(result: Result) -> Changed:
    first = result.violations[0]
    place = next((str(each.place) for each in first.evidence if each.place is not None), "")
    return Changed(
        audit=result.audit,
        about=visible(str(result.subject)),
        severity=result.severity,
        message=visible(first.message),
        place=visible(place),
    )


def _gap(gap: NotCovered) -> Gap:
    count = counted(len(gap.audits), "audit")
    if gap.results:
        count = f"{counted(gap.results, 'result')} of {count}"
    names: Sequence[str] = gap.about or gap.audits[:_NAMES]
    whole = len(gap.audits) if not gap.about else gap.results
    named = ", ".join(map(visible, names)) + (" ..." if whole > len(names) else "")
    return Gap(visible(gap.why), count, named, gap.audits, gap.results)
