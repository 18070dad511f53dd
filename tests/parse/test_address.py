"""Addresses and what reaches them."""

import pytest

from audits.parse.address import is_literal, is_local, is_reachable


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("192.0.2.1", True),
        ("[192.0.2.1]", True),
        ("2001:db8::1", True),
        ("[ipv6:2001:db8::1]", True),
        ("mx1.example.net", False),
        ("192.0.2.example", False),
        ("", False),
    ],
)
def test_literal_is_an_address_in_any_form(name: str, expected: bool) -> None:
    assert is_literal(name) is expected


@pytest.mark.parametrize(
    ("address", "local", "reachable"),
    [
        ("10.0.0.5", True, False),
        ("100.64.0.1", True, False),
        ("127.0.0.1", True, False),
        ("fd00::1", True, False),
        ("fe80::1", True, False),
        ("192.0.2.1", False, False),
        ("2001:db8::1", False, False),
        ("224.0.0.1", False, False),
        ("ff02::1", False, False),
        ("9.9.9.9", False, True),
        ("2620:fe::fe", False, True),
    ],
)
def test_local_and_reachable_addresses(address: str, local: bool, reachable: bool) -> None:
    assert is_local(address) is local
    assert is_reachable(address) is reachable


def test_given_prefixes_count_as_reachable() -> None:
    assert is_reachable("192.0.2.1", ("192.0.2.0/24",))
    assert is_reachable("2001:db8::1", ("192.0.2.0/24", "2001:db8::/32"))
    assert not is_reachable("198.51.100.1", ("192.0.2.0/24",))
