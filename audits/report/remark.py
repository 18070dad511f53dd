"""What CI is told of a run: a remark for each result, each with a place in the repository."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Literal

import msgspec
from msgspec import Struct

from audits.evaluate.comparison import Comparison
from audits.evaluate.result import Result, WaiverUse
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Step
from audits.facts.place import Place
from audits.facts.snapshot import Snapshot
from audits.report.finding import source_of
from audits.report.location import Locator, Repository
from audits.report.material import Material
from audits.report.prose import first_sentence
from audits.report.sanitise import visible
from audits.report.words import counted
from audits.subject import Subject, sort_key

_MESSAGE = 1000

Change = Literal["introduced", "left"]


class Gate(Struct, frozen=True):
    """What the exit code counts: failures from this severity, and more unknowns than this.

    new_alone: only of failures that a change introduces.
    """

    fail_on: Severity = Severity.MEDIUM
    max_unknown: int = 0
    new_alone: bool = False

    def counts(self, severity: Severity, change: Change | None) -> bool:
        """Whether a failure counts. change: what a change under review did to it."""
        return severity.rank >= self.fail_on.rank and (change == "introduced" or not self.new_alone)


class Remark(Struct, frozen=True):
    """One result in words. All text is visible text in one line.

    about: the subject. sentence: what was seen, or why it was not; more: each further violation.
    remedy: in one sentence, where something is to be done. places: where it is shown first, then
    every other line that the evidence names. fingerprint: of audit and subject alone, so that it
    stays when lines move, words change or the severity does. change: what a change under review did
    to a failure.
    """

    audit: str
    topic: str
    title: str
    subject: Subject
    about: str
    outcome: Outcome
    severity: Severity
    step: Step
    sentence: str
    more: tuple[str, ...]
    expected: str
    quotes: tuple[str, ...]
    remedy: str
    places: tuple[Place, ...]
    fingerprint: str
    waiver: WaiverUse | None
    change: Change | None

    @property
    def place(self) -> Place:
        return self.places[0]

    @property
    def said(self) -> str:
        """The sentence, and how much more there is."""
        more = f", and {counted(len(self.more), 'more violation')}" if self.more else ""
        return f"{self.about}: {self.sentence}{more}"


@dataclass(frozen=True)
class Remarks:
    """Every result of a run as CI formats take it. comparison: of a change with its base.

    base: what the files of the base say, where there is one.
    """

    material: Material
    repository: Repository
    gate: Gate
    comparison: Comparison | None = None
    base: Snapshot | None = None

    @cached_property
    def all(self) -> tuple[Remark, ...]:
        """One for each result, worst first; what a change introduces before what was there."""
        locator = Locator(self.material, self.repository, self.base)
        made = (_remark(result, self.material, locator) for result in self.material.results)
        return tuple(sorted(made, key=_worst_first))

    def having(self, *outcomes: Outcome) -> Iterator[Remark]:
        return (remark for remark in self.all if remark.outcome in outcomes)

    @property
    def unseen(self) -> int:
        """How many results could not be decided."""
        return sum(1 for _ in self.having(Outcome.UNKNOWN, Outcome.ERROR))

    @property
    def complete(self) -> bool:
        """The run was not cut off, and saw as much as was asked for."""
        return self.material.run.complete and self.unseen <= self.gate.max_unknown


_ORDER = (
    Outcome.FAIL,
    Outcome.ERROR,
    Outcome.UNKNOWN,
    Outcome.WAIVED,
    Outcome.NOT_APPLICABLE,
    Outcome.PASS,
)


def _worst_first(remark: Remark) -> tuple[int, bool, int, str, tuple[int, str, str, str, int]]:
    order = _ORDER.index(remark.outcome)
    old = remark.change == "left"
    return (order, old, -remark.severity.rank, remark.audit, sort_key(remark.subject))


def fingerprint(audit: str, subject: Subject | str) -> str:
    """32 hex digits that stand for an audit on a subject, whatever came of it."""
    about = subject.encode() if isinstance(subject, str) else msgspec.json.encode(subject)
    return sha256(b"\0".join((b"mailproof/v1", audit.encode(), about))).hexdigest()[:32]


def _remark(result: Result, material: Material, locator: Locator) -> Remark:
    audit = material.audits.get(result.audit)
    first, *more = _said(result)
    place = locator.place(result)
    others = (other for other in locator.evident(result) if other != place)
    return Remark(
        audit=result.audit,
        topic=material.topics[result.audit],
        title=visible(audit.documentation.title if audit else result.audit).rstrip("."),
        subject=result.subject,
        about=visible(str(result.subject)),
        outcome=result.outcome,
        severity=result.severity,
        step=result.step,
        sentence=first,
        more=tuple(more),
        expected=visible(result.expected.replace("`", "")),
        quotes=tuple(_quotes(result)),
        remedy=first_sentence(result.remediation) if result.remediation else "",
        places=(place, *others),
        fingerprint=fingerprint(result.audit, result.subject),
        waiver=result.waiver,
        change=result.change,
    )


def _said(result: Result) -> list[str]:
    """What was seen, a violation each; what was silent; why it does not apply."""
    said: Iterable[str]
    match result.outcome:
        case Outcome.FAIL | Outcome.WAIVED:
            said = (violation.message for violation in result.violations)
        case Outcome.UNKNOWN:
            said = (f"not observed: {u.detail} ({u.reason})" for u in result.unknown)
        case Outcome.ERROR:
            said = [f"the audit broke: {(result.note or '').strip().rpartition(chr(10))[2]}"]
        case Outcome.NOT_APPLICABLE:
            said = [result.note or "it does not apply"]
        case Outcome.PASS:
            said = [result.expected]
    return [visible(words, _MESSAGE) for words in dict.fromkeys(said)] or ["no reason was given"]


def _quotes(result: Result) -> Iterator[str]:
    pieces = [piece for violation in result.violations for piece in violation.evidence]
    for piece in pieces or result.evidence:
        at = str(piece.place) if piece.place is not None else source_of(piece)
        yield f"{visible(piece.quote)} ({visible(at)})"
