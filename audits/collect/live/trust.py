"""Whether a chain is trusted: the roots of a run, and what OpenSSL says of a chain below them."""

import re
import ssl
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
from OpenSSL import crypto

from audits.errors import ParseError, UsageError
from audits.facts.tls import Certificate, CertificateChain, Verification
from audits.parse.x509 import issuers, parse_certificate
from audits.subject import Service


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
