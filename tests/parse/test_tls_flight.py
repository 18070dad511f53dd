"""The reader of a server's first flight: real flights, cut anywhere, and everything else."""

import ssl
import struct
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audits.demo.certificates import Authority
from audits.errors import ParseError
from audits.facts.tls_offer import (
    EXTENDED_MASTER_SECRET,
    RENEGOTIATION_INFO,
    ClientHello,
    ServerAnswer,
    Version,
)
from audits.parse.tls_flight import MAX_FLIGHT_OCTETS, FlightReader, Refusal
from audits.parse.tls_hello import encode_hello
from audits.parse.tls_inquiry import hello_13, hello_before_13, ssl2_hello
from audits.parse.tls_names import CURVES, SUITES_13, SUITES_BEFORE_13

CREDENTIALS = Authority().issue("mx.example.net")
RANDOM = bytes(range(32))
GOODBYE = b"\x15\x03\x03\x00\x02\x02\x28"


def flight(hello: ClientHello, ciphers: str = "DEFAULT:@SECLEVEL=0") -> bytes:
    """What a real server answers to a hello."""
    context = CREDENTIALS.server_context()
    context.set_ciphers(ciphers)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(encode_hello(hello, "mx.example.net", RANDOM))
    try:
        server.do_handshake()
    except ssl.SSLWantReadError:
        pass
    except ssl.SSLError:
        pass
    return outgoing.read()


TLS12 = hello_before_13(Version.TLS12, SUITES_BEFORE_13)
TLS13 = hello_13(SUITES_13, (29, 23))
FLIGHTS = {
    "tls-1.2": flight(TLS12),
    "hello-retry": flight(TLS13),
    "alert": flight(hello_before_13(Version.TLS11, SUITES_BEFORE_13)),
}


def read(
    octets: bytes, cuts: list[int] | None = None, *, ssl2: bool = False
) -> tuple[ServerAnswer | None, Refusal | None, bool, str | None]:
    """All that a reader makes of octets that come in pieces."""
    reader = FlightReader(ssl2=ssl2)
    error = None
    places = [0, *sorted({cut % (len(octets) + 1) for cut in cuts or []}), len(octets)]
    try:
        for start, end in pairwise(places):
            reader.feed(octets[start:end])
    except ParseError as wrong:
        error = str(wrong)
    return reader.answer, reader.refusal, reader.done, error


def record(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BHH", kind, 0x0303, len(payload)) + payload


def message(kind: int, body: bytes) -> bytes:
    return record(22, bytes([kind]) + len(body).to_bytes(3) + body)


def server_hello(suite: int, version: int = 0x0303, rest: bytes = b"") -> bytes:
    return message(
        2, struct.pack(">H", version) + RANDOM + b"\x00" + suite.to_bytes(2) + b"\x00" + rest
    )


def test_tls_1_2_names_suite_group_scheme_and_extensions() -> None:
    answer, refusal, done, error = read(FLIGHTS["tls-1.2"])
    assert (refusal, done, error) == (None, True, None)
    assert answer is not None
    assert answer.version is Version.TLS12
    assert answer.suite == 0xC02C
    assert answer.group in CURVES
    assert answer.scheme == 0x0403
    assert {EXTENDED_MASTER_SECRET, RENEGOTIATION_INFO} <= set(answer.extensions)


def test_hello_retry_request_names_suite_and_group() -> None:
    answer, _, done, _ = read(FLIGHTS["hello-retry"])
    assert done
    assert answer is not None
    assert (answer.version, answer.retry, answer.group) == (Version.TLS13, True, 29)


def test_alert_is_a_refusal_with_its_number() -> None:
    assert read(FLIGHTS["alert"]) == (None, Refusal(70), True, None)


def test_size_of_dhe_is_that_of_its_prime() -> None:
    prime = (2**1023 + 1155).to_bytes(128)
    fields = b"".join(len(f).to_bytes(2) + f for f in (b"\x00" + prime, b"\x02", prime))
    octets = server_hello(0x009F) + message(12, fields + b"\x04\x01\x00\x00")
    answer, _, done, _ = read(octets)
    assert done
    assert answer is not None
    assert (answer.dh_bits, answer.group, answer.scheme) == (1024, None, 0x0401)


def test_group_of_rfc_7919_is_known_by_its_prime() -> None:
    begin = bytes.fromhex("ffffffffffffffffadf85458a2bb4a9aafdc5620273d3cf1")
    prime = begin + b"\x55" * (256 - len(begin) - 8) + b"\xff" * 8
    fields = b"".join(len(f).to_bytes(2) + f for f in (prime, b"\x02", prime))
    answer, *_ = read(server_hello(0x009F) + message(12, fields + b"\x04\x01\x00\x00"))
    assert answer is not None
    assert (answer.dh_bits, answer.group) == (2048, 256)


def test_suite_without_key_exchange_is_known_at_once() -> None:
    answer, _, done, error = read(server_hello(0x002F, 0x0300))
    assert (done, error) == (True, None)
    assert answer is not None
    assert (answer.version, answer.suite) == (Version.SSL3, 0x002F)


def test_what_was_chosen_stays_when_the_rest_is_broken() -> None:
    answer, _, done, error = read(server_hello(0xC030) + record(23, b"xx"))
    assert answer is not None
    assert not done
    assert error is not None


def test_ssl2_server_hello_is_an_answer_and_one_without_cipher_a_refusal() -> None:
    def hello(kinds: bytes) -> bytes:
        body = struct.pack(">BBBHHHH", 4, 0, 1, 2, 3, len(kinds), 2) + b"crt" + kinds + b"id"
        return struct.pack(">H", 0x8000 | len(body)) + body

    answer, _, done, _ = read(hello(b"\x01\x00\x80"), ssl2=True)
    assert done
    assert answer is not None
    assert (answer.version, answer.suite) == (Version.SSL2, 0x010080)
    assert read(hello(b""), ssl2=True)[1] == Refusal(None)
    assert read(b"\x80\x03\x00\x00\x01", ssl2=True)[1] == Refusal(None)
    assert read(flight(ssl2_hello()), ssl2=True)[1] == Refusal(70)


@pytest.mark.parametrize(
    "octets",
    [
        b"421 4.7.0 too many connections\r\n",
        b"\x16\x02\x00\x00\x05",
        b"\x16\x03\x03\xff\xff",
        record(22, b""),
        record(23, b"x"),
        record(21, b"\x02"),
        record(21, b"\x01\x00"),
        record(21, b"\x01\x70") * 9,
        message(11, b""),
        message(2, b"\x03\x03"),
        server_hello(0xC030, 0x0505),
        server_hello(0xC030, rest=b"\x00\x09\x00\x01"),
        server_hello(0xC030) + message(12, b"\x03\x00"),
        server_hello(0xC030) + message(20, b""),
        record(22, b"\x02\xff\xff\xff"),
        server_hello(0xC030) + b"".join(message(11, bytes(16000)) for _ in range(9)),
    ],
)
def test_what_is_no_flight_is_a_parse_error(octets: bytes) -> None:
    assert read(octets)[3] is not None


def test_reader_holds_no_more_than_a_flight() -> None:
    endless = server_hello(0xC030) + message(11, bytes(16000)) * 100
    assert read(endless)[3] == f"no end within {MAX_FLIGHT_OCTETS} octets"
    assert read(endless, list(range(0, len(endless), 1000))) == read(endless)


@pytest.mark.parametrize("name", FLIGHTS)
@given(cuts=st.lists(st.integers(0, 5000), max_size=40))
def test_real_flight_reads_the_same_however_it_is_cut(name: str, cuts: list[int]) -> None:
    assert read(FLIGHTS[name], cuts) == read(FLIGHTS[name])


@pytest.mark.parametrize("name", FLIGHTS)
def test_real_flight_reads_the_same_octet_by_octet(name: str) -> None:
    octets = FLIGHTS[name]
    assert read(octets, list(range(len(octets)))) == read(octets)


@given(octets=st.binary(max_size=400), cuts=st.lists(st.integers(0, 400)), ssl2=st.booleans())
@example(octets=GOODBYE, cuts=[1], ssl2=True)
def test_any_octets_read_the_same_however_they_are_cut(
    octets: bytes, cuts: list[int], ssl2: bool
) -> None:
    assert read(octets, cuts, ssl2=ssl2) == read(octets, ssl2=ssl2)


@given(place=st.integers(0, 2000), value=st.integers(0, 255), cuts=st.lists(st.integers(0, 2000)))
def test_damaged_flight_reads_the_same_however_it_is_cut(
    place: int, value: int, cuts: list[int]
) -> None:
    octets = bytearray(FLIGHTS["tls-1.2"])
    octets[place % len(octets)] = value
    assert read(bytes(octets), cuts) == read(bytes(octets))
