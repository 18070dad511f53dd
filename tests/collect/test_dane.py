"""The collectors of TLSA records and of zones against a server on loopback."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from audits.collect.collector import Collector, Origin
from audits.collect.live.dane import DaneHost
from audits.collect.live.dnssec import SIGNED_TYPES, DnssecDomain, DnssecHost
from audits.collect.live.resolver import Resolver
from audits.facts.dane import TlsaSet
from audits.facts.dns import MtaStsTxt
from audits.facts.dnssec import DomainSecurity, HostSecurity, Security
from audits.facts.fact import Fact, Observed, Reason, Unobserved
from audits.facts.snapshot import Snapshot
from audits.subject import Domain, MailHost, Role, Subject
from tests.build import addresses, answer, host, mx, silent, snapshot
from tests.servers.dns import Behaviour, ScriptedDns

ORIGIN = Origin("here", lambda: datetime(2026, 11, 1, tzinfo=UTC))
DIGEST = "ab" * 32
KEY = "oJMRESz5E4gYzS/q6XDrvU1qMPYIjCWzJaOau8XNEZeqCYKD5ar0IRd8KqXXFJkqmVfRvMGPmM1x8fGAa2XhSA=="
SIGNED_SOA = "13 2 300 20261130000000 20261101000000 4711 d.example. " + "A" * 86 + "=="
ZONE = f"""
@ 300 SOA ns hostmaster 1 3600 600 86400 60
@ 300 RRSIG SOA {SIGNED_SOA}
@ 300 MX 10 mx1
@ 300 DNSKEY 257 3 13 {KEY}
@ 300 DS 4711 13 2 {DIGEST}
@ 300 NSEC3PARAM 1 0 5 AABB
@ 300 RRSIG MX {SIGNED_SOA}
mx1 300 A 192.0.2.1
mx1 300 RRSIG A {SIGNED_SOA}
_25._tcp.mx1 300 RRSIG TLSA {SIGNED_SOA}
_25._tcp.mx1 300 TLSA 3 1 1 {DIGEST}
_25._tcp.mx1 300 TLSA 1 1 1 {DIGEST}
_25._tcp.shared 300 CNAME tlsa
tlsa 300 TLSA 3 1 1 {DIGEST}
"""
HOST = MailHost("mx1.d.example")
DOMAIN = Domain("d.example")
TLSA_NAME = "_25._tcp.mx1.d.example"
Script = Mapping[str | tuple[str, str], Behaviour]
F = TypeVar("F", bound=Fact)


def _collect(
    collector: type[DaneHost | DnssecHost | DnssecDomain],
    subject: Subject,
    *seen: Fact | Unobserved,
    script: Script | None = None,
    signed: Sequence[str] = (),
) -> tuple[Snapshot, ScriptedDns]:
    async def main() -> tuple[Snapshot, ScriptedDns]:
        async with (
            ScriptedDns({"d.example.": ZONE}, script) as server,
            Resolver(server.settings, signed=signed) as resolver,
        ):
            asked: Collector = collector(resolver, ORIGIN)
            found = snapshot(*seen)
            found.add(await asked.collect(subject, found))
            return found, server

    return asyncio.run(main())


def _fact(found: Snapshot, kind: type[F], subject: Subject) -> F:
    observation = found.get(kind, subject)
    assert isinstance(observation, Observed), observation
    return observation.fact


def _reason(found: Snapshot, kind: type[Fact], subject: Subject) -> Reason:
    observation = found.get(kind, subject)
    assert isinstance(observation, Unobserved), observation
    return observation.reason


def test_records_are_read_and_their_security_is_kept() -> None:
    found, server = _collect(DaneHost, HOST, script={TLSA_NAME: Behaviour(authentic=True)})
    tlsa = _fact(found, TlsaSet, HOST)
    assert tlsa.name == TLSA_NAME
    assert tlsa.base == "mx1.d.example"
    assert tlsa.secure
    assert [record.parameters for record in tlsa.records] == ["1 1 1", "3 1 1"]
    assert {record.malformed for record in tlsa.records} == {None}
    assert {record.data for record in tlsa.records} == {DIGEST}
    assert len(server.asked) == 1


def test_absence_is_a_fact() -> None:
    none = MailHost("gone.d.example")
    tlsa = _fact(_collect(DaneHost, none)[0], TlsaSet, none)
    assert tlsa.records == ()
    assert tlsa.answer.rcode == "NXDOMAIN"
    assert not tlsa.secure


def test_bogus_is_told_from_dead_by_one_more_question() -> None:
    bogus = {TLSA_NAME: Behaviour(rcode="SERVFAIL", bogus=True, ede=(6, "no good"))}
    found, server = _collect(DaneHost, HOST, script=bogus)
    tlsa = _fact(found, TlsaSet, HOST)
    assert tlsa.bogus is not None
    assert "no good" in tlsa.bogus
    assert len(tlsa.records) == 2
    assert not tlsa.secure
    assert len(server.asked) == 2
    found, server = _collect(DaneHost, HOST, script={TLSA_NAME: Behaviour(rcode="SERVFAIL")})
    assert _reason(found, TlsaSet, HOST) is Reason.SERVFAIL
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Behaviour(silent=True), Reason.DNS_TIMEOUT),
        (Behaviour(garbage=True), Reason.PROTOCOL),
        (Behaviour(rcode="REFUSED"), Reason.DNS_REFUSED),
    ],
)
def test_silence_hides_records_and_zones(behaviour: Behaviour, reason: Reason) -> None:
    script = {"*": behaviour}
    assert _reason(_collect(DaneHost, HOST, script=script)[0], TlsaSet, HOST) is reason
    assert _reason(_collect(DnssecHost, HOST, script=script)[0], HostSecurity, HOST) is reason
    domain = _collect(DnssecDomain, DOMAIN, script=script)[0]
    assert _reason(domain, DomainSecurity, DOMAIN) is reason


def test_alias_of_the_record_is_followed() -> None:
    shared = MailHost("shared.d.example")
    tlsa = _fact(_collect(DaneHost, shared)[0], TlsaSet, shared)
    assert tlsa.alias_chain == ("tlsa.d.example",)
    assert len(tlsa.records) == 1


@pytest.mark.parametrize("secure", [True, False])
def test_only_a_secure_alias_of_the_host_moves_the_base(secure: bool) -> None:
    alias = MailHost("alias.d.example")
    resolved = addresses(
        alias.name,
        "192.0.2.1",
        answers=(answer(alias.name, authenticated=secure),),
        alias_chain=("mx1.d.example",),
    )
    found, server = _collect(DaneHost, alias, resolved)
    tlsa = _fact(found, TlsaSet, alias)
    assert tlsa.base == ("mx1.d.example" if secure else "alias.d.example")
    assert len(server.asked) == 1


def test_where_the_end_of_an_alias_has_no_record_the_name_itself_is_asked() -> None:
    shared = MailHost("shared.d.example")
    resolved = addresses(
        shared.name,
        "192.0.2.1",
        answers=(answer(shared.name, authenticated=True),),
        alias_chain=("elsewhere.d.example",),
    )
    found, server = _collect(DaneHost, shared, resolved)
    assert _fact(found, TlsaSet, shared).base == "shared.d.example"
    assert server.names("TLSA")[0] == "_25._tcp.elsewhere.d.example"


def test_hosts_that_are_no_mx_or_have_no_address_are_not_asked_about() -> None:
    msa = host("mx1.d.example", roles=(Role.MSA,))
    for collector, kind in ((DaneHost, TlsaSet), (DnssecHost, HostSecurity)):
        found, server = _collect(collector, HOST, msa)
        assert _reason(found, kind, HOST) is Reason.SKIPPED
        assert server.asked == []
    found, server = _collect(DaneHost, HOST, addresses("mx1.d.example"))
    assert _reason(found, TlsaSet, HOST) is Reason.ABSENT
    assert server.asked == []


def test_host_that_only_an_mx_record_names_is_an_mx_host() -> None:
    msa = host("mx1.d.example", roles=(Role.MSA,))
    found, _ = _collect(DaneHost, HOST, msa, mx((10, "mx1.d.example"), name="d.example"))
    assert _fact(found, TlsaSet, HOST).records


def test_zone_of_a_domain_is_read_in_four_questions() -> None:
    found, server = _collect(DnssecDomain, DOMAIN, script={"*": Behaviour(authentic=True)})
    zone = _fact(found, DomainSecurity, DOMAIN).zone
    assert zone.name == "d.example"
    assert zone.security is Security.SECURE
    assert [(key.algorithm, key.bits) for key in zone.keys] == [(13, 256)]
    assert [(ds.key_tag, ds.digest) for ds in zone.ds] == [(4711, DIGEST)]
    assert zone.nsec3 is not None
    assert (zone.nsec3.iterations, zone.nsec3.salt) == (5, "aabb")
    assert [asked.rdtype for asked in server.asked] == ["SOA", "DNSKEY", "DS", "NSEC3PARAM"]
    assert all(asked.wants_dnssec for asked in server.asked)


def test_signatures_that_came_along_with_answers_for_mail_are_read_with_those_of_the_zone() -> None:
    found, server = _collect(DnssecDomain, DOMAIN, signed=SIGNED_TYPES)
    zone = _fact(found, DomainSecurity, DOMAIN).zone
    assert [signature.covers for signature in zone.signatures] == ["SOA", "MX"]
    assert server.names("MX") == ["d.example"]

    tlsa = TlsaSet(HOST, TLSA_NAME, (), answer(TLSA_NAME), (), None)
    found, server = _collect(DnssecHost, HOST, tlsa, signed=SIGNED_TYPES)
    zone = _fact(found, HostSecurity, HOST).zone
    assert [(each.name, each.covers) for each in zone.signatures] == [
        ("mx1.d.example", "A"),
        (TLSA_NAME, "TLSA"),
    ]
    assert all(asked.wants_dnssec for asked in server.asked)


def test_zone_of_a_host_is_the_one_that_denies_a_soa_for_it() -> None:
    found, _ = _collect(DnssecHost, HOST)
    zone = _fact(found, HostSecurity, HOST).zone
    assert zone.name == "d.example"
    assert zone.security is Security.INSECURE
    assert not zone.unsigned


def test_bogus_zone_is_read_with_checking_disabled() -> None:
    script = {"*": Behaviour(rcode="SERVFAIL", bogus=True)}
    found, _ = _collect(DnssecDomain, DOMAIN, script=script)
    zone = _fact(found, DomainSecurity, DOMAIN).zone
    assert zone.security is Security.BOGUS
    assert zone.keys


def test_part_of_a_zone_that_is_not_answered_is_named() -> None:
    script = {("d.example", "DS"): Behaviour(silent=True)}
    zone = _fact(_collect(DnssecDomain, DOMAIN, script=script)[0], DomainSecurity, DOMAIN).zone
    assert [silent.rdtype for silent in zone.silent] == ["DS"]
    assert not zone.unsigned


def test_bogus_names_are_found_among_look_ups_that_failed() -> None:
    name = "_mta-sts.d.example"
    failed = silent(MtaStsTxt, DOMAIN, Reason.SERVFAIL)
    script = {name: Behaviour(rcode="SERVFAIL", bogus=True)}
    found, server = _collect(DnssecDomain, DOMAIN, failed, script=script)
    (bogus,) = _fact(found, DomainSecurity, DOMAIN).bogus_names
    assert (bogus.name, bogus.rdtype) == (name, "TXT")
    assert server.names("TXT") == [name, name]


def test_bogus_addresses_of_mx_hosts_are_found() -> None:
    script = {("mx1.d.example", "A"): Behaviour(rcode="SERVFAIL", bogus=True)}
    records = mx((10, "mx1.d.example"), name="d.example")
    found, _ = _collect(DnssecDomain, DOMAIN, records, script=script)
    (bogus,) = _fact(found, DomainSecurity, DOMAIN).bogus_names
    assert (bogus.name, bogus.rdtype) == ("mx1.d.example", "A")
