"""Automatic configuration: what is read, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.errors import ParseError
from audits.facts.autoconfig import ClientServer
from audits.parse.autoconfig import autoconfig
from audits.parse.plain_xml import MAX_BYTES

GOOD = b"""<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="example.net">
    <domain>example.net</domain>
    <incomingServer type="imap">
      <hostname>IMAP.example.net</hostname> <port>993</port> <socketType>SSL</socketType>
      <authentication>OAuth2</authentication><authentication>password-cleartext</authentication>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>submit.example.net</hostname><port>465</port><socketType>SSL</socketType>
    </outgoingServer>
  </emailProvider>
</clientConfig>"""
BOMB = b"""<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<clientConfig><emailProvider>&b;</emailProvider></clientConfig>"""
FILE = b"""<!DOCTYPE x SYSTEM "file:///etc/passwd"><clientConfig/>"""


def test_servers_of_both_directions_are_read() -> None:
    assert autoconfig(GOOD).servers == (
        ClientServer(
            "incoming", "imap", "imap.example.net", "993", "SSL", ("OAuth2", "password-cleartext")
        ),
        ClientServer("outgoing", "smtp", "submit.example.net", "465", "SSL", ()),
    )


def test_what_is_missing_is_empty() -> None:
    document = b"<clientConfig><emailProvider><incomingServer/></emailProvider></clientConfig>"
    assert autoconfig(document).servers == (ClientServer("incoming", "", "", "", "", ()),)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (BOMB, "document type"),
        (FILE, "document type"),
        (b"<html><body>not found</body></html>", "its root is html"),
        (b"<clientConfig>", "no XML"),
        (b"", "no XML"),
        (b"\xff\xfe\x00", "no XML"),
        (b"<?xml version='1.0' encoding='nonsense'?><clientConfig/>", "no XML"),
        (b" " * (MAX_BYTES + 1), "more than 65536 bytes"),
        (
            b"<clientConfig><emailProvider>"
            + b"<incomingServer/>" * 51
            + b"</emailProvider></clientConfig>",
            "more than 50 servers",
        ),
    ],
)
def test_anything_else_is_refused(document: bytes, why: str) -> None:
    with pytest.raises(ParseError, match=why):
        autoconfig(document)


@settings(max_examples=300)
@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda t: f"<clientConfig>{t}".encode()))
def test_any_octets_give_a_configuration_or_the_parse_error(document: bytes) -> None:
    try:
        read = autoconfig(document)
    except ParseError:
        return
    assert isinstance(read.servers, tuple)
