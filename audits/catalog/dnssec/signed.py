"""The zones of a domain and of its MX hosts are signed, and validate.

## Rationale
Without signatures whoever gets between a sender and the DNS forges what mail stands on: where it
goes, who may send, with which keys, under which policy. DANE needs them.

## Remediation
Sign the zone (in Knot, BIND and PowerDNS one line of the zone's configuration, at most providers a
switch), then give its DS record to the parent zone by way of the registrar:

    zone "example.net" { type primary; file "example.net.zone"; dnssec-policy default; };
    dnssec-dsfromkey Kexample.net.+013+12345.key

Where keys are published and DS records are missing, only the second step is.

## Limits
`scopes` says whether the domain's own zone (`domain`) and those of its MX hosts (`mx`) are judged.
A resolver that does not validate can't tell whether a signed zone is secure; that a zone has
neither keys nor DS records, it can.
"""

from collections.abc import Iterator
from typing import Literal

from audits.evaluate.audit import Doc, EachMx, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
    undecided,
)
from audits.facts.dns import MxSet, ResolverReport
from audits.facts.dnssec import DomainSecurity, HostSecurity, Security
from audits.facts.fact import Observation, Observed

Seen = DomainSecurity | HostSecurity


@audit(
    to=Target.DOMAIN,
    severity=Severity.LOW,
    references=(Rfc(4033, "5"), Doc("NIST SP 800-177r1", "4-2")),
    frameworks=(
        Doc("NIST SP 800-177r1", "4-6"),
        Doc("BSI TR-03108-P", "DNSSEC_SERVER"),
        Doc("BSI TR-03182-P", "B"),
        Doc("Internet.nl", "dnssec"),
    ),
)
def evaluate(
    domain: DomainSecurity,
    mx: MxSet,
    hosts: EachMx[Observation[HostSecurity]],
    resolver: ResolverReport,
    *,
    scopes: tuple[Literal["domain", "mx"], ...] = ("domain", "mx"),
) -> Verdict:
    each = hosts if mx.records and "mx" in scopes else ()
    seen: list[Seen] = [domain] if "domain" in scopes else []
    seen += [host.fact for host in each if isinstance(host, Observed)]
    if not seen:
        return NotApplicable("there is no MX host, and the domain's own zone is not in scope")
    unsigned = [fact for fact in seen if fact.zone.unsigned]
    if resolver.distrust is not None and not unsigned:
        return undecided(resolver, "/finding", resolver.distrust)
    failing = unsigned if resolver.distrust is not None else seen
    violations = tuple(_violations(failing))
    if violations:
        return Fail(violations)
    for host in each:
        if not isinstance(host, Observed) and not host.reason.nothing_there:
            return Undecided(host.reason, host.detail, (cite(mx, "/records"),))
    return Pass(tuple(cite(fact, "/zone/answer/authenticated") for fact in seen))


def _violations(seen: list[Seen]) -> Iterator[Violation]:
    """Each zone once, whoever is in it."""
    zones: dict[str, list[Seen]] = {}
    for fact in seen:
        if fact.zone.security is not Security.SECURE:
            zones.setdefault(fact.zone.name, []).append(fact)
    for name, facts in zones.items():
        evidence: list[Evidence] = []
        for fact in facts:
            evidence += [cite(fact, "/zone/ds"), cite(fact, "/zone/keys")]
        held = ", ".join(str(fact.subject) for fact in facts)
        yield Violation(f"the zone {name} (of {held}) {_fault(facts[0])}", tuple(evidence))


def _fault(fact: Seen) -> str:
    if fact.zone.bogus is not None:
        return "is bogus"
    if fact.zone.keys and not fact.zone.ds:
        return "has keys, and its parent has no DS record for them"
    if fact.zone.unsigned:
        return "is not signed"
    return "does not validate as secure"
