"""Names, addresses and networks as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.errors import ParseError
from audits.parse.declared_name import (
    declared_address,
    declared_endpoint,
    declared_name,
    declared_network,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MX1.Example.NET.", "mx1.example.net"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("_old.example.net", "_old.example.net"),
        ("3com.example", "3com.example"),
    ],
)
def test_name_is_lower_case_ascii(text: str, expected: str) -> None:
    assert declared_name(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", ".", "mx1", "a..b", "-a.example", "a-.example", "192.0.2.1", "a b.example", "ex\n.ample",
     "a.example\n", f"{'a' * 64}.example", f"{'a.' * 130}example", "mx1.example.net:25"],
)  # fmt: skip
def test_what_is_no_full_name_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="expected a fully qualified name"):
        declared_name(text)


def test_address_is_canonical() -> None:
    assert declared_address("2001:DB8:0::1") == "2001:db8::1"
    for text in ("192.0.2.010", "192.0.2", "fe80::1%eth0", "mx1.example.net", ""):
        with pytest.raises(ParseError, match="expected an IPv4 or IPv6 address"):
            declared_address(text)


def test_network_is_canonical() -> None:
    assert declared_network("2001:DB8::/32") == "2001:db8::/32"
    assert declared_network("192.0.2.1") == "192.0.2.1/32"
    for text in ("192.0.2.1/24", "192.0.2.0/33", "all"):
        with pytest.raises(ParseError, match="expected a prefix"):
            declared_network(text)


def test_endpoint_is_canonical() -> None:
    assert declared_endpoint("127.0.0.1:2525") == "127.0.0.1:2525"
    assert declared_endpoint("[::0001]:02525") == "[::1]:2525"
    for text in ("127.0.0.1", "::1:2525", "[127.0.0.1]:25", "localhost:25", "127.0.0.1:0", ":"):
        with pytest.raises(ParseError, match="expected address:port"):
            declared_endpoint(text)


@given(st.text(max_size=30))
def test_any_text_gives_a_value_or_a_parse_error(text: str) -> None:
    for read in (declared_name, declared_address, declared_network, declared_endpoint):
        try:
            value = read(text)
        except ParseError:
            continue
        assert read(value) == value
