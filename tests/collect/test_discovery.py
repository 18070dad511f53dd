"""Who is an MX host, from MX records and the inventory."""

import pytest

from audits.collect.collector import Origin
from audits.collect.discovery import key_owners, mx_hosts
from audits.facts.declared import DeclaredSelector
from audits.facts.dkim import KeyPlace
from audits.facts.dns import DkimKeys, DkimSelector
from audits.parse.dkim import dkim_key
from audits.subject import Domain, MailHost
from tests.build import AS_OF, answer, domain, mx, snapshot
from tests.catalog.dkim.selectors import ed25519_text, rsa_text
from tests.catalog.dmarc.walks import walk


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
    assert shared.places == (
        KeyPlace("a.example", "a.example", "s1", "self"),
        KeyPlace("b.example", None, "news", "esp"),
    )
