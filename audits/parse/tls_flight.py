"""A server's first flight out of a stream of octets: what it chose, or the alert it ended with."""

import hashlib

from msgspec import Struct
from msgspec.structs import replace

from audits.errors import ParseError
from audits.facts.tls_offer import KEY_SHARE, SUPPORTED_VERSIONS, ServerAnswer, Version
from audits.parse.tls_fields import Fields
from audits.parse.tls_names import is_ephemeral, is_signed, key_exchange

# RFC 8446 section 5.2: a record holds at most 2^14 + 256 octets; TLS 1.2 allows 2^14 + 2048.
MAX_RECORD_OCTETS = 2**14 + 2048
MAX_FLIGHT_OCTETS = 128 * 1024
MAX_WARNINGS = 8

_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _APPLICATION_DATA = 20, 21, 22, 23
_CONTENT_TYPES = (_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _APPLICATION_DATA)
_HEADER_OCTETS = 5
_SERVER_HELLO, _CERTIFICATE, _KEY_EXCHANGE, _CERTIFICATE_REQUEST, _HELLO_DONE = 2, 11, 12, 13, 14
_CERTIFICATE_STATUS = 22
_BEFORE_KEY_EXCHANGE = (_CERTIFICATE, _CERTIFICATE_STATUS)
_WARNING, _FATAL = 1, 2
_CLOSE_NOTIFY = 0
_NAMED_CURVE = 3
_SSL2_ERROR, _SSL2_SERVER_HELLO = 0, 4
# RFC 8446 section 4.1.3: the Random of a ServerHello that is a HelloRetryRequest
_RETRY_RANDOM = hashlib.sha256(b"HelloRetryRequest").digest()
# RFC 7919 appendix A: the primes begin alike and differ in length alone.
_FFDHE_BEGIN = bytes.fromhex("ffffffffffffffffadf85458a2bb4a9aafdc5620273d3cf1")
_FFDHE_GROUPS = {2048: 256, 3072: 257, 4096: 258, 6144: 259, 8192: 260}


class Refusal(Struct, frozen=True):
    """The server ended the handshake. alert: its number; None for an error of SSL 2."""

    alert: int | None


class FlightReader:
    """Takes the octets of a server's first flight, however they are cut, up to what decides.

    answer: what the server chose, as far as it said so. refusal: how it ended the handshake.
    done: nothing further is of interest. `feed` raises ParseError for what is no TLS, or more of
    it than a flight may hold; what was read before stays.
    """

    def __init__(self, *, ssl2: bool = False) -> None:
        self.answer: ServerAnswer | None = None
        self.refusal: Refusal | None = None
        self._ssl2 = ssl2
        self._octets = bytearray()
        self._handshake = bytearray()
        self._taken = 0
        self._warnings = 0
        self._complete = False

    @property
    def done(self) -> bool:
        return self._complete or self.refusal is not None

    def feed(self, data: bytes) -> None:
        """Takes the next octets of the stream; raises ParseError."""
        if self.done:
            return
        self._octets += data
        while not self.done and self._next_record():
            pass

    def _next_record(self) -> bool:
        """Takes one record if it is complete. Its header is judged as soon as it is there."""
        octets = self._octets
        if self._ssl2 and octets and octets[0] not in (_ALERT, _HANDSHAKE):
            return self._next_ssl2_record()
        if len(octets) < _HEADER_OCTETS:
            return False
        if octets[0] not in _CONTENT_TYPES or octets[1] != 3:
            raise ParseError(f"not TLS: it begins with {_shown(octets[:_HEADER_OCTETS])}")
        kind, length = octets[0], int.from_bytes(octets[3:5])
        if length > MAX_RECORD_OCTETS:
            raise ParseError(f"a record of {length} octets")
        if self._taken + length > MAX_FLIGHT_OCTETS:
            raise ParseError(f"no end within {MAX_FLIGHT_OCTETS} octets")
        if len(octets) < _HEADER_OCTETS + length:
            return False
        self._taken += _HEADER_OCTETS + length
        payload = bytes(octets[5 : 5 + length])
        del octets[: 5 + length]
        self._record(kind, payload)
        return True

    def _record(self, kind: int, payload: bytes) -> None:
        if kind == _ALERT:
            return self._alerts(payload)
        if kind != _HANDSHAKE:
            raise ParseError(f"a record of type {kind} before the end of the first flight")
        if not payload:
            raise ParseError("an empty handshake record")
        self._handshake += payload
        while not self.done and self._next_message():
            pass

    def _alerts(self, payload: bytes) -> None:
        """RFC 8446 section 6: level, description. A warning does not end a handshake by itself."""
        if len(payload) != 2 or payload[0] not in (_WARNING, _FATAL):
            raise ParseError(f"not an alert: {_shown(payload)}")
        level, description = payload
        if level == _FATAL:
            self.refusal = Refusal(description)
            return
        if description == _CLOSE_NOTIFY:
            raise ParseError("the server closed with close_notify instead of an answer")
        self._warnings += 1
        if self._warnings > MAX_WARNINGS:
            raise ParseError(f"more than {MAX_WARNINGS} warnings")

    def _next_message(self) -> bool:
        buffer = self._handshake
        if buffer and self.answer is None and buffer[0] != _SERVER_HELLO:
            raise ParseError(f"handshake message {buffer[0]} instead of a ServerHello")
        if len(buffer) < 4:
            return False
        kind, length = buffer[0], int.from_bytes(buffer[1:4])
        if length > MAX_FLIGHT_OCTETS:
            raise ParseError(f"a handshake message of {length} octets")
        if len(buffer) < 4 + length:
            return False
        body = Fields(bytes(buffer[4 : 4 + length]))
        del buffer[: 4 + length]
        self._message(kind, body)
        return True

    def _message(self, kind: int, body: Fields) -> None:
        if self.answer is None:
            self.answer = _server_hello(body)
            last = self.answer.version is Version.TLS13
            self._complete = last or not is_ephemeral(self.answer.suite)
        elif kind == _KEY_EXCHANGE:
            self.answer = _with_key_exchange(self.answer, body)
            self._complete = True
        elif kind in (_HELLO_DONE, _CERTIFICATE_REQUEST):
            self._complete = True
        elif kind not in _BEFORE_KEY_EXCHANGE:
            raise ParseError(f"handshake message {kind} out of its place")

    def _next_ssl2_record(self) -> bool:
        """SSL 2: two octets of header where the first bit is set, else three."""
        octets = self._octets
        header = 2 if octets[0] & 0x80 else 3
        if len(octets) <= header:
            return False
        if octets[header] not in (_SSL2_ERROR, _SSL2_SERVER_HELLO):
            raise ParseError(
                f"neither SSL 2 nor TLS: it begins with {_shown(octets[: header + 1])}"
            )
        length = int.from_bytes(octets[:2]) & (0x7FFF if header == 2 else 0x3FFF)
        if len(octets) < header + length:
            return False
        body = Fields(bytes(octets[header : header + length]))
        self._octets.clear()
        if body.number(1) == _SSL2_ERROR:
            self.refusal = Refusal(None)
            return True
        _, _, version, certificate, kinds, _ = (body.number(w) for w in (1, 1, 2, 2, 2, 2))
        if version != Version.SSL2.code:
            raise ParseError(f"a SERVER-HELLO of version {version:#06x}")
        body.take(certificate)
        if kinds < 3:
            self.refusal = Refusal(None)
        else:
            self.answer = ServerAnswer(
                version=Version.SSL2,
                suite=body.number(3),
                retry=False,
                group=None,
                dh_bits=None,
                scheme=None,
                compression=0,
                extensions=(),
            )
            self._complete = True
        return True


def _server_hello(body: Fields) -> ServerAnswer:
    """RFC 8446 section 4.1.3, RFC 5246 section 7.4.1.3."""
    code, random = body.number(2), body.take(32)
    if len(body.vector(1)) > 32:
        raise ParseError("a session id of more than 32 octets")
    suite, compression = body.number(2), body.number(1)
    extensions = body.extensions() if body.left else {}
    if SUPPORTED_VERSIONS in extensions:
        code = Fields(extensions[SUPPORTED_VERSIONS]).number(2)
    version = Version.of(code)
    if version is None or version is Version.SSL2:
        raise ParseError(f"a ServerHello of version {code:#06x}")
    share = extensions.get(KEY_SHARE)
    return ServerAnswer(
        version=version,
        suite=suite,
        retry=random == _RETRY_RANDOM,
        group=Fields(share).number(2) if share is not None else None,
        dh_bits=None,
        scheme=None,
        compression=compression,
        extensions=tuple(extensions),
    )


def _with_key_exchange(answer: ServerAnswer, body: Fields) -> ServerAnswer:
    """ServerKeyExchange: RFC 5246 section 7.4.3, RFC 8422 section 5.4."""
    group: int | None = None
    dh_bits: int | None = None
    if key_exchange(answer.suite).startswith("DH"):
        prime = body.vector(2).lstrip(b"\x00")
        dh_bits = int.from_bytes(prime).bit_length()
        if prime.startswith(_FFDHE_BEGIN):
            group = _FFDHE_GROUPS.get(dh_bits)
        body.vector(2)
        body.vector(2)
    else:
        if body.number(1) != _NAMED_CURVE:
            return answer  # explicit curves, of which RFC 8422 section 5.4 says that none uses them
        group = body.number(2)
        body.vector(1)
    has_scheme = answer.version is Version.TLS12 and is_signed(answer.suite)
    scheme = body.number(2) if has_scheme else None
    return replace(answer, group=group, dh_bits=dh_bits, scheme=scheme)


def _shown(octets: bytes | bytearray) -> str:
    return repr(bytes(octets[:16]))
