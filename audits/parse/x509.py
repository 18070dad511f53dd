"""Certificates from DER, and whether one is for a name."""

import binascii
import hashlib
import re
from collections.abc import Sequence
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import SignatureAlgorithmOID

from audits.errors import ParseError
from audits.facts.tls import Certificate

# What the accessors of `cryptography` raise for DER that is broken or that it does not know.
_UNREADABLE = (
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----")

_SIGNATURES = {
    oid.dotted_string: name.lower().replace("_", "-")
    for name, oid in vars(SignatureAlgorithmOID).items()
    if isinstance(oid, x509.ObjectIdentifier)
}

_PURPOSES = {
    "2.5.29.37.0": "anyExtendedKeyUsage",
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
}


def parse_certificate(der: bytes) -> Certificate:
    """The certificate in `der` (RFC 5280 section 4.1); raises ParseError.

    signature_algorithm is such as `ecdsa-with-sha256` or `rsassa-pss-with-sha256`, or a dotted OID.
    """
    try:
        return _certificate(der)
    except _UNREADABLE as error:
        raise ParseError(f"a certificate of {len(der)} octets is malformed: {error}") from error


def pem_certificates(text: str) -> tuple[list[Certificate], str | None]:
    """The certificates in a text (RFC 7468 section 5), and why one of them could not be read."""
    found: list[Certificate] = []
    malformed: str | None = None
    for block in _PEM.finditer(text):
        try:
            found.append(parse_certificate(binascii.a2b_base64(block[1])))
        except (ParseError, ValueError) as error:
            malformed = malformed or str(error)
    return found, malformed


def issuers(chain: Sequence[bytes]) -> tuple[int | None, ...]:
    """For each certificate that `parse_certificate` could read, the place of its issuer among them.

    The issuer is the first other one whose subject and key fit (RFC 5280 section 6.1.3); None
    where there is none.
    """
    found = [x509.load_der_x509_certificate(der) for der in chain]
    return tuple(
        next((i for i, other in enumerate(found) if _is_issuer(other, each)), None)
        for each in found
    )


def _is_issuer(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    if issuer is certificate or issuer.subject == certificate.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*_UNREADABLE, InvalidSignature):
        return False
    return True


def matches(certificate: Certificate, name: str) -> bool:
    """Whether the certificate is for that host name or address literal (RFC 9525 section 6).

    Only the SAN counts, never the common name. A wildcard is the whole left-most label and stands
    for exactly one label. Names are compared as A-labels, without regard to case.
    """
    try:
        literal = ip_address(name)
    except ValueError:
        wanted = _labels(name)
        return any(_dns_matches(_labels(held), wanted) for held in certificate.dns_names)
    return any(literal == ip_address(held) for held in certificate.ip_addresses)


def _labels(name: str) -> list[str]:
    return name.removesuffix(".").lower().split(".")


def _dns_matches(held: list[str], wanted: list[str]) -> bool:
    if len(held) != len(wanted) or not all(wanted):
        return False
    if held[0] == "*" and len(held) > 1:
        return held[1:] == wanted[1:]
    return held == wanted


def _certificate(der: bytes) -> Certificate:
    found = x509.load_der_x509_certificate(der)
    dns_names, ip_addresses = _alternative_names(found)
    key_type, key_bits, curve = _key(found)
    spki = public_key_info(found.tbs_certificate_bytes)
    return Certificate(
        subject=found.subject.rfc4514_string(),
        issuer=found.issuer.rfc4514_string(),
        serial=f"{found.serial_number:x}",
        dns_names=dns_names,
        ip_addresses=ip_addresses,
        not_before=found.not_valid_before_utc,
        not_after=found.not_valid_after_utc,
        key_type=key_type,
        key_bits=key_bits,
        curve=curve,
        signature_algorithm=_signature(found),
        is_ca=_is_ca(found),
        self_issued=found.subject == found.issuer,
        eku=_purposes(found),
        sha256=hashlib.sha256(der).hexdigest(),
        sha512=hashlib.sha512(der).hexdigest(),
        spki_sha256=hashlib.sha256(spki).hexdigest(),
        spki_sha512=hashlib.sha512(spki).hexdigest(),
    )


def _alternative_names(found: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), ()
    addresses = names.get_values_for_type(x509.IPAddress)
    dns_names = (name.lower() for name in names.get_values_for_type(x509.DNSName))
    # A prefix instead of an address belongs into name constraints and is for no host.
    return tuple(dns_names), tuple(str(a) for a in addresses if "/" not in str(a))


def _is_ca(found: x509.Certificate) -> bool:
    try:
        return found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _signature(found: x509.Certificate) -> str:
    """RSASSA-PSS has its digest in parameters, SHA-1 by default (RFC 4055 section 3.1)."""
    oid = found.signature_algorithm_oid
    name = _SIGNATURES.get(oid.dotted_string, oid.dotted_string)
    digest = found.signature_hash_algorithm if oid == SignatureAlgorithmOID.RSASSA_PSS else None
    return name if digest is None else f"{name}-with-{digest.name}"


def _purposes(found: x509.Certificate) -> tuple[str, ...]:
    """KeyPurposeIds (RFC 5280 section 4.2.1.12) in order, those that are known by their names."""
    try:
        usage = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(_PURPOSES.get(oid.dotted_string, oid.dotted_string) for oid in usage)


def _key(found: x509.Certificate) -> tuple[str, int, str | None]:
    """Type, size in bits and curve of the public key; `other` and 0 for a type not known here."""
    try:
        key = found.public_key()
    except UnsupportedAlgorithm:
        return "other", 0, None
    match key:
        case rsa.RSAPublicKey():
            return "rsa", key.key_size, None
        case ec.EllipticCurvePublicKey():
            return "ec", key.key_size, key.curve.name
        case ed25519.Ed25519PublicKey():
            return "ed25519", 256, None
        case ed448.Ed448PublicKey():
            return "ed448", 456, None
        case dsa.DSAPublicKey():
            return "dsa", key.key_size, None
        case _:
            return "other", 0, None


def public_key_info(tbs: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a TBSCertificate, octet for octet as it is in the certificate.

    RFC 5280 section 4.1: it comes after version (optional, tag [0]), serialNumber, signature,
    issuer, validity and subject. A re-encoded key could differ from what DANE compares
    (RFC 6698 section 2.1.2). Raises ValueError.
    """
    start, _ = _element(tbs, 0)
    position = start
    fields = 6 if tbs[start : start + 1] == b"\xa0" else 5
    for _ in range(fields):
        _, position = _element(tbs, position)
    _, end = _element(tbs, position)
    return tbs[position:end]


def _element(der: bytes, position: int) -> tuple[int, int]:
    """Where the contents of the DER element at `position` start and end (X.690 section 8.1)."""
    header = der[position : position + 2]
    if len(header) < 2:
        raise ValueError("DER ends too early")
    start, length = position + 2, header[1]
    if length & 0x80:
        octets = der[start : start + (length & 0x7F)]
        start, length = start + len(octets), int.from_bytes(octets)
    if start + length > len(der):
        raise ValueError("DER ends too early")
    return start, start + length
