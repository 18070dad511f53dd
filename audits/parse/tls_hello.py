"""Hellos to octets: any version from SSL 2 to TLS 1.3, with any code points."""

import re
import struct
from collections.abc import Iterable

from audits.facts.tls_offer import (
    EC_POINT_FORMATS,
    ENCRYPT_THEN_MAC,
    EXTENDED_MASTER_SECRET,
    HEARTBEAT,
    KEY_SHARE,
    PADDING,
    PSK_KEY_EXCHANGE_MODES,
    RENEGOTIATION_INFO,
    SERVER_NAME,
    SESSION_TICKET,
    SIGNATURE_ALGORITHMS,
    SIGNATURE_ALGORITHMS_CERT,
    SUPPORTED_GROUPS,
    SUPPORTED_VERSIONS,
    TRUNCATED_HMAC,
    ClientHello,
    Version,
)
from audits.parse.tls_names import SCHEMES

RANDOM_OCTETS = 32
_HANDSHAKE = 22
_CLIENT_HELLO = 1
_SSL2_CLIENT_HELLO = 1
_SSL2_CHALLENGE_OCTETS = 16
# RFC 6520 section 2: peer_not_allowed_to_send
_NO_HEARTBEATS = b"\x02"
# NULL last: a server that compresses at all takes DEFLATE (RFC 3749 section 2).
_COMPRESSIONS = b"\x01\x00"
# Record version of a first flight: TLS 1.0, which every server takes (RFC 8446 section 5.1).
_RECORD_VERSION = 0x0301
# Some load balancers hang on a hello of 256 to 511 octets (RFC 7685).
_UNLUCKY = range(256, 512)
# RFC 6066 section 3: HostName is a DNS name in ASCII, never an address.
_HOST_NAME = re.compile(
    r"(?=.*[a-z])[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
)


def encode_hello(hello: ClientHello, server_name: str, random: bytes) -> bytes:
    """The first flight that offers what the hello says; `random` are 32 octets.

    In TLS 1.3 the key_share is empty, so that the server names its choice of group in a
    HelloRetryRequest (RFC 8446 section 4.2.8). server_name is sent where it is a DNS name.
    """
    if hello.highest is Version.SSL2:
        return _ssl2_hello(hello, random)
    is_13 = hello.highest is Version.TLS13
    legacy_version = min(hello.highest.code, Version.TLS12.code)
    body = b"".join(
        (
            struct.pack(">H", legacy_version),
            random[:RANDOM_OCTETS],
            b"\x00",
            _vector(2, _codes(hello.suites)),
            _vector(1, b"\x00" if is_13 else _COMPRESSIONS),
        )
    )
    extensions = b"".join(_extensions(hello, server_name))
    body += _vector(2, _padded(extensions, 4 + len(body) + 2))
    message = bytes([_CLIENT_HELLO]) + _vector(3, body)
    return struct.pack(">BH", _HANDSHAKE, _RECORD_VERSION) + _vector(2, message)


def host_name(server_name: str) -> bytes:
    """The name as it is sent in server_name; empty where that can't carry it, as of an address."""
    name = server_name.lower().rstrip(".")
    fits = _HOST_NAME.fullmatch(name) is not None and len(name) < 254
    return name.encode("ascii") if fits else b""


def _extensions(hello: ClientHello, server_name: str) -> Iterable[bytes]:
    name = host_name(server_name)
    if name:
        entry = b"\x00" + _vector(2, name)
        yield _extension(SERVER_NAME, _vector(2, entry))
    if hello.groups:
        yield _extension(SUPPORTED_GROUPS, _vector(2, _codes(hello.groups)))
    if hello.schemes:
        yield _extension(SIGNATURE_ALGORITHMS, _vector(2, _codes(hello.schemes)))
    if hello.highest is Version.TLS13:
        newest_first = sorted(Version, key=lambda version: -version.rank)
        versions = [v.code for v in newest_first if v.rank >= hello.lowest.rank]
        yield _extension(SUPPORTED_VERSIONS, _vector(1, _codes(versions)))
        if not SCHEMES.keys() <= set(hello.schemes):
            # What signs certificates need not sign the handshake (RFC 8446 section 4.2.3).
            signed = _codes(sorted(SCHEMES, reverse=True))
            yield _extension(SIGNATURE_ALGORITHMS_CERT, _vector(2, signed))
        yield _extension(PSK_KEY_EXCHANGE_MODES, b"\x01\x01")
        yield _extension(KEY_SHARE, _vector(2, b""))
        return
    yield _extension(EC_POINT_FORMATS, b"\x01\x00")
    yield _extension(RENEGOTIATION_INFO, b"\x00")
    yield _extension(HEARTBEAT, _NO_HEARTBEATS)
    for empty in (EXTENDED_MASTER_SECRET, ENCRYPT_THEN_MAC, TRUNCATED_HMAC, SESSION_TICKET):
        yield _extension(empty, b"")


def _padded(extensions: bytes, before: int) -> bytes:
    """Extensions behind `before` octets of message, padded past an unlucky length."""
    length = before + len(extensions)
    if length not in _UNLUCKY:
        return extensions
    return extensions + _extension(PADDING, bytes(max(0, _UNLUCKY.stop - length - 4)))


def _ssl2_hello(hello: ClientHello, random: bytes) -> bytes:
    """CLIENT-HELLO of SSL 2 in a record with a header of two octets."""
    kinds = b"".join(suite.to_bytes(3) for suite in hello.suites)
    challenge = random[:_SSL2_CHALLENGE_OCTETS]
    fields = (Version.SSL2.code, len(kinds), 0, len(challenge))
    message = struct.pack(">BHHHH", _SSL2_CLIENT_HELLO, *fields) + kinds + challenge
    return struct.pack(">H", 0x8000 | len(message)) + message


def _codes(values: Iterable[int]) -> bytes:
    return b"".join(value.to_bytes(2) for value in values)


def _vector(width: int, content: bytes) -> bytes:
    """A vector of variable length (RFC 8446 section 3.4): its length in `width` octets, then it."""
    return len(content).to_bytes(width) + content


def _extension(kind: int, content: bytes) -> bytes:
    return struct.pack(">H", kind) + _vector(2, content)
