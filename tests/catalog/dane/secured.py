"""A resolver that validates, TLSA records and zones: all secure unless a test says worse."""

from typing import Any

from audits.facts.dane import TlsaRecord, TlsaSet
from audits.facts.dns import Answer, HostAddresses, MxSet, ResolverReport
from audits.facts.dnssec import DomainSecurity, DsRecord, HostSecurity, ZoneKey, ZoneStatus
from audits.parse.tlsa import tlsa_record
from audits.subject import Domain, MailHost, Vantage
from tests.build import addresses, answer, mx

HOST = "mx1.example.net"
VALIDATING = ResolverReport(
    Vantage("here"), ("127.0.0.1:53",), answer(".", authenticated=True), None, "validates ."
)
NOT_VALIDATING = ResolverReport(
    Vantage("here"), ("127.0.0.1:53",), answer("."), None, "does not validate: no AD for ."
)
# What tests.catalog.wire.certificate has.
SPKI = "cd" * 32
CERT = "ab" * 32
BOGUS = "SERVFAIL from 127.0.0.1:53 to TLSA _25._tcp.mx1.example.net (6 DNSSEC BOGUS)"


def record(parameters: str = "3 1 1", data: str = SPKI) -> TlsaRecord:
    usage, selector, matching = map(int, parameters.split())
    return tlsa_record(usage, selector, matching, bytes.fromhex(data))


def tlsa(
    *records: TlsaRecord, host: str = HOST, secure: bool = True, bogus: str | None = None
) -> TlsaSet:
    name = f"_25._tcp.{host}"
    said = _answer(name, bool(records), secure and bogus is None)
    return TlsaSet(MailHost(host), name, (), said, records, bogus)


def secure_mx(*targets: str, secure: bool = True) -> MxSet:
    found = mx(*((10, target) for target in targets or (HOST,)))
    return MxSet(found.subject, answer("example.net", authenticated=secure), found.records)


def secure_addresses(host: str = HOST, *, secure: bool = True) -> HostAddresses:
    return addresses(host, "192.0.2.10", answers=(answer(host, authenticated=secure),))


def key(algorithm: int = 13, bits: int = 256) -> ZoneKey:
    return ZoneKey(257, algorithm, 4711, bits)


def ds(digest_type: int = 2) -> DsRecord:
    return DsRecord(4711, 13, digest_type, "ef" * 32)


def status(name: str = "example.net", *, secure: bool = True, **fields: Any) -> ZoneStatus:
    """A signed zone; `secure=False` is one without keys and DS, unless they are given."""
    whole: dict[str, Any] = {
        "bogus": None,
        "ds": (ds(),) if secure else (),
        "keys": (key(),) if secure else (),
        "nsec3": None,
        "signatures": (),
        "silent": (),
    }
    return ZoneStatus(name=name, answer=answer(name, authenticated=secure), **(whole | fields))


def zone_of_domain(**fields: Any) -> DomainSecurity:
    return DomainSecurity(Domain("example.net"), status(**fields), ())


def zone_of_host(host: str = HOST, **fields: Any) -> HostSecurity:
    return HostSecurity(MailHost(host), status(**fields))


def _answer(name: str, exists: bool, secure: bool) -> Answer:
    return answer(name, "NOERROR" if exists else "NXDOMAIN", authenticated=secure)
