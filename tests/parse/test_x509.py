import hashlib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.demo.certificates import Authority, Credentials, short_rsa_key
from audits.errors import ParseError
from audits.facts.tls import Certificate
from audits.parse.x509 import matches, parse_certificate, pem_certificates

NOW = datetime(2026, 6, 1, tzinfo=UTC)
AUTHORITY = Authority(now=NOW)


def loaded(credentials: Credentials) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(credentials.chain)


def parsed(credentials: Credentials) -> Certificate:
    return parse_certificate(loaded(credentials)[0].public_bytes(Encoding.DER))


GOOD = loaded(AUTHORITY.issue("mx.example.net", "192.0.2.1", "2001:db8::1"))[0]
GOOD_DER = GOOD.public_bytes(Encoding.DER)


def test_a_certificate_is_read_field_by_field() -> None:
    found = parse_certificate(GOOD_DER)
    assert found.subject == "CN=mx.example.net"
    assert found.issuer == "CN=Demo CA intermediate"
    assert found.serial == f"{GOOD.serial_number:x}"
    assert found.dns_names == ("mx.example.net",)
    assert found.ip_addresses == ("192.0.2.1", "2001:db8::1")
    assert found.not_before == datetime(2026, 5, 31, tzinfo=UTC)
    assert found.not_after == datetime(2026, 8, 30, tzinfo=UTC)
    assert (found.key_type, found.key_bits, found.curve) == ("ec", 256, "secp256r1")
    assert found.signature_algorithm == "ecdsa-with-sha256"
    assert (found.is_ca, found.self_issued) == (False, False)
    assert found.sha256 == hashlib.sha256(GOOD_DER).hexdigest()


def test_digest_of_the_key_is_that_of_its_info() -> None:
    info = GOOD.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert parse_certificate(GOOD_DER).spki_sha256 == hashlib.sha256(info).hexdigest()


def test_roots_are_authorities_and_self_issued() -> None:
    root = parse_certificate(AUTHORITY.root.public_bytes(Encoding.DER))
    assert (root.is_ca, root.self_issued) == (True, True)


def crafted(
    *, purposes: tuple[str, ...] = (), pss: hashes.HashAlgorithm | None = None
) -> Certificate:
    """A certificate of an authority of one key, with what the others do not have."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.example.net")])
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), 7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
    )
    if purposes:
        usage = x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in purposes])
        builder = builder.add_extension(usage, critical=False)
    scheme = None if pss is None else padding.PSS(padding.MGF1(pss), pss.digest_size)
    made = builder.sign(key, pss or hashes.SHA256(), rsa_padding=scheme)
    return parse_certificate(made.public_bytes(Encoding.DER))


def test_purposes_are_read_by_name_where_they_have_one() -> None:
    oids = ("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.2.3.4")
    assert crafted(purposes=oids).eku == ("serverAuth", "clientAuth", "1.2.3.4")
    assert crafted().eku == ()


def test_the_digest_of_an_rsa_pss_signature_is_named() -> None:
    assert crafted(pss=hashes.SHA384()).signature_algorithm == "rsassa-pss-with-sha384"
    assert crafted().signature_algorithm == "rsa-with-sha256"


def test_a_short_rsa_key_is_seen() -> None:
    found = parsed(AUTHORITY.issue("mx.example.net", key=short_rsa_key()))
    assert (found.key_type, found.key_bits, found.curve) == ("rsa", 1024, None)


def test_a_self_signed_certificate_is_self_issued() -> None:
    assert parsed(AUTHORITY.self_signed("mx.example.net")).self_issued


@pytest.mark.parametrize("der", [b"", b"\x30", b"\x30\x82\xff\xff", b"junk" * 50, GOOD_DER[:-1]])
def test_broken_der_is_a_parse_error(der: bytes) -> None:
    with pytest.raises(ParseError, match="malformed"):
        parse_certificate(der)


@settings(deadline=None)
@given(place=st.integers(0, len(GOOD_DER) - 1), octet=st.integers(0, 255))
def test_any_changed_octet_gives_a_certificate_or_a_parse_error(place: int, octet: int) -> None:
    der = GOOD_DER[:place] + bytes([octet]) + GOOD_DER[place + 1 :]
    try:
        found: Certificate | None = parse_certificate(der)
    except ParseError:
        found = None
    assert found is None or found.sha256 == hashlib.sha256(der).hexdigest()


@pytest.mark.parametrize(
    ("held", "name", "expected"),
    [
        ("mx.example.net", "mx.example.net", True),
        ("MX.Example.net", "mx.example.NET", True),
        ("mx.example.net", "mx.example.net.", True),
        ("mx.example.net", "mx.example.org", False),
        ("example.net", "mx.example.net", False),
        ("*.example.net", "mx.example.net", True),
        ("*.example.net", "a.mx.example.net", False),
        ("*.example.net", "example.net", False),
        ("m*.example.net", "mx.example.net", False),
        ("*x.example.net", "mx.example.net", False),
        ("mx.*.net", "mx.example.net", False),
        ("*", "localhost", False),
        ("*.example.net", ".example.net", False),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", True),
        ("*.xn--bcher-kva.example", "mx.xn--bcher-kva.example", True),
        ("192.0.2.1", "192.0.2.1", False),
    ],
)
def test_names_match_by_label(held: str, name: str, expected: bool) -> None:
    certificate = msgspec.structs.replace(
        parse_certificate(GOOD_DER), dns_names=(held,), ip_addresses=()
    )
    assert matches(certificate, name) is expected


def test_an_address_matches_an_address_of_the_san_only() -> None:
    certificate = parse_certificate(GOOD_DER)
    assert matches(certificate, "192.0.2.1")
    assert matches(certificate, "2001:DB8:0::1")
    assert not matches(certificate, "192.0.2.2")


def test_the_common_name_does_not_count() -> None:
    certificate = msgspec.structs.replace(parse_certificate(GOOD_DER), dns_names=())
    assert certificate.subject == "CN=mx.example.net"
    assert not matches(certificate, "mx.example.net")


def test_certificates_of_a_text_are_found_in_their_order() -> None:
    issued = AUTHORITY.issue("mx.example.net")
    text = f"Bag Attributes: none\n{issued.chain.decode()}trailing words\n"
    found, malformed = pem_certificates(text)
    assert [each.subject for each in found] == ["CN=mx.example.net", "CN=Demo CA intermediate"]
    assert malformed is None


def test_broken_certificate_of_a_text_is_told_beside_the_others() -> None:
    whole = AUTHORITY.issue("mx.example.net").chain.decode()
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    found, malformed = pem_certificates(broken + whole)
    assert len(found) == 2
    assert malformed is not None
    assert "malformed" in malformed


@settings(deadline=None)
@given(st.text())
def test_any_text_is_searched_for_certificates(text: str) -> None:
    pem_certificates(f"-----BEGIN CERTIFICATE-----{text}-----END CERTIFICATE-----")
