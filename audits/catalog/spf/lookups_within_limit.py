"""SPF stays within the look-ups that receivers make.

## Rationale
A receiver that has to make more than ten counted look-ups, or comes upon more than two names that
don't exist, or more than ten hosts behind one `mx`, gives up with a permanent error: as if there
were no SPF. Most mail matches before that; forged mail, and mail of the sender that is listed last,
does not. Included records belong to others and grow without notice.

## Remediation
Drop what no longer sends, and names that are gone. List addresses instead of names where they
are your own and stable:

    @   3600  IN  TXT  "v=spf1 ip4:198.51.100.0/28 include:spf.provider.example ~all"

Give a service that needs many look-ups a subdomain of its own to send from.

## Limits
Counted is the way of a message that no term matches, for IPv4 and for IPv6. Names that depend on
the message are counted and not looked up. A name without addresses of one family costs clients of
that family alone; where the domain does not send from such addresses, this is a warning. As many
look-ups as are allowed pass; `warn_at` warns of fewer: `{warn_at: 9}`.
"""

from collections.abc import Iterator

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
    undecided,
)
from audits.facts.fact import Silence
from audits.facts.spf import SpfCost, SpfWorstCase

# RFC 7208 section 4.6.4
MAX_MX_NAMES = 10


@audit(
    to=Target.DOMAIN,
    severity=Severity.HIGH,
    references=(Rfc(7208, "4.6.4"),),
    frameworks=(
        Doc("Internet.nl", "spf"),
        Doc("CIS v8.1", "9.5"),
        Doc("PCI DSS 4.0.1", "5.4.1 (guidance)"),
        Doc("NIST SP 800-53r5", "SI-8"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(
    worst: SpfWorstCase, *, max_lookups: int = 10, max_void: int = 2, warn_at: int = 0
) -> Verdict:
    if worst.unread is not None:
        return NotApplicable(worst.unread)
    violations = list(_many_lookups(worst, max_lookups, warn_at))
    for place, cost in enumerate(worst.costs):
        violations += _many_mx(worst, place, cost)
        violations += _many_voids(worst, place, cost, max_void)
    # The same term fails the clients of both families; one finding is enough.
    distinct = {violation.message: violation for violation in reversed(violations)}
    if any(v.severity is None for v in distinct.values()):
        return Fail(tuple(reversed(distinct.values())))
    for place, cost in enumerate(worst.costs):
        if cost.silence is not None:
            return undecided(worst, _silent_name(place, cost, cost.silence), cost.silence)
    if distinct:
        return Fail(tuple(reversed(distinct.values())))
    return Pass(
        tuple(
            piece
            for i in range(len(worst.costs))
            for piece in (_lookups(worst, i, max_lookups), cite(worst, f"/costs/{i}/voids"))
        )
    )


def _lookups(worst: SpfWorstCase, place: int, limit: int) -> Evidence:
    """How many there are, and whether another one would be too many."""
    at, lookups = f"/costs/{place}/lookups", worst.costs[place].lookups
    return (
        cite(worst, at, f"{lookups}, which leaves no room") if lookups == limit else cite(worst, at)
    )


def _silent_name(place: int, cost: SpfCost, silence: Silence) -> str:
    """Where the name stands that nobody answered for."""
    return next(
        f"/costs/{place}/steps/{i}/queries/{j}/name"
        for i, step in enumerate(cost.steps)
        for j, query in enumerate(step.queries)
        if query.rcode == silence.reason
    )


def _many_lookups(worst: SpfWorstCase, limit: int, warn_at: int) -> Iterator[Violation]:
    """The count is the same for both families, but for records that name one of them."""
    place = max(range(len(worst.costs)), key=lambda i: worst.costs[i].lookups)
    cost = worst.costs[place]
    counted = (cite(worst, f"/costs/{place}/lookups"),)
    expected = f"at most {limit} look-ups"
    if cost.lookups > limit:
        over = next(i for i, step in enumerate(cost.steps) if step.lookups > limit)
        step = cost.steps[over]
        what = f"{step.term}{step.way} is look-up {step.lookups} of {cost.lookups}"
        if cost.endless:
            what = f"{step.term}{step.way} is look-up {step.lookups} of {cost.lookups} or more"
        yield Violation(
            what, (cite(worst, f"/costs/{place}/steps/{over}/term"), *counted), None, expected
        )
    elif warn_at and cost.lookups >= warn_at:
        yield Violation(
            f"{cost.lookups} look-ups, of at most {limit}", counted, Severity.LOW, expected
        )


def _many_mx(worst: SpfWorstCase, place: int, cost: SpfCost) -> Iterator[Violation]:
    for i, step in enumerate(cost.steps):
        for j, query in enumerate(step.queries):
            if query.rdtype == "MX" and query.count > MAX_MX_NAMES:
                yield Violation(
                    f"{step.term}{step.way} leads to {query.count} MX hosts",
                    (cite(worst, f"/costs/{place}/steps/{i}/queries/{j}/count"),),
                    expected=f"at most {MAX_MX_NAMES} MX hosts behind one mx",
                )


def _many_voids(worst: SpfWorstCase, place: int, cost: SpfCost, limit: int) -> Iterator[Violation]:
    if cost.voids <= limit:
        return
    found: list[tuple[str, Evidence]] = []
    for i, step in enumerate(cost.steps):
        for j, query in enumerate(step.queries):
            if query.void:
                pointer = f"/costs/{place}/steps/{i}/queries/{j}/rcode"
                shown = f"{query.name} {query.rdtype} of {step.term}{step.way}"
                found.append((shown, cite(worst, pointer)))
    sends = cost.family in (worst.sends_from or (4,))
    names = ", ".join(shown for shown, _ in found)
    yield Violation(
        f"{cost.voids} void look-ups for IPv{cost.family} clients: {names}",
        tuple(evidence for _, evidence in found),
        None if sends else Severity.LOW,
        f"at most {limit} names without such addresses",
    )
