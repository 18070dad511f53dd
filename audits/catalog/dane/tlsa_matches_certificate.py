"""On every address of an MX host a TLSA record fits the certificate that it shows.

## Rationale
To a sender that does DANE, secure TLSA records are a promise that TLS is there and whose key it is.
Where none of them fits, it does not deliver, on whichever address that happens; mail waits and is
returned at last. The usual cause is a certificate that was renewed with a new key.

## Remediation
Let every address offer STARTTLS with a certificate that a published record fits. After a renewal
with another key, publish the record of the new key at once, beside the old one, and delete the old
one later:

    openssl x509 -in mx1.pem -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum
    _25._tcp.mx1.example.net.  3600  IN  TLSA  3 1 1 <that digest>

From then on publish before switching, or keep the key (`certbot renew --reuse-key`). For usage 2,
serve the trust anchor's certificate with the chain, for the name of the MX host and within its
dates. Give every address and every server behind it the same certificate.

## Limits
It sees the certificate that a current client gets, and on hosts of the inventory the one that a
client gets which takes only the other type of key, RSA or ECDSA. A server that speaks nothing but
TLS 1.3 can't be asked for that one, and stays unknown. Records that are not secure are left to
`dane-dnssec-secure`.
"""

from msgspec import Struct

from audits.evaluate.audit import AsOf, Doc, Rfc, audit
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
from audits.facts.dane import TlsaSet
from audits.facts.declared import HostRoles
from audits.facts.dns import ResolverReport
from audits.facts.fact import Observation, Observed
from audits.facts.smtp import StartTls
from audits.facts.tls import CertificateChain, OtherChain, TlsHandshake
from audits.parse.tlsa import DANE_TA, match, usable
from audits.parse.x509 import matches


@audit(
    to=Target.MX_SERVICE,
    severity=Severity.CRITICAL,
    references=(Rfc(7672, "2.2"), Rfc(7672, "3.1"), Rfc(7672, "3.2"), Rfc(7671, "5")),
    frameworks=(Doc("BSI TR-03108-P", "D-02"), Doc("Internet.nl", "dane-valid")),
)
def evaluate(
    tlsa: TlsaSet,
    resolver: ResolverReport,
    roles: HostRoles,
    starttls: Observation[StartTls],
    handshake: Observation[TlsHandshake],
    chain: Observation[CertificateChain],
    other: Observation[OtherChain],
    now: AsOf,
) -> Verdict:
    if not tlsa.records:
        return NotApplicable(f"there is no TLSA record at {tlsa.name}")
    if resolver.distrust is not None:
        return undecided(resolver, "/finding", resolver.distrust)
    if not tlsa.secure:
        return NotApplicable(f"the TLSA records at {tlsa.name} are not secure, nobody uses them")
    records = cite(tlsa, "/records")
    broken = _no_tls(starttls, handshake)
    if broken is not None:
        message, seen = broken
        return Fail((Violation(f"TLSA records promise TLS, and {message}", (seen, records)),))
    if not any(usable(tlsa.records)):
        return NotApplicable(f"senders can use no TLSA record at {tlsa.name}")
    if not isinstance(chain, Observed):
        if chain.reason.nothing_there:
            return NotApplicable(chain.detail)
        return Undecided(chain.reason, chain.detail, (records,))
    first = _fits(tlsa, _Presented.of(chain.fact), roles, now)
    if isinstance(other, Observed):
        held = _Presented.of_other(other.fact)
        return _both(first, _fits(tlsa, held, roles, now)) if held is not None else first
    if other.reason.nothing_there or isinstance(first, Fail):
        return first
    return Undecided(other.reason, other.detail, first.evidence)


class _Presented(Struct, frozen=True):
    """A chain, and where it stands: fact, pointer to it, and in words which clients get it."""

    fact: CertificateChain | OtherChain
    chain: CertificateChain
    at: str
    clients: str

    @classmethod
    def of(cls, fact: CertificateChain) -> "_Presented":
        """What a current client gets."""
        return cls(fact, fact, "", "")

    @classmethod
    def of_other(cls, fact: OtherChain) -> "_Presented | None":
        """What a client gets that takes the other type of key only, if there is such a chain."""
        words = f" to clients that take {fact.key_type.upper()} only"
        return cls(fact, fact.chain, "/chain", words) if fact.chain is not None else None


def _no_tls(
    starttls: Observation[StartTls], handshake: Observation[TlsHandshake]
) -> tuple[str, Evidence] | None:
    """The server was seen not to do TLS: in which words, and where it stands."""
    if isinstance(starttls, Observed) and not starttls.fact.offered:
        return "STARTTLS is not offered", cite(starttls.fact, "/offered")
    if isinstance(handshake, Observed) and not handshake.fact.completed:
        return f"the handshake fails: {handshake.fact.error}", cite(handshake.fact, "/error")
    return None


def _names(tlsa: TlsaSet, roles: HostRoles, chain: CertificateChain) -> tuple[str, ...]:
    """What usage 2 may find in the certificate (RFC 7672 section 3.2.2).

    A certificate for the domain instead of the host has to be for every domain that is served.
    """
    hosts = tuple(dict.fromkeys((tlsa.base, tlsa.subject.name)))
    leaf = chain.leaf
    if leaf is not None and roles.mx_of and all(matches(leaf, name) for name in roles.mx_of):
        return (*hosts, *roles.mx_of)
    return hosts


def _fits(tlsa: TlsaSet, held: _Presented, roles: HostRoles, now: AsOf) -> Pass | Fail:
    """Whether a chain fits one of the records at least."""
    chain = held.chain
    names = _names(tlsa, roles, chain)
    seen: list[Evidence] = []
    faults: list[str] = []
    for place, record in usable(tlsa.records):
        found = match(record, chain, names, now.at)
        seen.append(cite(tlsa, f"/records/{place}", record.text))
        if found.fault is None:
            digest = "sha256" if record.selector == 0 else "spki_sha256"
            served = f"{held.at}/certificates/{found.certificate}/{digest}"
            return Pass((seen[-1], cite(held.fact, served)))
        if record.usage == DANE_TA or found.certificate is not None:
            faults.append(f"{record.parameters}: {found.fault}")
    field = "certificates/0/spki_sha256" if chain.certificates else "malformed"
    why = f" ({'; '.join(dict.fromkeys(faults))})" if faults else ""
    message = (
        f"none of {len(seen)} TLSA records fits"
        if len(seen) > 1
        else "the TLSA record does not fit"
    )
    words = f"{message} the certificate that is served{held.clients}{why}"
    return Fail((Violation(words, (*seen, cite(held.fact, f"{held.at}/{field}"))),))


def _both(first: Pass | Fail, second: Pass | Fail) -> Pass | Fail:
    """Senders get one of two certificates: both have to fit."""
    if isinstance(first, Pass) and isinstance(second, Pass):
        return Pass(tuple(dict.fromkeys((*first.evidence, *second.evidence))))
    faults = [each.violations for each in (first, second) if isinstance(each, Fail)]
    return Fail(tuple(violation for each in faults for violation in each))
