"""The DNS collectors against a server on loopback."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TypeVar

import pytest

from audits.collect.collector import Collector, Origin
from audits.collect.live.dns import DnsAddress, DnsDomain, DnsHost
from audits.collect.live.resolver import Resolver
from audits.facts.declared import DeclaredDomain, DeclaredSelector
from audits.facts.dns import (
    ApexAddresses,
    DkimKeys,
    DmarcWalk,
    ForwardNames,
    HostAddresses,
    MtaStsTxt,
    MxRecord,
    MxSet,
    PtrNames,
    SpfTree,
    TlsRptTxt,
)
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Reason,
    Unobserved,
    kind_of,
)
from audits.facts.snapshot import SCHEMA, Header, Snapshot
from audits.subject import Address, Domain, MailHost, Subject
from tests.servers.dns import Behaviour, ScriptedDns

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ORIGIN = Origin("here", lambda: NOW)
SOA = "@ 300 SOA ns hostmaster 1 3600 600 86400 60\n"
ZONE = (
    SOA
    + r"""
@ 300 MX 10 mx2.D.example.
@ 300 MX 5 mx1
@ 300 MX 10 192.0.2.1.
@ 300 A 192.0.2.80
@ 300 AAAA 2001:db8::80
@ 300 TXT "v=spf1 include:" "_spf.d.example redirect=ignored.d.example -all"
@ 300 TXT "site-verification=1"
_spf 300 TXT "v=spf1 include:deep.d.example ip4:192.0.2.0/24 -all"
deep 300 TXT "v=spf1 include:_spf.d.example ~all"
ignored 300 TXT "v=spf1 -all"
_dmarc 300 TXT "v=DMARC1; p=reject"
_dmarc 300 TXT "unrelated"
_mta-sts 300 TXT "v=STSv1; id=1"
_mta-sts 300 TXT "unrelated"
_smtp._tls 300 TXT "v=TLSRPTv1; rua=mailto:r@d.example"
s1._domainkey 300 CNAME s1.provider
s1.provider 300 TXT "v=DKIM1; p="
octets 300 TXT "\255\254"
mx1 300 A 192.0.2.2
mx1 300 A 192.0.2.1
mx1 300 AAAA 2001:db8::1
alias 300 CNAME mx1
v4 300 A 192.0.2.4
null 300 MX 0 .
host 300 A 192.0.2.9
good 300 A 192.0.2.9
bad 300 A 192.0.2.10
good6 300 AAAA 2001:db8::9
"""
)
REVERSE = SOA + "9 300 PTR good.d.example.\n9 300 PTR Bad.d.example.\n9 300 PTR gone.d.example.\n"
REVERSE6 = SOA + "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 300 PTR good6.d.example.\n"
ZONES = {
    "d.example.": ZONE,
    "2.0.192.in-addr.arpa.": REVERSE,
    "8.b.d.0.1.0.0.2.ip6.arpa.": REVERSE6,
}
EVERYTHING = DnsDomain.provides

Script = Mapping[str | tuple[str, str], Behaviour]
F = TypeVar("F", bound=Fact)


def _declared(domain: str, *selectors: DeclaredSelector) -> AnyObservation:
    fact = DeclaredDomain(
        subject=Domain(domain),
        groups=(),
        sends=True,
        receives=True,
        mx=None,
        submission=(),
        senders=(),
        dkim=selectors,
        mail_class=None,
        sending=(),
    )
    return Observed(fact, ORIGIN.live("inventory"))


def _snapshot(*observations: AnyObservation) -> Snapshot:
    return Snapshot(Header(SCHEMA, "run", "here", NOW, "0"), observations)


def _collect(
    collector: type[DnsDomain | DnsHost | DnsAddress],
    subject: Subject,
    script: Script | None = None,
    wanted: frozenset[type[Fact]] | None = None,
    seen: Sequence[AnyObservation] = (),
) -> tuple[Snapshot, ScriptedDns]:
    async def main() -> tuple[Snapshot, ScriptedDns]:
        async with ScriptedDns(ZONES, script) as server, Resolver(server.settings) as resolver:
            asked: Collector = collector(resolver, ORIGIN, wanted or collector.provides)
            observations = await asked.collect(subject, _snapshot(*seen))
            return _snapshot(*observations), server

    return asyncio.run(main())


def _fact(snapshot: Snapshot, kind: type[F], subject: Subject) -> F:
    observation = snapshot.get(kind, subject)
    assert isinstance(observation, Observed), observation
    return observation.fact


def _unobserved(snapshot: Snapshot, kind: type[Fact], subject: Subject) -> Unobserved:
    observation = snapshot.get(kind, subject)
    assert isinstance(observation, Unobserved), observation
    return observation


D = Domain("d.example")
S1 = DeclaredSelector("s1", "self", date(2026, 1, 1), active=True)
S2 = DeclaredSelector("s2", "self", None, active=True)
OLD = DeclaredSelector("old", "self", None, active=False)


def test_every_fact_about_a_domain_is_collected() -> None:
    seen, _ = _collect(DnsDomain, D, seen=[_declared("d.example", S1, S2, OLD)])
    assert len(seen) == len(EVERYTHING)
    mx = _fact(seen, MxSet, D)
    assert mx.records == (
        MxRecord(5, "mx1.d.example"),
        MxRecord(10, "192.0.2.1"),
        MxRecord(10, "mx2.d.example"),
    )
    apex = _fact(seen, ApexAddresses, D)
    assert apex.addresses == ("192.0.2.80", "2001:db8::80")
    assert _fact(seen, MtaStsTxt, D).records[0].id == "1"
    assert len(_fact(seen, MtaStsTxt, D).texts) == 2
    assert _fact(seen, TlsRptTxt, D).records[0].rua == ("mailto:r@d.example",)


def test_only_what_is_wanted_is_asked_for() -> None:
    seen, server = _collect(DnsDomain, D, wanted=frozenset({MxSet, HostAddresses}))
    assert len(seen) == 1
    assert [(asked.name, asked.rdtype) for asked in server.asked] == [("d.example", "MX")]


def test_the_spf_tree_is_followed_to_its_loop() -> None:
    seen, server = _collect(DnsDomain, D, wanted=frozenset({SpfTree}))
    tree = _fact(seen, SpfTree, D)
    names = ["d.example", "_spf.d.example", "deep.d.example", "_spf.d.example"]
    assert [node.name for node in tree.nodes] == names
    assert tree.nodes[2].path == ("include:_spf.d.example", "include:deep.d.example")
    assert server.names("TXT") == names[:3]


def test_a_silent_include_is_a_node_and_a_silent_root_is_unobserved() -> None:
    failing = {"_spf.d.example": Behaviour(rcode="SERVFAIL")}
    seen, _ = _collect(DnsDomain, D, failing, frozenset({SpfTree}))
    node = _fact(seen, SpfTree, D).nodes[1]
    assert node.answer is None
    assert node.silence is not None
    assert node.silence.reason is Reason.SERVFAIL
    seen, _ = _collect(DnsDomain, D, {"d.example": Behaviour(silent=True)}, frozenset({SpfTree}))
    assert _unobserved(seen, SpfTree, D).reason is Reason.DNS_TIMEOUT


def test_active_selectors_are_asked_and_aliases_recorded() -> None:
    wanted = frozenset[type[Fact]]({DkimKeys})
    script = {"s2._domainkey.d.example": Behaviour(rcode="SERVFAIL")}
    seen, server = _collect(DnsDomain, D, script, wanted, [_declared("d.example", S1, S2, OLD)])
    first, second = _fact(seen, DkimKeys, D).selectors
    assert first.alias_chain == ("s1.provider.d.example",)
    assert first.keys[0].revoked
    assert second.answer is None
    assert second.silence is not None
    assert len(server.asked) == 2


def test_without_selectors_the_name_above_them_is_asked() -> None:
    seen, _ = _collect(
        DnsDomain, D, wanted=frozenset({DkimKeys}), seen=[_declared("d.example", OLD)]
    )
    keys = _fact(seen, DkimKeys, D)
    assert keys.selectors == ()
    assert keys.domainkey is not None
    assert keys.domainkey.rcode == "NOERROR"
    other = Domain("other.example")
    seen, _ = _collect(
        DnsDomain, other, wanted=frozenset({DkimKeys}), seen=[_declared("other.example")]
    )
    answer = _fact(seen, DkimKeys, other).domainkey
    assert answer is not None
    assert answer.rcode == "NXDOMAIN"


def test_selectors_of_an_undeclared_domain_are_not_guessed() -> None:
    seen, server = _collect(DnsDomain, D, wanted=frozenset({DkimKeys}))
    assert _unobserved(seen, DkimKeys, D).reason is Reason.NOT_DECLARED
    assert server.asked == []


def test_the_dmarc_walk_goes_up_to_the_top_level() -> None:
    sub = Domain("a.b.d.example")
    seen, server = _collect(DnsDomain, sub, wanted=frozenset({DmarcWalk}))
    walk = _fact(seen, DmarcWalk, sub)
    assert server.names("TXT") == [
        "_dmarc.a.b.d.example",
        "_dmarc.b.d.example",
        "_dmarc.d.example",
        "_dmarc.example",
    ]
    assert walk.organizational == "d.example"
    assert walk.found_at == 2
    assert len(walk.steps[2].texts) == 2
    assert len(walk.steps[2].records) == 1


def test_a_walk_that_falls_silent_is_unobserved() -> None:
    script = {"_dmarc.example": Behaviour(rcode="SERVFAIL")}
    seen, _ = _collect(DnsDomain, D, script, frozenset({DmarcWalk}))
    silence = _unobserved(seen, DmarcWalk, D)
    assert silence.reason is Reason.SERVFAIL
    assert "_dmarc.example" in silence.detail


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Behaviour(silent=True), Reason.DNS_TIMEOUT),
        (Behaviour(rcode="SERVFAIL"), Reason.SERVFAIL),
        (Behaviour(rcode="REFUSED"), Reason.DNS_REFUSED),
        (Behaviour(garbage=True), Reason.PROTOCOL),
    ],
)
def test_silence_hides_every_fact_and_none_is_lost(behaviour: Behaviour, reason: Reason) -> None:
    seen, _ = _collect(DnsDomain, D, {"*": behaviour}, seen=[_declared("d.example")])
    assert len(seen) == len(EVERYTHING)
    for kind in EVERYTHING:
        assert _unobserved(seen, kind, D).reason is reason, kind_of(kind)


def test_a_name_that_does_not_exist_is_an_observation() -> None:
    ghost = Domain("ghost.example")
    seen, _ = _collect(DnsDomain, ghost, seen=[_declared("ghost.example")])
    assert _fact(seen, MxSet, ghost).answer.rcode == "NXDOMAIN"
    assert _fact(seen, SpfTree, ghost).nodes[0].records == ()
    assert _fact(seen, DmarcWalk, ghost).organizational == "ghost.example"


def test_a_null_mx_is_the_root() -> None:
    null = Domain("null.d.example")
    seen, _ = _collect(DnsDomain, null, wanted=frozenset({MxSet}))
    assert _fact(seen, MxSet, null).records == (MxRecord(0, "."),)


def test_octets_outside_utf_8_are_kept() -> None:
    odd = Domain("octets.d.example")
    seen, _ = _collect(DnsDomain, odd, wanted=frozenset({SpfTree, TlsRptTxt}))
    assert _fact(seen, SpfTree, odd).nodes[0].records == ()


def test_addresses_of_a_host_are_sorted_and_its_aliases_recorded() -> None:
    host = MailHost("alias.d.example")
    seen, _ = _collect(DnsHost, host)
    found = _fact(seen, HostAddresses, host)
    assert found.alias_chain == ("mx1.d.example",)
    assert found.addresses == ("192.0.2.1", "192.0.2.2", "2001:db8::1")
    assert found.silent == ()


def test_one_silent_address_type_is_named_and_two_hide_the_fact() -> None:
    host = MailHost("mx1.d.example")
    seen, _ = _collect(DnsHost, host, {(host.name, "AAAA"): Behaviour(rcode="SERVFAIL")})
    found = _fact(seen, HostAddresses, host)
    assert found.addresses == ("192.0.2.1", "192.0.2.2")
    assert [(each.rdtype, each.silence.reason) for each in found.silent] == [
        ("AAAA", Reason.SERVFAIL)
    ]
    seen, _ = _collect(DnsHost, host, {host.name: Behaviour(silent=True)})
    assert _unobserved(seen, HostAddresses, host).reason is Reason.DNS_TIMEOUT


def test_each_ptr_name_is_looked_up_in_the_family_of_the_address() -> None:
    address = Address("192.0.2.9")
    seen, server = _collect(DnsAddress, address, {"gone.d.example": Behaviour(rcode="SERVFAIL")})
    names = ("bad.d.example", "gone.d.example", "good.d.example")
    assert _fact(seen, PtrNames, address).names == names
    bad, gone, good = _fact(seen, ForwardNames, address).names
    assert (bad.addresses, good.addresses) == (("192.0.2.10",), ("192.0.2.9",))
    assert gone.silence is not None
    assert server.names("AAAA") == []
    six = Address("2001:db8::9")
    seen, server = _collect(DnsAddress, six)
    assert _fact(seen, ForwardNames, six).names[0].addresses == ("2001:db8::9",)
    assert server.names("A") == []


def test_an_address_without_names_has_none_and_a_silent_zone_hides_both() -> None:
    address = Address("192.0.2.77")
    seen, _ = _collect(DnsAddress, address)
    assert _fact(seen, PtrNames, address).answer.rcode == "NXDOMAIN"
    assert _fact(seen, ForwardNames, address).names == ()
    seen, _ = _collect(DnsAddress, address, {"*": Behaviour(silent=True)})
    assert _unobserved(seen, PtrNames, address).reason is Reason.DNS_TIMEOUT
    assert _unobserved(seen, ForwardNames, address).reason is Reason.DNS_TIMEOUT


def test_names_are_not_asked_forward_where_only_ptr_is_wanted() -> None:
    seen, server = _collect(
        DnsAddress, Address("192.0.2.9"), wanted=frozenset[type[Fact]]({PtrNames})
    )
    assert len(seen) == 1
    assert len(server.asked) == 1
