"""Who is an MX host, from MX records and the inventory."""

import pytest

from audits.collect.discovery import mx_hosts
from audits.subject import MailHost
from tests.build import domain, mx, snapshot


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
