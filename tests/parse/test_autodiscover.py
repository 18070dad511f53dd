"""Autodiscover: what is asked, what is read, and what is refused."""

from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.errors import ParseError
from audits.facts.autoconfig import ClientServer
from audits.parse.autodiscover import Discovery, discovery, request
from tests.parse.test_autoconfig import BOMB, FILE

_NS = "http://schemas.microsoft.com/exchange/autodiscover"
_OPEN = f"""<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="{_NS}/responseschema/2006">
 <Response xmlns="{_NS}/outlook/responseschema/2006a">
  <Account><AccountType>email</AccountType><Action>settings</Action>"""
_CLOSE = "</Account></Response></Autodiscover>"


def response(*protocols: str, more: str = "") -> bytes:
    """A response with these contents of Protocol elements."""
    inside = "".join(f"<Protocol>{each}</Protocol>" for each in protocols)
    return f"{_OPEN}{inside}{more}{_CLOSE}".encode()


IMAP = "<Type>IMAP</Type><Server>IMAP.Example.Net</Server><Port>993</Port><SSL>on</SSL>"
SMTP = "<Type>SMTP</Type><Server>submit.example.net</Server><Port>587</Port>"


def test_the_question_is_for_no_person() -> None:
    root = fromstring(request("d.example"))
    texts = [element.text for element in root.iter() if element.text]
    assert texts == ["postmaster@d.example", f"{_NS}/outlook/responseschema/2006a"]


def test_servers_for_mail_programs_are_read_and_others_left_out() -> None:
    other = "<Type>EXCH</Type><Server>ex.example.net</Server>"
    found = discovery(response(IMAP, other, SMTP + "<Encryption>TLS</Encryption><SPA>on</SPA>"))
    assert found.elsewhere is None
    assert found.servers == (
        ClientServer("incoming", "imap", "imap.example.net", "993", "SSL", ()),
        ClientServer("outgoing", "smtp", "submit.example.net", "587", "STARTTLS", ("SPA",)),
    )


@pytest.mark.parametrize(
    ("words", "socket_type"),
    [
        ("", "SSL"),
        ("<SSL>on</SSL>", "SSL"),
        ("<SSL>off</SSL>", "plain"),
        ("<SSL>off</SSL><Encryption>SSL</Encryption>", "SSL"),
        ("<SSL>on</SSL><Encryption>None</Encryption>", "plain"),
        ("<Encryption>tls</Encryption>", "STARTTLS"),
        ("<Encryption>Auto</Encryption>", "Auto"),
    ],
)
def test_encryption_outranks_ssl_which_is_on_by_default(words: str, socket_type: str) -> None:
    (server,) = discovery(response(SMTP + words)).servers
    assert server.socket_type == socket_type


def test_a_redirection_is_told_and_an_error_holds_no_servers() -> None:
    moved = "<Action>redirectUrl</Action><RedirectUrl> https://x.example/a.xml </RedirectUrl>"
    assert discovery(response(more=moved)) == Discovery((), "https://x.example/a.xml")
    error = f"""<Autodiscover xmlns="{_NS}/responseschema/2006"><Response><Error Id="1">
        <ErrorCode>500</ErrorCode><Message>no such mailbox</Message></Error></Response>
        </Autodiscover>"""
    assert discovery(error.encode()) == Discovery((), None)


@pytest.mark.parametrize(
    "document", [b"", b"<html>", b"<html/>", BOMB, FILE, b"x" * 70_000, response(*[SMTP] * 51)]
)
def test_anything_else_is_refused(document: bytes) -> None:
    with pytest.raises(ParseError):
        discovery(document)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode)))
def test_any_octets_give_servers_or_a_parse_error(document: bytes) -> None:
    for whole in (document, _OPEN.encode() + document + _CLOSE.encode()):
        try:
            found = discovery(whole)
        except ParseError:
            continue
        assert isinstance(found, Discovery)
