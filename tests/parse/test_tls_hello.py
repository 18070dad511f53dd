"""Hellos as octets: their shape, and that real servers understand them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.facts.tls_offer import ClientHello, Version
from audits.parse.tls_hello import encode_hello
from audits.parse.tls_inquiry import hello_13, hello_before_13, ssl2_hello
from audits.parse.tls_names import SSL2_SUITES, SUITES_13, SUITES_BEFORE_13

RANDOM = bytes(range(32))


def parts(octets: bytes) -> tuple[int, tuple[int, ...], dict[int, bytes]]:
    """Version, suites and extensions of a hello, by the lengths that stand in it."""
    kind, version, length = struct.unpack(">BHH", octets[:5])
    assert (kind, version, length) == (22, 0x0301, len(octets) - 5)
    assert octets[5] == 1
    assert int.from_bytes(octets[6:9]) == len(octets) - 9
    code = int.from_bytes(octets[9:11])
    assert octets[11:43] == RANDOM
    assert octets[43] == 0
    end = 46 + int.from_bytes(octets[44:46])
    suites = struct.unpack(f">{(end - 46) // 2}H", octets[46:end])
    end += 1 + octets[end]
    assert int.from_bytes(octets[end : end + 2]) == len(octets) - end - 2
    place, extensions = end + 2, {}
    while place < len(octets):
        kind, size = struct.unpack(">HH", octets[place : place + 4])
        assert kind not in extensions
        extensions[kind] = octets[place + 4 : place + 4 + size]
        place += 4 + size
    assert place == len(octets)
    return code, suites, extensions


def test_tls_1_2_names_its_version_and_all_features() -> None:
    hello = hello_before_13(Version.TLS12, (0xC02F, 0x002F))
    code, suites, extensions = parts(encode_hello(hello, "mx.example.net", RANDOM))
    assert code == 0x0303
    assert suites == hello.suites
    assert extensions[0] == b"\x00\x11\x00\x00\x0emx.example.net"
    assert {4, 10, 13, 15, 22, 23, 35, 65281} <= set(extensions)
    assert 43 not in extensions


def test_tls_1_3_has_an_empty_key_share() -> None:
    code, _, extensions = parts(
        encode_hello(hello_13(SUITES_13, (4588,)), "mx.example.net", RANDOM)
    )
    assert code == 0x0303
    assert extensions[43] == b"\x02\x03\x04"
    assert extensions[51] == b"\x00\x00"
    assert extensions[10] == b"\x00\x02\x11\xec"


def test_old_versions_have_no_signature_algorithms() -> None:
    hello = hello_before_13(Version.TLS11, (0x002F,))
    code, _, extensions = parts(encode_hello(hello, "", RANDOM))
    assert code == 0x0302
    assert 13 not in extensions


@pytest.mark.parametrize(
    "name", ["", "192.0.2.1", "2001:db8::1", "a..b", "bücher.example", "[::1]"]
)
def test_what_is_no_dns_name_is_not_sent_as_one(name: str) -> None:
    hello = hello_before_13(Version.TLS12, (0x002F,))
    assert 0 not in parts(encode_hello(hello, name, RANDOM))[2]


def test_ssl2_hello_counts_its_fields() -> None:
    octets = encode_hello(ssl2_hello(), "mx.example.net", RANDOM)
    assert int.from_bytes(octets[:2]) == 0x8000 | len(octets) - 2
    assert octets[2:5] == b"\x01\x00\x02"
    assert struct.unpack(">HHH", octets[5:11]) == (3 * len(SSL2_SUITES), 0, 16)
    assert octets[-16:] == RANDOM[:16]


@given(
    highest=st.sampled_from([Version.SSL3, Version.TLS10, Version.TLS12, Version.TLS13]),
    suites=st.lists(st.integers(0, 65535), max_size=300),
    groups=st.lists(st.integers(0, 65535), max_size=60),
    schemes=st.lists(st.integers(0, 65535), max_size=60),
    name=st.sampled_from(["", "mx.example.net", "a" * 60 + ".example.net"]),
)
def test_any_code_points_make_a_hello_of_a_lucky_length(
    highest: Version, suites: list[int], groups: list[int], schemes: list[int], name: str
) -> None:
    lowest = Version.TLS13 if highest is Version.TLS13 else Version.SSL3
    hello = ClientHello(lowest, highest, tuple(suites), tuple(groups), tuple(schemes))
    octets = encode_hello(hello, name, RANDOM)
    assert parts(octets)[1] == hello.suites
    assert not 256 <= len(octets) - 5 < 512


def test_largest_hello_fits_a_segment() -> None:
    octets = encode_hello(
        hello_before_13(Version.TLS12, SUITES_BEFORE_13), "mx.example.net", RANDOM
    )
    assert len(octets) < 1000
