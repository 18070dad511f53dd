"""The reader of session tickets: real ones of OpenSSL, made ones, and everything else."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audits.errors import ParseError
from audits.facts.tls import SessionTicket
from audits.facts.tls_offer import Version
from audits.parse.tls_ticket import read_ticket


def message(body: bytes, kind: int = 4) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3) + body


def extension(kind: int, content: bytes) -> bytes:
    return struct.pack(">HH", kind, len(content)) + content


def ticket_13(extensions: bytes = b"", lifetime_s: int = 7200, ticket: bytes = b"t" * 32) -> bytes:
    fields = struct.pack(">II", lifetime_s, 0x01020304) + b"\x08" + bytes(8)
    fields += len(ticket).to_bytes(2) + ticket
    return message(fields + len(extensions).to_bytes(2) + extensions)


def ticket_12(lifetime_s: int = 300) -> bytes:
    return message(struct.pack(">IH", lifetime_s, 4) + b"tick")


# What `openssl s_server -early_data -max_early_data 16384` sent
OF_S_SERVER = bytes.fromhex(
    "0400003d00001c20f52f4b1408000000000000000000206dc8ae7d9b59fef8e06cfa52d35adb99766d61beeafb"
    "0006cb2fc88dff453d690008002a000400004000"
)


def test_ticket_with_early_data_names_its_limit() -> None:
    assert read_ticket(OF_S_SERVER, Version.TLS13) == SessionTicket(7200, 16384)
    found = read_ticket(ticket_13(extension(42, b"\xff\xff\xff\xff")), Version.TLS13)
    assert found == SessionTicket(7200, 0xFFFFFFFF)


def test_ticket_without_early_data_allows_none() -> None:
    assert read_ticket(ticket_13(), Version.TLS13) == SessionTicket(7200, None)
    other = extension(0x0A0A, b"grease")
    assert read_ticket(ticket_13(other), Version.TLS13) == SessionTicket(7200, None)


def test_limit_of_nothing_is_told_apart_from_none() -> None:
    found = read_ticket(ticket_13(extension(42, bytes(4))), Version.TLS13)
    assert found.early_data_bytes == 0


def test_ticket_of_tls_1_2_has_a_lifetime_alone() -> None:
    assert read_ticket(ticket_12(), Version.TLS12) == SessionTicket(300, None)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x04",
        message(b""),
        message(b"\x00" * 30, kind=2),
        OF_S_SERVER[:-1],
        OF_S_SERVER + b"\x00",
        ticket_13(extension(42, b"\x00\x00\x40")),
        ticket_13(extension(42, b"\x00\x00\x40\x00\x00")),
        ticket_13(b"\x00\x2a\x00\x09\x00"),
        ticket_12(),
    ],
)
def test_what_is_no_ticket_is_a_parse_error(octets: bytes) -> None:
    with pytest.raises(ParseError):
        read_ticket(octets, Version.TLS13)


@given(octets=st.binary(max_size=200), version=st.sampled_from([Version.TLS12, Version.TLS13]))
@example(octets=OF_S_SERVER, version=Version.TLS12)
def test_any_octets_are_a_ticket_or_a_parse_error(octets: bytes, version: Version) -> None:
    for given_octets in (octets, message(octets)):
        try:
            found = read_ticket(given_octets, version)
        except ParseError:
            continue
        assert 0 <= found.lifetime_s < 2**32
        assert found.early_data_bytes is None or 0 <= found.early_data_bytes < 2**32


@given(
    lifetime_s=st.integers(0, 2**32 - 1),
    limit=st.none() | st.integers(0, 2**32 - 1),
    ticket=st.binary(min_size=1, max_size=300),
)
def test_what_was_written_is_read(lifetime_s: int, limit: int | None, ticket: bytes) -> None:
    extensions = b"" if limit is None else extension(42, limit.to_bytes(4))
    made = ticket_13(extensions, lifetime_s, ticket)
    assert read_ticket(made, Version.TLS13) == SessionTicket(lifetime_s, limit)
