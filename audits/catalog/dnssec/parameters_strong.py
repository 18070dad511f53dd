"""A signed zone uses algorithms, keys and parameters that last.

## Rationale
Validators drop algorithms one by one: a zone signed with one that they no longer know is unsigned
to them, DANE included. SHA-1 and short RSA keys can be forged. Many NSEC3 iterations cost resolvers
so much that they treat the zone as insecure, and stop no one from guessing names. A signature that
is not renewed in time takes the whole domain down.

## Remediation
Roll to algorithm 13 (ECDSA P-256 with SHA-256), which every validator knows, with a DS record of
digest type 2, and NSEC or NSEC3 with no iterations and no salt. In BIND:

    dnssec-policy "mail" { keys { csk lifetime unlimited algorithm ecdsap256sha256; };
                           nsec3param iterations 0 optout no salt-length 0; };

Where little time is left on signatures, see whether the signer still runs.

## Limits
It judges the zone that the domain is in, by the signatures over its SOA and its keys. Signers that
sign each answer afresh use short times: lower `min_rrsig_h` for them.
"""

from collections.abc import Iterator
from datetime import timedelta

from audits.evaluate.audit import AsOf, Rfc, audit
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

_RSA = (1, 5, 7, 8, 10)
_SHA_1 = 1


@audit(
    to=Target.DOMAIN,
    severity=Severity.MEDIUM,
    references=(Rfc(9904), Rfc(9905), Rfc(9276, "3.1")),
)
def evaluate(
    domain: DomainSecurity,
    resolver: ResolverReport,
    now: AsOf,
    *,
    forbidden_algs: tuple[int, ...] = (1, 3, 5, 6, 7, 12),
    max_nsec3_iter: int = 0,
    min_rsa: int = 2048,
    min_rrsig_h: int = 48,
) -> Verdict:
    """forbidden_algs: DNSKEY algorithm numbers. min_rsa: bits. min_rrsig_h: hours."""
    zone = domain.zone
    if not zone.silent and not zone.keys:
        return NotApplicable(f"the zone {zone.name} is not signed")
    if resolver.distrust is not None:
        return undecided(resolver, "/finding", resolver.distrust)
    if zone.security is not Security.SECURE:
        return NotApplicable(f"no resolver relies on the signatures of {zone.name}")
    violations = (
        *_keys(domain, forbidden_algs, min_rsa),
        *_delegation(domain),
        *_denial(domain, max_nsec3_iter),
        *_signatures(domain, now, timedelta(hours=min_rrsig_h)),
    )
    if violations:
        return Fail(violations)
    if zone.silent:
        return undecided(domain, "/zone/silent/0/rdtype", zone.silent[0].silence)
    keys = (cite(domain, f"/zone/keys/{i}/algorithm") for i, _ in enumerate(zone.keys))
    return Pass((*keys, cite(domain, "/zone/ds"), cite(domain, "/zone/nsec3")))


def _keys(domain: DomainSecurity, forbidden: tuple[int, ...], min_rsa: int) -> Iterator[Violation]:
    for place, key in enumerate(domain.zone.keys):
        if key.algorithm in forbidden:
            message = f"key {key.key_tag} is of algorithm {key.algorithm}"
            yield Violation(message, (cite(domain, f"/zone/keys/{place}/algorithm"),))
        elif key.algorithm in _RSA and key.bits < min_rsa:
            message = f"RSA key {key.key_tag} has {key.bits} bits, fewer than {min_rsa}"
            yield Violation(message, (cite(domain, f"/zone/keys/{place}/bits"),))


def _delegation(domain: DomainSecurity) -> Iterator[Violation]:
    ds = domain.zone.ds
    if ds and all(record.digest_type == _SHA_1 for record in ds):
        places = range(len(ds))
        seen = tuple(cite(domain, f"/zone/ds/{place}/digest_type") for place in places)
        yield Violation("the DS records have SHA-1 digests only", seen)


def _denial(domain: DomainSecurity, max_iterations: int) -> Iterator[Violation]:
    nsec3 = domain.zone.nsec3
    if nsec3 is None:
        return
    if nsec3.iterations > max_iterations:
        message = f"NSEC3 has {nsec3.iterations} extra iterations, more than {max_iterations}"
        yield Violation(message, (cite(domain, "/zone/nsec3/iterations"),))
    if nsec3.salt:
        message = f"NSEC3 has the salt {nsec3.salt}, which helps nobody"
        yield Violation(message, (cite(domain, "/zone/nsec3/salt"),), Severity.LOW)


def _signatures(domain: DomainSecurity, now: AsOf, least: timedelta) -> Iterator[Violation]:
    """The signature that ends first, where that is too soon."""
    found = enumerate(domain.zone.signatures)
    for place, signature in sorted(found, key=lambda each: each[1].expiration)[:1]:
        left = signature.expiration - now.at
        if left < least:
            hours = left / timedelta(hours=1)
            words = f"ends in {hours:.0f} h" if hours >= 0 else f"ended {-hours:.0f} h ago"
            message = f"the signature over {signature.covers} {signature.name} {words}"
            yield Violation(message, (cite(domain, f"/zone/signatures/{place}/expiration"),))
