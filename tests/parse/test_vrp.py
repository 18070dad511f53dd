"""VRP exports."""

from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.errors import ParseError
from audits.facts.rpki import Vrp
from audits.parse.vrp import vrp_table

JSON = b"""{"metadata": {"generated": 1}, "roas": [
 {"asn": "AS64496", "prefix": "192.0.2.0/24", "maxLength": 24, "ta": "ripe"},
 {"asn": 64511, "prefix": "192.0.0.0/16", "maxLength": 20, "ta": "ripe", "expires": 1},
 {"asn": "AS64496", "prefix": "2001:db8::/32", "maxLength": 48, "ta": "arin"}]}"""
CSV = b"""ASN,IP Prefix,Max Length,Trust Anchor,Expires
AS64496,192.0.2.0/24,24,ripe,1
AS64511,192.0.0.0/16,20,ripe,1
AS64496,2001:db8::/32,48,arin,1
"""


@pytest.mark.parametrize("text", [JSON, CSV, CSV.partition(b"\n")[2]])
def test_both_exports_are_read(text: bytes) -> None:
    table = vrp_table(text)
    assert len(table) == 3
    assert table.covering(ip_network("192.0.2.0/24")) == (
        Vrp("192.0.0.0/16", 20, 64511),
        Vrp("192.0.2.0/24", 24, 64496),
    )
    assert table.covering(ip_network("192.0.0.0/15")) == ()
    assert table.covering(ip_network("2001:db8:1::/48")) == (Vrp("2001:db8::/32", 48, 64496),)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b'{"roas": [{"asn": "x", "prefix": "192.0.2.0/24", "maxLength": 24}]}',
        b'{"roas": [{"asn": 1, "prefix": "192.0.2.1/24", "maxLength": 24}]}',
        b'{"roas": [{"asn": 1, "prefix": "192.0.2.0/24", "maxLength": 33}]}',
        b"AS1,192.0.2.0/24\n",
        b"\xff\xfe",
    ],
)
def test_anything_else_is_refused(text: bytes) -> None:
    with pytest.raises(ParseError):
        vrp_table(text)


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_any_octets_give_a_table_or_the_parse_error(text: bytes) -> None:
    try:
        assert len(vrp_table(text)) >= 0
    except ParseError:
        return
