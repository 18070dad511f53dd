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
It judges the zone that the domain is in and those of its MX hosts, by the signatures over SOA and
keys, MX, addresses and TLSA; `scopes` leaves one of the two out. Signers that sign each answer
afresh use short times: lower `min_rrsig_h` for them. Zones that no resolver relies on are left to
`dnssec-signed`.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Literal

from audits.evaluate.audit import AsOf, EachMx, Rfc, audit
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

_RSA = (1, 5, 7, 8, 10)
_SHA_1 = 1


@audit(
    to=Target.DOMAIN,
    severity=Severity.MEDIUM,
    references=(Rfc(9904), Rfc(9905), Rfc(9276, "3.1")),
)
def evaluate(
    domain: DomainSecurity,
    mx: Observation[MxSet],
    hosts: EachMx[Observation[HostSecurity]],
    resolver: ResolverReport,
    now: AsOf,
    *,
    forbidden_algs: tuple[int, ...] = (1, 3, 5, 6, 7, 12),
    max_nsec3_iter: int = 0,
    min_rsa: int = 2048,
    min_rrsig_h: int = 48,
    scopes: tuple[Literal["domain", "mx"], ...] = ("domain", "mx"),
) -> Verdict:
    """forbidden_algs: DNSKEY algorithm numbers. min_rsa: bits. min_rrsig_h: hours.

    scopes: the domain's own zone, those of its MX hosts, or both.
    """
    delivers = isinstance(mx, Observed) and mx.fact.records
    each = hosts if delivers and "mx" in scopes else ()
    seen: list[Seen] = [domain] if "domain" in scopes else []
    seen += [host.fact for host in each if isinstance(host, Observed)]
    signed = [fact for fact in seen if fact.zone.silent or fact.zone.keys]
    if not signed:
        names = ", ".join(dict.fromkeys(fact.zone.name for fact in seen)) or "none in scope"
        return NotApplicable(f"no zone is signed: {names}")
    if resolver.distrust is not None:
        return undecided(resolver, "/finding", resolver.distrust)
    secure = [fact for fact in signed if fact.zone.security is Security.SECURE]
    if not secure:
        return NotApplicable(f"no resolver relies on the signatures of {signed[0].zone.name}")
    least = timedelta(hours=min_rrsig_h)
    violations: list[Violation] = []
    for fact in _each_zone_once(secure):
        violations += _keys(fact, forbidden_algs, min_rsa)
        violations += _delegation(fact)
        violations += _denial(fact, max_nsec3_iter)
    violations += _signatures(secure, now, least)
    if violations:
        return Fail(tuple(violations))
    for fact in secure:
        if fact.zone.silent:
            return undecided(fact, "/zone/silent/0/rdtype", fact.zone.silent[0].silence)
    for host in each:
        if not isinstance(host, Observed) and not host.reason.nothing_there:
            return Undecided(host.reason, host.detail, (cite(domain, "/zone/keys"),))
    return Pass(tuple(_evidence(secure)))


def _each_zone_once(facts: Sequence[Seen]) -> list[Seen]:
    """The first that is in each zone: what a zone is made of is the same for all."""
    return list({fact.zone.name: fact for fact in reversed(facts)}.values())[::-1]


def _evidence(facts: Sequence[Seen]) -> Iterator[Evidence]:
    for fact in _each_zone_once(facts):
        for place, _ in enumerate(fact.zone.keys):
            yield cite(fact, f"/zone/keys/{place}/algorithm")
        yield cite(fact, "/zone/ds")
        yield cite(fact, "/zone/nsec3")


def _keys(fact: Seen, forbidden: tuple[int, ...], min_rsa: int) -> Iterator[Violation]:
    for place, key in enumerate(fact.zone.keys):
        if key.algorithm in forbidden:
            message = f"key {key.key_tag} of {fact.zone.name} is of algorithm {key.algorithm}"
            yield Violation(message, (cite(fact, f"/zone/keys/{place}/algorithm"),))
        elif key.algorithm in _RSA and key.bits < min_rsa:
            message = (
                f"RSA key {key.key_tag} of {fact.zone.name} has {key.bits} bits, fewer than "
                f"{min_rsa}"
            )
            yield Violation(message, (cite(fact, f"/zone/keys/{place}/bits"),))


def _delegation(fact: Seen) -> Iterator[Violation]:
    ds = fact.zone.ds
    if ds and all(record.digest_type == _SHA_1 for record in ds):
        places = range(len(ds))
        seen = tuple(cite(fact, f"/zone/ds/{place}/digest_type") for place in places)
        yield Violation(f"the DS records of {fact.zone.name} have SHA-1 digests only", seen)


def _denial(fact: Seen, max_iterations: int) -> Iterator[Violation]:
    nsec3, name = fact.zone.nsec3, fact.zone.name
    if nsec3 is None:
        return
    if nsec3.iterations > max_iterations:
        message = (
            f"NSEC3 of {name} has {nsec3.iterations} extra iterations, more than {max_iterations}"
        )
        yield Violation(message, (cite(fact, "/zone/nsec3/iterations"),))
    if nsec3.salt:
        message = f"NSEC3 of {name} has the salt {nsec3.salt}, which helps nobody"
        yield Violation(message, (cite(fact, "/zone/nsec3/salt"),), Severity.LOW)


def _signatures(facts: Sequence[Seen], now: AsOf, least: timedelta) -> Iterator[Violation]:
    """The signature that ends first of each subject's answers, where that is too soon."""
    told: set[tuple[str, str]] = set()
    for fact in facts:
        found = enumerate(fact.zone.signatures)
        for place, signature in sorted(found, key=lambda each: each[1].expiration)[:1]:
            left = signature.expiration - now.at
            if left >= least or (signature.name, signature.covers) in told:
                continue
            told.add((signature.name, signature.covers))
            hours = left / timedelta(hours=1)
            words = f"ends in {hours:.0f} h" if hours >= 0 else f"ended {-hours:.0f} h ago"
            message = f"the signature over {signature.covers} {signature.name} {words}"
            yield Violation(message, (cite(fact, f"/zone/signatures/{place}/expiration"),))
