"""What SPF says of addresses that mail comes from, and how it comes to say so (RFC 7208)."""

from enum import StrEnum

from msgspec import Struct

from audits.facts.fact import Fact, Silence
from audits.subject import Domain, MailHost

# The result of a step that reads a record whose terms are then tried.
READ = "read"


class SpfResult(StrEnum):
    """The results of check_host (RFC 7208 section 2.6)."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class SpfQuery(Struct, frozen=True):
    """One question that a term asked of the DNS.

    rcode: its mnemonic, or the reason of a silence. values: the first four, cut to a line each.
    count: of all values. void: counted against the limit (RFC 7208 section 4.6.4).
    """

    name: str
    rdtype: str
    rcode: str
    values: tuple[str, ...]
    count: int
    void: bool


class SpfStep(Struct, frozen=True):
    """One step of an evaluation: a record that is read, or a term of it that is tried.

    path: the terms that led to the record, outermost first. domain: whose record it is.
    term: as published; empty for the record itself. more: how many terms of the same kind without
    look-ups follow, none of them a match. target: the name that the term means, macros expanded.
    lookups, voids: counted so far, this step included (section 4.6.4).
    result: of the record; for a term `match`, `no match`, or the error that it ends in.
    """

    path: tuple[str, ...]
    domain: str
    term: str
    more: int
    target: str
    queries: tuple[SpfQuery, ...]
    lookups: int
    voids: int
    result: str

    @property
    def way(self) -> str:
        """How the record is reached, as the end of a clause; empty for the domain's own."""
        return f" (by {', '.join(self.path)})" if self.path else ""


class SpfCheck(Struct, frozen=True):
    """What check_host gives for one address (RFC 7208 section 4).

    why: what decided, in one clause. silence: behind a temperror. explanation: of a fail, if the
    domain publishes one (section 6.2). steps: in order of evaluation.
    """

    address: str
    result: SpfResult
    why: str
    silence: Silence | None
    explanation: str | None
    lookups: int
    voids: int
    steps: tuple[SpfStep, ...]


class SpfEvaluation(Fact, frozen=True, tag="dns.spf-eval"):
    """check_host for every address that the inventory says a domain's mail comes from.

    checks: IPv4 and IPv6, in the order of the declared senders, each address once.
    silent: the senders whose addresses are not declared and could not be looked up.
    """

    subject: Domain
    checks: tuple[SpfCheck, ...]
    silent: tuple["SilentSender", ...]


class SilentSender(Struct, frozen=True):
    """A declared sender whose addresses are not known."""

    host: str
    silence: Silence


class SpfCost(Struct, frozen=True):
    """The look-ups for a client of one address family whom no term matches.

    family: 4 or 6. lookups, voids: of the whole tree, limits disregarded. mx_names: the most that
    one `mx` term leads to. endless: counting was given up. silence: the first; it leaves the true
    numbers open.
    """

    family: int
    lookups: int
    voids: int
    mx_names: int
    endless: bool
    silence: Silence | None
    steps: tuple[SpfStep, ...]


class SpfWorstCase(Fact, frozen=True, tag="dns.spf-worst"):
    """What an SPF record costs at worst, by address family (RFC 7208 section 4.6.4).

    sends_from: families of the addresses that the inventory says the domain's mail comes from.
    """

    subject: Domain
    costs: tuple[SpfCost, ...]
    sends_from: tuple[int, ...]

    @property
    def unread(self) -> str | None:
        """Why the domain's own record is not evaluated at all, in one clause; None if it is."""
        result = self.costs[0].steps[0].result
        return None if result == READ else f"{result}, so that nothing is evaluated"


class SpfHelo(Fact, frozen=True, tag="dns.spf-helo"):
    """check_host for a host's HELO name and its outbound addresses (RFC 7208 section 2.3)."""

    subject: MailHost
    helo_name: str
    checks: tuple[SpfCheck, ...]
