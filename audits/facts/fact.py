"""The root of all facts, and an observation: a fact that was seen, or the reason why it was not."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import ClassVar, Generic, TypeVar, get_type_hints

from msgspec import Struct

from audits.subject import Subject


class Step(StrEnum):
    """A station of the delivery loop (RFC 5321 sections 3 and 5, RFC 6409 section 4).

    DNS is for records beside the loop: they decide on authentication, not on the way.
    """

    DNS = "dns"
    MX = "mx"
    ADDRESS = "address"
    TCP = "tcp"
    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    QUIT = "quit"


class Fact(Struct, frozen=True, tag_field="kind"):
    """What was seen of one subject, in the protocol's own words."""

    STEP: ClassVar[Step] = Step.DNS

    subject: Subject


F = TypeVar("F", bound=Fact)
F_co = TypeVar("F_co", bound=Fact, covariant=True)


def kind_of(fact: type[Fact]) -> str:
    """The `kind` under which facts of this type are stored, such as `dns.mx`."""
    tag = fact.__struct_config__.tag
    if not isinstance(tag, str):
        raise TypeError(f"{fact.__name__} has no tag")
    return tag


@cache
def subject_type(fact: type[Fact]) -> type[Subject]:
    """The type of the subject that facts of this type are about."""
    hint: type[Subject] = get_type_hints(fact)["subject"]
    return hint


class Reason(StrEnum):
    """Why something was not observed: the layer that was silent.

    The last four say that there was nothing to observe, or that it was right not to ask.
    """

    DNS_TIMEOUT = "dns-timeout"
    SERVFAIL = "servfail"
    DNS_REFUSED = "dns-refused"
    UNVALIDATED = "unvalidated"
    EGRESS_BLOCKED = "egress-blocked"
    FILTERED = "filtered"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    DISCONNECTED = "disconnected"
    PROTOCOL = "protocol"
    THROTTLED = "throttled"
    DEFERRED = "deferred"
    TLS = "tls"
    HTTP = "http"
    DENIED = "denied"
    INTERNAL = "internal"
    INTERRUPTED = "interrupted"
    UNREADABLE = "unreadable"
    NOT_COLLECTED = "not-collected"
    NOT_UNDER_REVIEW = "not-under-review"
    NOT_DECLARED = "not-declared"
    AMBIGUOUS = "ambiguous"
    REFUSED = "refused"
    NOT_OFFERED = "not-offered"
    ABSENT = "absent"
    SKIPPED = "skipped"

    @property
    def nothing_there(self) -> bool:
        """There is nothing to observe, or asking would be wrong: an audit does not apply.

        All other reasons leave the truth open: an audit is UNKNOWN.
        """
        return self in _NOTHING_THERE


_NOTHING_THERE = frozenset({Reason.REFUSED, Reason.NOT_OFFERED, Reason.ABSENT, Reason.SKIPPED})


class Silence(Struct, frozen=True):
    """Part of a fact that was not observed. detail: one clause, with the server's words if any."""

    reason: Reason
    detail: str


class Provenance(Struct, frozen=True):
    """Where an observation comes from.

    collector: its name; vantage: the name of the place; at: aware UTC;
    source: `live`, or `file:line` for what was read from a file, or `files under review`.
    """

    collector: str
    vantage: str
    at: datetime
    source: str


class Observed(Struct, Generic[F_co], frozen=True):
    """A fact that was seen."""

    fact: F_co
    provenance: Provenance

    @property
    def key(self) -> tuple[str, Subject]:
        return kind_of(type(self.fact)), self.fact.subject


class Unobserved(Struct, frozen=True):
    """A fact that was asked for and not seen: neither present nor absent."""

    kind: str
    subject: Subject
    reason: Reason
    detail: str
    provenance: Provenance

    @property
    def key(self) -> tuple[str, Subject]:
        return self.kind, self.subject


Observation = Observed[F] | Unobserved
AnyObservation = Observed[Fact] | Unobserved


def unobserved(
    kinds: Iterable[type[Fact]],
    subject: Subject,
    reason: Reason,
    detail: str,
    provenance: Provenance,
) -> list[AnyObservation]:
    """The same silence for each of several kinds of fact about one subject."""
    return [Unobserved(kind_of(kind), subject, reason, detail, provenance) for kind in kinds]


def observation(
    kind: type[Fact], subject: Subject, found: Fact | Silence, provenance: Provenance
) -> AnyObservation:
    """What was found of one kind of fact about a subject: the fact, or why it is missing."""
    if isinstance(found, Silence):
        return Unobserved(kind_of(kind), subject, found.reason, found.detail, provenance)
    return Observed(found, provenance)
