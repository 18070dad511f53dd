"""SCRAM against the vectors of RFC 5802 section 5 and RFC 7677 section 3, and hostile servers."""

import contextlib
import hmac
from base64 import b64encode
from hashlib import pbkdf2_hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.errors import ParseError
from audits.parse.scram import MAX_ITERATIONS, Scram, ServerSignatureError

SHA1_FIRST = b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
SHA256_FIRST = (
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
)


def sha1(password: str = "pencil") -> Scram:
    return Scram("sha1", "user", password, "fyko+d2lbbFgONRv9qkxdawL")


def sha256() -> Scram:
    return Scram("sha256", "user", "pencil", "rOprNGfwEbeRWgbNEkqO")


def test_sha1_exchange_of_rfc_5802() -> None:
    scram = sha1()
    assert scram.first() == b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"
    assert scram.final(SHA1_FIRST) == (
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
    )
    assert scram.iterations == 4096
    scram.verify(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")


def test_sha256_exchange_of_rfc_7677() -> None:
    scram = sha256()
    assert scram.first() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert scram.final(SHA256_FIRST) == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    scram.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def test_server_with_another_signature_is_not_believed() -> None:
    scram = sha1()
    scram.final(SHA1_FIRST)
    with pytest.raises(ServerSignatureError):
        scram.verify(b"v=" + b64encode(b"x" * 20))


def test_server_that_knows_another_password_is_not_believed() -> None:
    scram = sha1("pen")
    scram.final(SHA1_FIRST)
    with pytest.raises(ServerSignatureError):
        scram.verify(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")


def test_signature_before_its_time_is_no_signature() -> None:
    with pytest.raises(ParseError, match="no signature"):
        sha1().verify(b"v=")


def test_comma_and_equals_sign_in_a_name_are_escaped() -> None:
    assert Scram("sha1", "a,b=c", "x", "n").first() == b"n,,n=a=2Cb=3Dc,r=n"


def test_password_beyond_ascii_is_prepared_as_a_server_stores_it() -> None:
    """RFC 4013 section 3, example 4: ª is a; a soft hyphen is nothing."""
    prepared, plain = (Scram("sha1", "user", p, "fyko+d2lbbFgONRv9qkxdawL") for p in ("I­Xª", "IXa"))
    assert prepared.final(SHA1_FIRST) == plain.final(SHA1_FIRST)


def test_proof_is_what_a_server_reckons() -> None:
    """A server's side, written down once more from RFC 5802 section 3."""
    salted = pbkdf2_hmac("sha256", b"secret", b"salt", 5000)
    scram = Scram("sha256", "u", "secret", "abc")
    final = scram.final(b"r=abcdef,s=" + b64encode(b"salt") + b",i=5000").decode()
    signed = f"n=u,r=abc,r=abcdef,s={b64encode(b'salt').decode()},i=5000,c=biws,r=abcdef"
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    scram.verify(b"v=" + b64encode(hmac.digest(server_key, signed.encode(), "sha256")))
    assert final.startswith("c=biws,r=abcdef,p=")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (b"", "attributes"),
        (b"hello", "attributes"),
        (b"\xff\xfe", "UTF-8"),
        (b"m=ext,r=abcd,s=c2FsdA==,i=4096", "extension"),
        (b"r=abcd,i=4096", "lacks"),
        (b"r=abc,s=c2FsdA==,i=4096", "continue ours"),
        (b"r=xyz,s=c2FsdA==,i=4096", "continue ours"),
        (b"r=abc d,s=c2FsdA==,i=4096", "printable"),
        (b"r=abcd,s=!!,i=4096", "base64"),
        (b"r=abcd,s=,i=4096", "0 octets"),
        (b"r=abcd,s=c2FsdA==,i=0", "iterations"),
        (b"r=abcd,s=c2FsdA==,i=-5", "iterations"),
        (b"r=abcd,s=c2FsdA==,i=4294967296", "iterations"),
        (f"r=abcd,s=c2FsdA==,i={MAX_ITERATIONS + 1}".encode(), "iterations"),
    ],
)
def test_hostile_first_message_is_refused(message: bytes, words: str) -> None:
    with pytest.raises(ParseError, match=words):
        Scram("sha1", "u", "p", "abc").final(message)


@given(st.binary(max_size=200))
def test_any_octets_give_a_proof_or_a_parse_error(message: bytes) -> None:
    scram = Scram("sha1", "u", "p", "abc")
    with contextlib.suppress(ParseError):
        assert b",p=" in scram.final(message)
    with pytest.raises(ParseError):
        scram.verify(message)
