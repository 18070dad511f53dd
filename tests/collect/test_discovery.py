"""Who is an MX host, from MX records and the inventory."""

import pytest
from msgspec.structs import replace

from audits.collect.collector import Origin
from audits.collect.discovery import egress, host_roles, key_owners, mta_sts_domains, mx_hosts
from audits.facts.declared import DeclaredSelector
from audits.facts.dkim import KeyPlace
from audits.facts.dns import DkimKeys, DkimSelector, MtaStsTxt
from audits.facts.fact import Reason
from audits.facts.https import MtaStsDomains
from audits.facts.tcp import PortState
from audits.parse.dkim import dkim_key
from audits.subject import Domain, MailHost, Service
from tests.build import AS_OF, answer, domain, mx, silent, snapshot
from tests.catalog.dkim.selectors import ed25519_text, rsa_text
from tests.catalog.dmarc.walks import walk
from tests.catalog.mta_sts.policies import served, sts


def test_host_serves_every_domain_whose_mx_names_it() -> None:
    seen = snapshot(
        mx((10, "mx1.example.net"), name="a.example"), mx((10, "mx1.example.net"), name="b.example")
    )
    assert mx_hosts(seen) == {MailHost("mx1.example.net"): ["a.example", "b.example"]}


@pytest.mark.parametrize(("receives", "hosts"), [(True, [MailHost("example.net")]), (False, [])])
def test_domain_without_mx_is_its_own_mx_host_only_if_it_is_to_receive(
    receives: bool, hosts: list[MailHost]
) -> None:
    seen = snapshot(domain(receives=receives), mx())
    assert list(mx_hosts(seen)) == hosts


def test_who_was_reached_is_told_of_each_address_family() -> None:
    over_4 = [Service("mx.example.net", f"192.0.2.{n}", 25) for n in range(1, 6)]
    over_6 = Service("mx.example.net", "2001:db8::1", 25)
    closed = Service("mx.example.net", "2001:db8::2", 25)
    submission = Service("mx.example.net", "192.0.2.9", 587)
    ports = [PortState(s, "open", str(s), "", 0.1) for s in (*over_4, over_6, submission)]
    seen = snapshot(*ports, PortState(closed, "closed", str(closed), "", 0.1))
    found = egress(seen, Origin("here", lambda: AS_OF)).fact
    assert found.tried == 7
    assert found.reached == (*over_4[:3], over_6)


def _keys(name: str, **published: str) -> DkimKeys:
    selectors = (
        DkimSelector(selector, selector, (), answer(selector), (dkim_key(text),), None)
        for selector, text in published.items()
    )
    return DkimKeys(Domain(name), tuple(selectors), None)


def test_key_that_occurs_twice_is_told_with_its_places() -> None:
    declared = domain("b.example", dkim=(DeclaredSelector("news", "esp", None, active=True),))
    seen = snapshot(
        declared,
        _keys("a.example", s1=rsa_text(), s2=ed25519_text(), s3="p="),
        _keys("b.example", news=rsa_text()),
        walk({"a.example": "v=DMARC1; p=none"}, "a.example"),
    )
    found = key_owners(seen, Origin("here", lambda: AS_OF)).fact
    assert found.keys == 2
    (shared,) = found.shared
    assert shared.key_sha256 == dkim_key(rsa_text()).key_sha256
    assert shared.count == 2
    assert shared.places == (
        KeyPlace("a.example", "a.example", "s1", "self"),
        KeyPlace("b.example", None, "news", "esp"),
    )


def test_key_of_many_places_is_told_with_one_example_of_each_sender() -> None:
    names = [f"d{number:03}.example" for number in range(100)]
    walks = [walk({name: "v=DMARC1; p=none"}, name) for name in names]
    many = [_keys(name, s1=rsa_text()) for name in names]
    (shared,) = key_owners(snapshot(*many, *walks), Origin("here", lambda: AS_OF)).fact.shared
    assert (shared.count, len(shared.places)) == (100, 5)
    one = [_keys("a.example", s1=rsa_text(), s2=rsa_text(), s3=rsa_text())]
    fact = key_owners(snapshot(*one), Origin("here", lambda: AS_OF)).fact
    assert (fact.shared[0].count, len(fact.shared[0].places)) == (3, 2)
    assert fact.index(fact.shared[0].key_sha256) == 0
    assert fact.index("0") is None


def test_domains_that_announce_mta_sts_are_told_of_their_mx_host() -> None:
    names = ("a.example", "b.example", "c.example", "d.example")
    withdrawn = served("version: STSv1\nmode: none\nmax_age: 86400\n")
    seen = snapshot(
        *(mx((10, "mx1.example.net"), name=name) for name in names),
        replace(sts("v=STSv1; id=1"), subject=Domain("a.example")),
        replace(sts("v=STSv1; id=1"), subject=Domain("b.example")),
        replace(withdrawn, subject=Domain("b.example")),
        replace(sts(), subject=Domain("c.example")),
        silent(MtaStsTxt, Domain("d.example"), Reason.SERVFAIL),
    )
    origin = Origin("here", lambda: AS_OF)
    hosts = [MailHost("mx1.example.net"), MailHost("mx2.example.net")]
    places = host_roles(seen, hosts, {}, origin)
    first, second = (each.fact for each in mta_sts_domains(seen, places, origin))
    assert first.domains == ("a.example",)
    assert first.silence is not None
    assert first.silence.reason is Reason.SERVFAIL
    assert second == MtaStsDomains(MailHost("mx2.example.net"), (), None)
