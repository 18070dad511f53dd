"""What an audit says: pass, fail, not applicable or undecided, and the evidence for it."""

from enum import StrEnum

from msgspec import Struct

from audits.facts.fact import Fact, Reason, Silence, Step, kind_of
from audits.facts.place import Place
from audits.facts.pointer import pointer_value
from audits.subject import Subject


class Severity(StrEnum):
    """How much a violation matters, from info to critical; ordered."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return _SEVERITIES.index(self)


_SEVERITIES = tuple(Severity)


class Outcome(StrEnum):
    """The result of one audit on one subject (compare XCCDF 1.2 section 6.6.4.2)."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    ERROR = "error"
    WAIVED = "waived"
    NOT_APPLICABLE = "not-applicable"


class Evidence(Struct, frozen=True, omit_defaults=True):
    """A place in a fact, and what stands there.

    pointer: JSON pointer (RFC 6901) into the fact; quote: the value as text. place: where the
    value was read, if it is from a file.
    """

    kind: str
    subject: Subject
    pointer: str
    quote: str
    step: Step
    place: Place | None = None


class Violation(Struct, frozen=True):
    """One way in which the subject is not as it should be.

    message: what was seen, in one clause, with the value. severity: only where milder than the
    audit's. expected: what should have been seen, where the audit's title is not exact enough.
    about: which part of the subject it is about, where the subject has several that fail by
    themselves, such as `submission inet of postfix`.
    """

    message: str
    evidence: tuple[Evidence, ...]
    severity: Severity | None = None
    expected: str | None = None
    about: str | None = None


class Pass(Struct, frozen=True):
    evidence: tuple[Evidence, ...]


class Fail(Struct, frozen=True):
    violations: tuple[Violation, ...]


class NotApplicable(Struct, frozen=True):
    """why: one clause."""

    why: str


class Undecided(Struct, frozen=True):
    """The facts were seen, but they leave the question open: a greylisting 450, a filtered port.

    reason: the layer that was silent. detail: one clause, in the server's words if there are any.
    """

    reason: Reason
    detail: str
    evidence: tuple[Evidence, ...] = ()


Verdict = Pass | Fail | NotApplicable | Undecided


def cite(fact: Fact, pointer: str, quote: str | None = None) -> Evidence:
    """Evidence at a pointer into a fact; the quote is the value there unless given.

    Raises LookupError where the pointer leads nowhere: an audit that does this is broken.
    """
    value = pointer_value(fact, pointer)
    text = quote if quote is not None else _text(value)
    place = getattr(value, "place", None)
    return Evidence(
        kind_of(type(fact)),
        fact.subject,
        pointer,
        text,
        fact.STEP,
        place if isinstance(place, Place) else None,
    )


def undecided(fact: Fact, pointer: str, silence: Silence) -> Undecided:
    """A part of a fact was silent; the pointer leads to what names that part."""
    part = cite(fact, pointer)
    named = part.quote in silence.detail
    detail = silence.detail if named else f"{part.quote}: {silence.detail}"
    return Undecided(silence.reason, detail, (part,))


def _text(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case str() | int() | float():
            return str(value)
        case tuple():
            return ", ".join(map(_text, value)) if value else "none"
        case _:
            shown = getattr(value, "text", None)
            return shown if isinstance(shown, str) else str(value)
