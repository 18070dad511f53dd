"""TLS: one handshake with a current client, and the chain that was served.

The handshake runs over memory (`ssl.MemoryBIO`) on a stream of ours, so that an alert, octets
that are no TLS, an end of the connection and silence stay different things.
"""

import asyncio
import functools
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from audits.collect.live.tcp import READ_OCTETS, Stream, Unheard
from audits.collect.live.tls_ticket import notes_tickets
from audits.facts.fact import Reason
from audits.facts.tls import KeyType, TlsHandshake
from audits.subject import Service

# RFC 8446 section 5.1: ContentType alert(21), handshake(22)
_TLS_CONTENT = (b"\x15", b"\x16")
# OpenSSL names a received alert `SSLV3_ALERT_BAD_CERTIFICATE`, `TLSV1_UNRECOGNIZED_NAME` ...
_ALERT = re.compile(r"(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?([A-Z0-9_]+)")
_DER = 2
# OpenSSL's names of the suites; ECDSA stands for EdDSA, too (RFC 8422 section 2.2).
_AUTHENTICATED_BY: dict[KeyType, str] = {"ecdsa": "aECDSA", "rsa": "aRSA"}
_HEARD_OCTETS = 160


@dataclass(frozen=True)
class Handshake:
    """How a handshake went. stream: of a completed one; chain: DER as served, leaf first.

    heard: text that the server sent instead of TLS, if it did.
    """

    stream: "TlsStream | None"
    error: str | None
    version: str | None
    cipher: str | None
    server_name: str
    chain: tuple[bytes, ...]
    heard: str
    elapsed_s: float

    def fact(self, service: Service) -> TlsHandshake:
        """The handshake as a fact about that service."""
        return TlsHandshake(
            service,
            completed=self.error is None,
            error=self.error,
            version=self.version,
            cipher=self.cipher,
            server_name=self.server_name,
            elapsed_s=round(self.elapsed_s, 4),
        )


class TlsStream:
    """TLS over another stream, as the client."""

    def __init__(
        self, below: Stream, server_name: str, context: ssl.SSLContext | None = None
    ) -> None:
        context = context or client_context()
        self._below = below
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.server_name = server_name
        try:
            self.tls = context.wrap_bio(
                self._incoming, self._outgoing, server_hostname=server_name or None
            )
        except ValueError:  # no name that SNI can carry (RFC 6066 section 3), such as `a..b`
            self.server_name = ""
            self.tls = context.wrap_bio(self._incoming, self._outgoing)
        self.first_octets = b""

    async def handshake(self, until: float) -> None:
        """Raises ssl.SSLError for what the server sent, Unheard for what it did not."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush(until)
                await self._fill(until)
            else:
                return await self._flush(until)

    async def read(self, until: float) -> bytes:
        """The next octets, empty at the end; raises Unheard."""
        while True:
            try:
                return self.tls.read(READ_OCTETS)
            except ssl.SSLWantReadError:
                await self._flush(until)
                await self._fill(until)
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as error:
                words = describe(error)
                raise Unheard(Reason.DISCONNECTED, f"TLS broke off: {words}") from error

    async def write(self, data: bytes, until: float) -> None:
        """Sends all of it; raises Unheard."""
        try:
            self.tls.write(data)
        except ssl.SSLError as error:
            raise Unheard(Reason.DISCONNECTED, f"TLS broke off: {describe(error)}") from error
        await self._flush(until)

    def close(self) -> None:
        """Closes below. No close_notify: the SMTP session has ended with QUIT."""
        self._below.close()

    async def leave(self, until: float) -> None:
        """Leaves below."""
        await self._below.leave(until)

    async def _flush(self, until: float) -> None:
        if self._outgoing.pending:
            await self._below.write(self._outgoing.read(), until)

    async def _fill(self, until: float) -> None:
        octets = await self._below.read(until)
        if len(self.first_octets) < _HEARD_OCTETS:
            self.first_octets = (self.first_octets + octets)[:_HEARD_OCTETS]
        if octets:
            self._incoming.write(octets)
        else:
            self._incoming.write_eof()


async def shake_hands(
    stream: Stream, server_name: str, limit_s: float, context: ssl.SSLContext | None = None
) -> Handshake:
    """One handshake, at most `limit_s` long, as the client that `client_context` or another is.

    Raises Unheard where the connection breaks off or falls silent before its end.
    """
    loop = asyncio.get_running_loop()
    begun = loop.time()
    tls = TlsStream(stream, server_name, context)
    try:
        await tls.handshake(begun + limit_s)
    # Before Python 3.11.4 an end of file reads like a close_notify.
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        words = "the server closed the connection during the TLS handshake"
        raise Unheard(Reason.DISCONNECTED, words) from error
    except Unheard as error:
        words = f"during the TLS handshake {error}"
        raise Unheard(error.silence.reason, words) from error
    except ssl.SSLError as error:
        heard = _heard(tls.first_octets)
        words = f"not TLS: the server sent {heard!r}" if heard else describe(error)
        elapsed_s = loop.time() - begun
        return Handshake(None, words, None, None, tls.server_name, (), heard, elapsed_s)
    cipher = tls.tls.cipher()
    return Handshake(
        tls,
        None,
        tls.tls.version(),
        cipher[0] if cipher else None,
        tls.server_name,
        served_chain(tls.tls),
        "",
        loop.time() - begun,
    )


@functools.cache
def client_context() -> ssl.SSLContext:
    """A client of today, TLS 1.2 and 1.3, that looks at certificates instead of judging them.

    Security level 0 lets a handshake complete with a key that OpenSSL would refuse, such as RSA
    with 1024 bits: it is to be seen and named. It adds no protocol version.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return notes_tickets(context)


@functools.cache
def context_for(key_type: KeyType) -> ssl.SSLContext:
    """The same client, but one that a server can answer with a key of that type only.

    In TLS 1.2 the cipher suite names the type (RFC 5246 section 7.4.3, RFC 8422 section 2). In 1.3
    it does not, and Python has no way to choose `signature_algorithms`, so that 1.2 is all that it
    speaks.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{_AUTHENTICATED_BY[key_type]}:@SECLEVEL=0")
    return context


class _CertificateObject(Protocol):
    def public_bytes(self, encoding: int, /) -> bytes: ...


def served_chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates as the server sent them, leaf first, each as DER.

    Public from Python 3.13 on; 3.11 and 3.12 have it on the object beneath only.
    """
    public = getattr(tls, "get_unverified_chain", None)
    if public is not None:
        return tuple(public())
    beneath: Sequence[_CertificateObject] = tls._sslobj.get_unverified_chain() or ()  # type: ignore[attr-defined]
    return tuple(certificate.public_bytes(_DER) for certificate in beneath)


def describe(error: ssl.SSLError) -> str:
    """A TLS error in words: `alert handshake_failure` (RFC 8446 section 6), or OpenSSL's own."""
    reason = error.reason or ""
    alert = _ALERT.fullmatch(reason)
    if alert is not None:
        return f"alert {alert[1].lower()}"
    return reason.lower().replace("_", " ") or "unknown TLS error"


def _heard(first_octets: bytes) -> str:
    if not first_octets or first_octets.startswith(_TLS_CONTENT):
        return ""
    return first_octets.decode("ascii", "backslashreplace").splitlines()[0].strip() or "octets"
