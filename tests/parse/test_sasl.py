"""The mechanisms of a login, message by message."""

import contextlib
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.errors import ParseError
from audits.parse.sasl import PREFERRED, chosen, decoded, disguises, encoded, mechanism


def test_mechanism_that_shows_least_is_chosen() -> None:
    assert chosen(("LOGIN", "plain", "SCRAM-SHA-1")) == "SCRAM-SHA-1"
    assert chosen(("LOGIN", "plain")) == "PLAIN"
    assert chosen(("GSSAPI", "XOAUTH2")) is None
    assert chosen(("SCRAM-SHA-256", "PLAIN"), ("PLAIN", "LOGIN")) == "PLAIN"


def test_plain_says_all_at_once_and_once_more_where_the_server_asks() -> None:
    plain = mechanism("PLAIN", "tim", "tanstaaftanstaaf", "")
    assert plain.initial == b"\0tim\0tanstaaftanstaaf"  # RFC 4616 section 4
    assert plain.respond(b"") == plain.initial
    with pytest.raises(ParseError, match="goes on asking"):
        plain.respond(b"")


def test_login_gives_name_then_password() -> None:
    login = mechanism("LOGIN", "tim", "pass", "")
    assert login.initial is None
    assert [login.respond(b"Username:"), login.respond(b"garbage")] == [b"tim", b"pass"]
    with pytest.raises(ParseError, match="goes on asking"):
        login.respond(b"")


def test_scram_is_over_once_the_server_has_proved_itself() -> None:
    scram = mechanism("SCRAM-SHA-256", "user", "pencil", "rOprNGfwEbeRWgbNEkqO")
    assert (scram.unproven, scram.iterations) == (True, None)
    scram.respond(
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    )
    assert (scram.unproven, scram.iterations) == (True, 4096)
    assert scram.respond(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=") == b""
    assert not scram.unproven
    with pytest.raises(ParseError, match="goes on asking"):
        scram.respond(b"")


def test_unknown_mechanism_is_refused() -> None:
    with pytest.raises(ParseError, match="expected one of"):
        mechanism("CRAM-MD5", "u", "p", "n")


def test_challenge_that_is_no_base64_is_refused_and_not_quoted() -> None:
    assert decoded(("VXNlcm5hbWU6",)) == b"Username:"
    assert decoded(("",)) == b""
    with pytest.raises(ParseError) as caught:
        decoded(("not base64!",))
    assert "not base64!" not in str(caught.value)


@given(st.text(min_size=9, max_size=40), st.binary(max_size=20), st.binary(max_size=20))
def test_disguised_password_is_found_inside_any_encoded_message(
    password: str, before: bytes, after: bytes
) -> None:
    message = b64encode(before + password.encode() + after).decode()
    assert any(form in message for form in disguises("user", password))


@pytest.mark.parametrize("name", PREFERRED)
@given(challenges=st.lists(st.binary(max_size=60), min_size=4, max_size=4))
def test_any_challenges_come_to_an_end(name: str, challenges: list[bytes]) -> None:
    exchange = mechanism(name, "user", "pencil", "abc")
    answered = 0
    with contextlib.suppress(ParseError):
        for challenge in challenges:
            exchange.respond(challenge)
            answered += 1
    assert answered <= 2


def test_secret_that_is_no_text_is_refused() -> None:
    odd = b"se\xffcret".decode("utf-8", "surrogateescape")
    assert disguises("user", odd)
    with pytest.raises(ParseError):
        mechanism("PLAIN", "user", odd, "")


@pytest.mark.parametrize("name", PREFERRED)
def test_odd_credentials_are_refused_and_not_quoted(name: str) -> None:
    with pytest.raises(ParseError) as caught:
        mechanism(name, "user", "se\u0007cret", "nonce")
    assert "cret" not in str(caught.value)
    assert encoded(b"") == ""
