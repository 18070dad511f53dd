"""The MTA-STS policy names every MX host, and each shows a valid certificate.

## Rationale
Under a policy in mode `enforce`, senders do not deliver to an MX host that no pattern names, nor to
one without STARTTLS or with a certificate that does not verify. Mail then waits and bounces, from
just those senders that take care. Where a host has TLSA records too, the policy can't make up for
them: senders that do DANE turn away from a key that does not fit, in whichever mode the policy is.

## Remediation
Let every MX host offer STARTTLS with a certificate of a public CA that is within its dates and for
the name in the MX record, not for what that name may be an alias of; and name the host in the
policy. `*.` stands for one label only:

    mx: mx1.example.net
    mx: *.mail.example.net

Change the policy before the MX record is published, then the `id` in the TXT record. Publish the
TLSA record of a new key before the key is used. Until a host can be mended, `mode: testing` keeps
mail flowing, without protection.

## Limits
Other senders trust public roots only. Where the host's `private_ca` or the configuration's
`trust.ca_file` names more, a chain that ends there passes here all the same. A host that refuses
the connection is judged by `port-mx-reachable`. Only TLSA records that are known to be secure are
compared here; all else about them is left to the audits of DANE.
"""

from collections.abc import Iterator

from audits.evaluate.audit import AsOf, Doc, EachMx, Rfc, audit
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
)
from audits.facts.dane import TlsaSet
from audits.facts.dns import MxSet, ResolverReport
from audits.facts.fact import Observation, Observed, Reason, Unobserved
from audits.facts.https import MtaStsPolicy
from audits.facts.smtp import StartTls
from audits.facts.tls import CertificateChain
from audits.parse.mta_sts import covers
from audits.parse.tlsa import match, usable
from audits.parse.x509 import matches

# X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED: dates are looked at by themselves.
_DATES = frozenset({9, 10})


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.CRITICAL,
    references=(Rfc(8461, "2"), Rfc(8461, "4.1"), Rfc(8461, "4.2")),
    frameworks=(Doc("ISM", "1589"),),
)
def evaluate(
    mx: MxSet,
    policy: MtaStsPolicy,
    each_starttls: EachMx[Observation[StartTls]],
    each_chain: EachMx[Observation[CertificateChain]],
    each_tlsa: EachMx[Observation[TlsaSet]],
    resolver: Observation[ResolverReport],
    as_of: AsOf,
) -> Verdict:
    if policy.status != 200 or policy.malformed is not None or policy.mode == "none":
        return NotApplicable("no policy that senders apply is served")
    if not mx.targets:
        return NotApplicable("the domain names no host to deliver to")
    milder = None if policy.mode == "enforce" else Severity.MEDIUM
    promised = _promised(each_tlsa, resolver)
    violations = []
    for name, seen in _not_named(mx, policy):
        message = f"no pattern of the policy names the MX host {name}"
        if name in promised:
            message += ", though DANE does: senders without it deliver nothing there"
        violations.append(Violation(message, seen, milder))
    for starttls in each_starttls:
        if isinstance(starttls, Observed) and not starttls.fact.offered:
            message = f"{starttls.fact.subject} offers no STARTTLS"
            violations.append(Violation(message, (cite(starttls.fact, "/offered"),), milder))
    chains = [seen.fact for seen in each_chain if isinstance(seen, Observed)]
    for chain in chains:
        violations += [Violation(m, e, milder) for m, e in _certificate_faults(chain, as_of)]
        tlsa = promised.get(chain.subject.host)
        if tlsa is not None:
            violations += _overridden(tlsa, chain, policy, as_of)
    if violations:
        return Fail(tuple(violations))
    for seen in (*each_chain, *each_starttls):
        if isinstance(seen, Unobserved) and not seen.reason.nothing_there:
            return Undecided(seen.reason, f"{seen.subject}: {seen.detail}", (cite(policy, "/mx"),))
    for chain in chains:
        if chain.verification is None:
            detail = f"{chain.subject}: the chain was not verified"
            return Undecided(Reason.PROTOCOL, detail, (_certificates(chain),))
    if not chains:
        return NotApplicable("no MX host took a connection")
    return Pass((cite(policy, "/mx"), *(cite(c, "/certificates/0/dns_names") for c in chains)))


def _not_named(mx: MxSet, policy: MtaStsPolicy) -> list[tuple[str, tuple[Evidence, ...]]]:
    """MX hosts outside the policy, by the name in the MX record."""
    patterns = cite(policy, "/mx")
    found: list[tuple[str, tuple[Evidence, ...]]] = []
    for name in mx.targets:
        if any(covers(pattern, name) for pattern in policy.mx):
            continue
        places = [i for i, record in enumerate(mx.records) if record.exchange == name]
        published = cite(mx, f"/records/{places[0]}/exchange" if places else "/subject/name")
        found.append((name, (published, patterns)))
    return found


def _promised(
    each: EachMx[Observation[TlsaSet]], resolver: Observation[ResolverReport]
) -> dict[str, TlsaSet]:
    """The TLSA records that senders use, by host name."""
    if not isinstance(resolver, Observed) or not resolver.fact.validates:
        return {}
    found = (seen.fact for seen in each if isinstance(seen, Observed))
    return {tlsa.subject.name: tlsa for tlsa in found if tlsa.secure and any(usable(tlsa.records))}


def _overridden(
    tlsa: TlsaSet, chain: CertificateChain, policy: MtaStsPolicy, as_of: AsOf
) -> Iterator[Violation]:
    """RFC 8461 section 2: a policy that is met does not override DANE that fails."""
    host = chain.subject.host
    names = tuple(dict.fromkeys((tlsa.base, host, policy.subject.name)))
    records = list(usable(tlsa.records))
    if any(match(record, chain, names, as_of.at).fault is None for _, record in records):
        return
    message = (
        f"the TLSA records of {host} do not fit the certificate of {chain.subject}: senders that "
        "do DANE refuse it, whatever the policy says"
    )
    seen = (cite(tlsa, f"/records/{place}", record.text) for place, record in records)
    yield Violation(message, (*seen, _certificates(chain), cite(policy, "/mode")))


def _certificate_faults(
    chain: CertificateChain, as_of: AsOf
) -> list[tuple[str, tuple[Evidence, ...]]]:
    """What keeps senders from accepting the certificates of one service."""
    leaf, at = chain.leaf, chain.subject
    if leaf is None:
        detail = chain.malformed or "none was served"
        return [(f"{at} shows no certificate that can be read: {detail}", (_certificates(chain),))]
    faults: list[tuple[str, tuple[Evidence, ...]]] = []
    names = cite(chain, "/certificates/0/dns_names")
    if not matches(leaf, at.host):
        held = ", ".join(leaf.dns_names) or "no name"
        faults.append((f"the certificate of {at} is for {held}", (names,)))
    for place, held_certificate in enumerate(chain.certificates):
        if not held_certificate.not_before <= as_of.at <= held_certificate.not_after:
            until = f"/certificates/{place}/not_after"
            faults.append((f"a certificate of {at} is outside its dates", (cite(chain, until),)))
            break
    verification = chain.verification
    if verification is not None and verification.code not in {0, *_DATES}:
        message = f"the certificate of {at} is not trusted: {verification.message}"
        faults.append((message, (cite(chain, "/verification/message"),)))
    return faults


def _certificates(chain: CertificateChain) -> Evidence:
    return cite(chain, "/certificates")
