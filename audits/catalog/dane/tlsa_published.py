"""Every MX host has TLSA records that senders can rely on.

## Rationale
Without them senders encrypt to whoever answers: an attacker on the path strips STARTTLS, or shows a
certificate of their own. With them a sender that does DANE delivers to the right server or not at
all, and needs no certificate authority for it. They count only where DNSSEC secures the whole way:
MX records, addresses of the host, TLSA records.

## Remediation
Sign the zone of the domain and that of the MX host, then publish the digest of the host's key:

    _25._tcp.mx1.example.net.  3600  IN  TLSA  3 1 1 <SHA-256 of the public key>

    openssl x509 -in mx1.pem -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum

Keep the key when the certificate is renewed (`certbot renew --reuse-key`), or publish the next
key's record two TTLs before it is used. An MX host of a provider is the provider's to equip.

## Limits
A host without address is left to `mx-target-resolves`. Whether a record fits the certificate is
judged by `dane-tlsa-matches-certificate`.
"""

from collections.abc import Iterator

from audits.evaluate.audit import Doc, EachMx, Rfc, audit
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
from audits.facts.dane import TlsaSet
from audits.facts.dns import HostAddresses, MxSet, ResolverReport
from audits.parse.tlsa import usable


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.LOW,
    references=(Rfc(7672, "2.2"), Rfc(7672, "3.1")),
    frameworks=(
        Doc("BSI TR-03108-P", "DANE_SERVER"),
        Doc("NCSC-NL TLS", "2"),
        Doc("Internet.nl", "dane-exists"),
    ),
)
def evaluate(
    mx: MxSet,
    each: EachMx[TlsaSet],
    hosts: EachMx[HostAddresses],
    resolver: ResolverReport,
) -> Verdict:
    if not mx.records or not mx.targets:
        return NotApplicable("the domain publishes no MX host")
    violations = [_lacking(tlsa) for tlsa in each if not any(usable(tlsa.records))]
    if len(violations) < len(each):
        if resolver.distrust is not None and not violations:
            return undecided(resolver, "/finding", resolver.distrust)
        if resolver.validates:
            violations += _insecure(mx, each, hosts)
    if violations:
        return Fail(tuple(violations))
    records = (cite(tlsa, "/records") for tlsa in each)
    secured = (cite(tlsa, "/answer/authenticated") for tlsa in each)
    return Pass((*records, *secured, cite(mx, "/answer/authenticated")))


def _lacking(tlsa: TlsaSet) -> Violation:
    seen = cite(tlsa, "/records")
    if not tlsa.records:
        return Violation(f"no TLSA record at {tlsa.name}", (seen, cite(tlsa, "/answer/rcode")))
    return Violation(f"senders can use no TLSA record at {tlsa.name}", (seen,))


def _insecure(
    mx: MxSet, each: EachMx[TlsaSet], hosts: EachMx[HostAddresses]
) -> Iterator[Violation]:
    """What leaves the TLSA records that there are without effect (RFC 7672 section 2.2)."""
    if not mx.answer.authenticated:
        message = "the MX records are not secure, so that DANE is not effective"
        yield Violation(message, (cite(mx, "/answer/authenticated"),))
    addresses = {host.subject: host for host in hosts}
    for tlsa in each:
        if not tlsa.records:
            continue
        if tlsa.bogus is not None:
            yield Violation(f"the TLSA records at {tlsa.name} are bogus", (cite(tlsa, "/bogus"),))
        elif not tlsa.secure:
            message = f"the TLSA records at {tlsa.name} are not secure, so that nobody uses them"
            yield Violation(message, (cite(tlsa, "/answer/authenticated"),))
        host = addresses.get(tlsa.subject)
        open_ = [i for i, a in enumerate(host.answers) if not a.authenticated] if host else []
        if host is not None and open_:
            message = (
                f"the addresses of {host.subject} are not secure, so that DANE is not effective"
            )
            yield Violation(
                message, tuple(cite(host, f"/answers/{i}/authenticated") for i in open_)
            )
