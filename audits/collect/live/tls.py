"""TLS: one handshake with a current client, the chain that was served, and whether it is trusted.

The handshake runs over memory (`ssl.MemoryBIO`) on a stream of ours, so that an alert, octets
that are no TLS, an end of the connection and silence stay different things.
"""

import asyncio
import functools
import re
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import certifi
from OpenSSL import crypto

from audits.collect.live.tcp import READ_OCTETS, Stream, Unheard
from audits.errors import ParseError, UsageError
from audits.facts.fact import Reason
from audits.facts.tls import Certificate, CertificateChain, KeyType, TlsHandshake, Verification
from audits.parse.x509 import issuers, parse_certificate
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

    def abort(self) -> None:
        """Closes at once."""
        self._below.abort()

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
    return context


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


class TrustStore:
    """What a run trusts: the system's public roots (certifi's where there are none), and more.

    Built once a run; reads its files then, and a host's private CA when it is first met.
    """

    def __init__(self, ca_file: str | None = None, base: Path = Path()) -> None:
        """base: the folder that a host's private CA is named from.

        Raises UsageError where `ca_file` holds no certificates that can be read.
        """
        self._ca_file = ca_file
        self._base = base
        self._files: dict[str, list[crypto.X509]] = {}
        self._system = ssl.get_default_verify_paths()
        if ca_file is not None:
            _ca_certificates(ca_file)

    def verify(
        self, chain: Sequence[bytes], now: datetime, private_ca: str | None = None
    ) -> Verification:
        """What OpenSSL says of the chain, all but its leaf untrusted (RFC 5280 section 6).

        Raises ParseError where a certificate can't be read, UsageError for the private CA's file.
        """
        at = _within_dates([parse_certificate(der) for der in chain], now)
        files = {} if self._ca_file is None else {self._ca_file: self._ca_file}
        if private_ca is not None:
            files[private_ca] = str(self._base / private_ca)
        store, names = self._store(files.values(), at), ("system", *files)
        try:
            leaf, *others = (crypto.load_certificate(crypto.FILETYPE_ASN1, der) for der in chain)
        except crypto.Error as error:
            raise ParseError("OpenSSL can't read a served certificate") from error
        try:
            crypto.X509StoreContext(store, leaf, others).verify_certificate()
        except crypto.X509StoreContextError as error:
            code, depth = error.errors[0], error.errors[1]
            return Verification(int(code), str(error), int(depth), at, names)
        return Verification(0, "ok", 0, at, names)

    def chain_fact(
        self,
        service: Service,
        chain: Sequence[bytes],
        now: datetime,
        private_ca: str | None = None,
    ) -> CertificateChain:
        """The chain as a fact about that service; raises UsageError for the private CA's file."""
        certificates: list[Certificate] = []
        readable: list[bytes] = []
        malformed = None if chain else "the server sent no certificate"
        for der in chain:
            try:
                certificates.append(parse_certificate(der))
                readable.append(der)
            except ParseError as error:
                malformed = str(error)
        verification = None
        if malformed is None:
            try:
                verification = self.verify(chain, now, private_ca)
            except ParseError as error:
                malformed = str(error)
        return CertificateChain(
            subject=service,
            certificates=tuple(certificates),
            names=(service.host,),
            verification=verification,
            malformed=malformed,
            issuers=issuers(readable),
        )

    def _store(self, files: Iterable[str], at: datetime) -> crypto.X509Store:
        """A store for one verification: OpenSSL keeps the first time that a store is given."""
        store = crypto.X509Store()
        system = self._system
        if system.capath:
            store.load_locations(None, system.capath)  # each root is read when it is needed
        roots = system.cafile if system.cafile or system.capath else certifi.where()
        for path in (*([roots] if roots else []), *files):
            for certificate in self._certificates(path):
                store.add_cert(certificate)
        store.set_time(at)
        return store

    def _certificates(self, path: str) -> list[crypto.X509]:
        if path not in self._files:
            self._files[path] = _ca_certificates(path)
        return self._files[path]


_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def _ca_certificates(path: str) -> list[crypto.X509]:
    try:
        blocks = _PEM.findall(Path(path).read_bytes())
        found = [crypto.load_certificate(crypto.FILETYPE_PEM, block) for block in blocks]
    except (OSError, crypto.Error) as error:
        raise UsageError(f"{path}: can't be read as PEM certificates: {error}") from error
    if not found:
        raise UsageError(f"{path}: found no certificate, expected PEM")
    return found


def _within_dates(chain: Sequence[Certificate], now: datetime) -> datetime:
    """`now`, or the nearest time at which all of the chain, else its leaf, is in its dates."""
    moment = timedelta(seconds=1)
    for part in (chain, chain[:1]):
        first = max(c.not_before for c in part) + moment
        last = min(c.not_after for c in part) - moment
        if first <= last:
            return min(max(now, first), last).astimezone(UTC)
    return now.astimezone(UTC)
