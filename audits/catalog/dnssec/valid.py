"""No name that a domain's mail depends on is bogus.

## Rationale
To a validating resolver, and through it to most large receivers, a bogus name does not exist: mail
to the domain waits and is returned, mail from it fails SPF, DKIM and DMARC. To everybody else all
looks well, which makes it hard to see from inside.

## Remediation
Read what the resolver says; the extended error mostly names the cause. Signatures that have expired
are made again by the signer, which has stopped or lost its key:

    knotc zone-sign example.net      rndc sign example.net      pdnsutil rectify-zone example.net

Where the parent's DS records are of another key, correct them at the registrar, or remove them
until the zone is in order.

## Limits
Asked about are the zone of the domain, the names of its mail records, and the addresses of its MX
hosts; their TLSA records are judged by `dane-dnssec-secure`. One resolver is asked, and what it
refuses may be its own trouble; with `resolver: second` what only one of two refuses is unknown.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
    undecided,
)
from audits.facts.dns import ResolverReport
from audits.facts.dnssec import DomainSecurity, Security


@audit(
    to=Target.DOMAIN,
    severity=Severity.CRITICAL,
    references=(Rfc(4035, "5"),),
    frameworks=(Doc("Internet.nl", "dnssec valid"),),
)
def evaluate(domain: DomainSecurity, resolver: ResolverReport) -> Verdict:
    zone = domain.zone
    if resolver.distrust is not None:
        if zone.unsigned:
            return NotApplicable(f"the zone {zone.name} is not signed")
        return undecided(resolver, "/finding", resolver.distrust)
    violations = [
        Violation(
            f"{bogus.rdtype} {bogus.name} is bogus: {bogus.detail}",
            (cite(domain, f"/bogus_names/{place}/detail"),),
        )
        for place, bogus in enumerate(domain.bogus_names)
    ]
    if zone.bogus is not None:
        message = f"the zone {zone.name} is bogus: {zone.bogus}"
        violations.insert(0, Violation(message, (cite(domain, "/zone/bogus"),)))
    if violations:
        return Fail(tuple(violations))
    if zone.security is Security.INSECURE:
        return NotApplicable(f"the zone {zone.name} is not signed, or its parent does not say so")
    return Pass((cite(domain, "/zone/answer/authenticated"), cite(domain, "/bogus_names")))
