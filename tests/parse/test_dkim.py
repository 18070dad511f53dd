"""DKIM key records."""

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.facts.dns import DkimSelector
from audits.parse.dkim import dkim_key, selector_fault
from tests.build import answer

# A key nobody would make today; cryptography generates none below 1024 bits.
RSA_512 = (
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALtYjZhaQXGf5l79odIEf47fiwXDD3GXWiZsSLNJv400VUtjtQOerlMgOKZV"
    "3aCVVfZLnBoOl++rTeMvkSgmNRcCAwEAAQ=="
)
KEY = rsa.generate_private_key(65537, 1024)
PUBLIC = KEY.public_key()
LONG = rsa.generate_private_key(65537, 2048).public_key()
ED = ed25519.Ed25519PrivateKey.generate()


def _text(data: bytes) -> str:
    return b64encode(data).decode()


SPKI = _text(PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
SPKI_2048 = _text(LONG.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
PKCS1 = _text(PUBLIC.public_bytes(Encoding.DER, PublicFormat.PKCS1))
ED_RAW = _text(ED.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
ED_SPKI = _text(ED.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
EC_SPKI = _text(
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)


@pytest.mark.parametrize(
    ("text", "form", "bits"),
    [
        (f"p={SPKI}", "spki", 1024),
        (f"v=DKIM1; k=rsa; p={SPKI_2048}", "spki", 2048),
        (f"v=DKIM1; p={RSA_512};", "spki", 512),
        (f"v=DKIM1; p={PKCS1}", "pkcs1", 1024),
        (f"v=DKIM1; k=RSA; p={SPKI}", "spki", 1024),
        pytest.param(f"v=DKIM1; k=ed25519; p={ED_RAW}", "raw", 256, id="ed25519"),
        (f"v=DKIM1; p={SPKI[:50]} \r\n {SPKI[50:90]}\t{SPKI[90:]}", "spki", 1024),
    ],
)
def test_the_size_comes_from_the_key(text: str, form: str, bits: int) -> None:
    key = dkim_key(text)
    assert (key.form, key.bits, key.malformed) == (form, bits, None)
    assert key.key_sha256 is not None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"k=rsa; v=DKIM1; p={SPKI}", "v= is not the first tag"),
        (f"v=dkim1; p={SPKI}", "v=dkim1 is not v=DKIM1"),
        ("v=DKIM1; k=rsa", "tag p is missing"),
        (f"p=; p={SPKI}", "tag p is given twice"),
        ("v=DKIM1; p=!!!", "tag p is not base64"),
        ("v=DKIM1; p=AAAA", "tag p holds no RSA public key"),
        (f"v=DKIM1; p={EC_SPKI}", "tag p holds a key that is not RSA"),
        (f"v=DKIM1; k=ecdsa; p={EC_SPKI}", 'k="ecdsa" is not a key type of DKIM'),
        pytest.param(
            f"v=DKIM1; k=ed25519; p={ED_SPKI}",
            "the Ed25519 key is wrapped in SubjectPublicKeyInfo: publish its last 32 octets",
            id="wrapped",
        ),
        ("v=DKIM1; k=ed25519; p=AAAA", "tag p holds 3 octets, an Ed25519 key has 32"),
        (f"v=DKIM1; k=ed25519; p={SPKI}", "tag p holds a key that is not Ed25519"),
        (
            f"v=DKIM1\\; p={SPKI}",
            "a backslash stands before the semicolon after tag v: remove it",
        ),
        (
            f"v=DKIM1; k=rsa\\; p={SPKI}",
            "a backslash stands before the semicolon after tag k: remove it",
        ),
        (f'"v=DKIM1; p={SPKI}"', "quotation marks stand around the text: remove them"),
        ("verification-code", '"verification-code" is not a tag'),
    ],
)
def test_faults_are_named(text: str, fault: str) -> None:
    assert dkim_key(text).malformed == fault


def test_an_empty_p_is_a_revoked_key_and_no_fault() -> None:
    key = dkim_key("v=DKIM1; p=")
    assert key.revoked
    assert key.malformed is None
    assert (key.form, key.bits, key.key_sha256) == (None, None, None)


def test_lists_are_taken_apart() -> None:
    key = dkim_key(f"v=DKIM1; h=sha1 : sha256; s=email:foo; t=y:s; p={SPKI}")
    assert key.hashes == ("sha1", "sha256")
    assert key.services == ("email", "foo")
    assert key.flags == ("y", "s")
    assert dkim_key(f"p={SPKI}").hashes == ()


def test_equal_keys_have_equal_digests_whatever_their_folding() -> None:
    folded = dkim_key(f"p={SPKI[:9]} {SPKI[9:]}")
    assert folded.key_sha256 == dkim_key(f"v=DKIM1;p={SPKI}").key_sha256


def test_equal_keys_have_equal_digests_whatever_their_form() -> None:
    bare, wrapped = dkim_key(f"p={PKCS1}"), dkim_key(f"p={SPKI}")
    assert (bare.form, wrapped.form) == ("pkcs1", "spki")
    assert bare.key_sha256 == wrapped.key_sha256


def test_exponent_and_weakness_are_read_from_the_key() -> None:
    numbers = PUBLIC.public_numbers()
    odd = rsa.RSAPublicNumbers(3, numbers.n * 3).public_key()
    key = dkim_key(f"p={_text(odd.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))}")
    assert (key.exponent, key.weakness) == (3, "the modulus is divisible by 3")
    sound = dkim_key(f"p={SPKI}")
    assert (sound.exponent, sound.weakness) == (65537, None)
    huge = rsa.RSAPublicNumbers(2**100 + 1, numbers.n).public_key()
    key = dkim_key(f"p={_text(huge.public_bytes(Encoding.DER, PublicFormat.PKCS1))}")
    assert (key.exponent, key.bits) == (None, 1024)


@pytest.mark.parametrize(
    ("texts", "rcode", "fault"),
    [
        ((f"p={SPKI}",), "NOERROR", None),
        ((), "NXDOMAIN", "has no key (NXDOMAIN)"),
        ((f"p={SPKI}", "p="), "NOERROR", "has 2 TXT records"),
        (("p=",), "NOERROR", "has no usable key: it is revoked"),
        (("p=?",), "NOERROR", "has no usable key: tag p is not base64"),
        ((f"s=x; p={SPKI}",), "NOERROR", "has no usable key: s=x does not allow mail"),
    ],
)
def test_selector_without_usable_key_is_told(
    texts: tuple[str, ...], rcode: str, fault: str | None
) -> None:
    keys = tuple(map(dkim_key, texts))
    assert selector_fault(DkimSelector("s", "s", (), answer("s", rcode), keys, None)) == fault
    assert selector_fault(DkimSelector("s", "s", (), None, keys, None)) is None


@pytest.mark.parametrize(
    "published",
    [
        _text(KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
        _text(KEY.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())),
        KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    ],
)
def test_a_private_key_is_reported_and_dropped(published: str) -> None:
    key = dkim_key(f"v=DKIM1; p={published}")
    assert key.malformed == "a private key is published"
    assert key.private
    assert published[40:80] not in repr(key)


@settings(max_examples=200)
@given(st.text())
def test_any_text_gives_a_value(text: str) -> None:
    assert dkim_key(text).algorithm


@settings(max_examples=200)
@given(st.binary(), st.sampled_from(["rsa", "ed25519", "x"]))
def test_any_octets_in_p_give_a_value(data: bytes, algorithm: str) -> None:
    assert dkim_key(f"k={algorithm}; p={_text(data)}").algorithm == algorithm


@settings(max_examples=200)
@given(st.integers(0, 161), st.integers(0, 255))
def test_a_damaged_key_gives_a_value(at: int, octet: int) -> None:
    der = bytearray(PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    der[at] = octet
    assert dkim_key(f"p={_text(bytes(der))}").algorithm == "rsa"
