"""Certificates made on the fly: a root, an intermediate, and what hosts serve, good and bad."""

import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Credentials:
    """A key and the certificates that are served with it, leaf first, both as PEM."""

    chain: bytes
    key: bytes

    def server_context(self, ciphers: str = "DEFAULT:@SECLEVEL=0") -> ssl.SSLContext:
        """A server's context that serves them, by default weak keys too.

        ciphers: OpenSSL's list of suites, which says what it signs with as well.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
        self.add_to(context)
        return context

    def add_to(self, context: ssl.SSLContext) -> None:
        """Serve them as well; a context holds one of each type of key."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "credentials.pem"
            path.write_bytes(self.key + self.chain)
            context.load_cert_chain(path)


def elliptic_key() -> PrivateKey:
    """A P-256 key, which takes a millisecond."""
    return ec.generate_private_key(ec.SECP256R1())


def short_rsa_key() -> PrivateKey:
    """An RSA key that is too short for today: 1024 bits."""
    return rsa.generate_private_key(65537, 1024)


class Authority:
    """A root and one intermediate below it, both some years old, as those of real authorities are.

    now: when validity is counted from, aware UTC. organization: whom both name as their own.
    """

    def __init__(
        self,
        name: str = "Demo CA",
        now: datetime | None = None,
        organization: str | None = None,
    ) -> None:
        self._now = now or datetime.now(UTC)
        self._root_name = _name(f"{name} root", organization)
        self._middle_name = _name(f"{name} intermediate", organization)
        self._root_key, self._middle_key = elliptic_key(), elliptic_key()
        root = self._builder(self._root_name, self._root_name, self._root_key, 3650, -1000)
        root = _issued_by(root, self._root_key)
        self.root = _authority(root).sign(self._root_key, hashes.SHA256())
        middle = self._builder(self._middle_name, self._root_name, self._middle_key, 1825, -900)
        middle = _issued_by(middle, self._root_key)
        self.intermediate = _authority(middle).sign(self._root_key, hashes.SHA256())

    @property
    def root_pem(self) -> bytes:
        """The root, for a trust store."""
        return self.root.public_bytes(Encoding.PEM)

    def issue(
        self,
        *names: str,
        days: float = 90,
        begins_days: float = -1,
        key: PrivateKey | None = None,
        with_intermediate: bool = True,
    ) -> Credentials:
        """A certificate for host names and addresses.

        begins_days, days: start and end of its validity, in days from now; both negative for one
        that has expired. with_intermediate: whether the chain is complete as served.
        """
        key = key or elliptic_key()
        builder = self._builder(_name(names[0]), self._middle_name, key, days, begins_days)
        leaf = _issued_by(_end_entity(builder, names), self._middle_key).sign(
            self._middle_key, hashes.SHA256()
        )
        chain = [leaf, self.intermediate] if with_intermediate else [leaf]
        return _credentials(chain, key)

    def self_signed(self, *names: str, days: float = 90) -> Credentials:
        """A certificate that nobody but its own key vouches for."""
        key, name = elliptic_key(), _name(names[0])
        builder = _end_entity(self._builder(name, name, key, days, -1), names)
        return _credentials([builder.sign(key, hashes.SHA256())], key)

    def _builder(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: PrivateKey,
        days: float,
        begins_days: float,
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now + timedelta(days=begins_days))
            .not_valid_after(self._now + timedelta(days=days))
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )


def _name(common_name: str, organization: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization is not None:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _issued_by(builder: x509.CertificateBuilder, key: PrivateKey) -> x509.CertificateBuilder:
    """Names the issuer's key, as RFC 5280 section 4.2.1.1 asks and strict clients want."""
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    return builder.add_extension(issuer, critical=False)


def _authority(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return builder.add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    ).add_extension(usage, critical=True)


def _end_entity(builder: x509.CertificateBuilder, names: Sequence[str]) -> x509.CertificateBuilder:
    return builder.add_extension(
        x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
    ).add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _credentials(chain: Sequence[x509.Certificate], key: PrivateKey) -> Credentials:
    return Credentials(
        b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
