"""Names and answers of block lists."""

import pytest

from audits.parse.dnsbl import list_name, refusal


def test_octets_and_nibbles_are_reversed() -> None:
    assert list_name("192.0.2.99", "bad.example.com") == "99.2.0.192.bad.example.com"
    name = list_name("2001:db8::1", "bad.example.com")
    assert name.startswith("1.0.0.0.0.0.0.0.")
    assert name.endswith(".8.b.d.0.1.0.0.2.bad.example.com")


@pytest.mark.parametrize(
    ("codes", "why"),
    [
        ((), None),
        (("127.0.0.2", "127.0.1.4"), None),
        (("127.255.255.254",), "127.255.255.254: the list refuses to answer us"),
        (("127.0.0.2", "127.255.255.255"), "127.255.255.255: the list refuses to answer us"),
        (("203.0.113.5",), "203.0.113.5 is no answer of a list"),
    ],
)
def test_refusals_and_strange_answers_are_no_listing(
    codes: tuple[str, ...], why: str | None
) -> None:
    assert refusal(codes) == why
