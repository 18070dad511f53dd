"""DNS names and messages."""

from contextlib import suppress

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.errors import ParseError
from audits.parse.dns_message import (
    answers_question,
    ascii_name,
    is_truncated,
    query_message,
    question_section,
    response,
    wire_name,
)

QUESTION = question_section("d.example", "MX")
RRSIG = "13 2 300 20261130000000 20261101000000 4711 d.example. " + "A" * 86 + "=="
SIGNED = (
    "d.example.|300|MX|10 mx.d.example.",
    f"d.example.|300|RRSIG|MX {RRSIG}",
)


def _message(*rrsets: str, authority: str = "", rcode: str = "NOERROR") -> dns.message.Message:
    """A response with records of the form `name ttl type rdata`."""
    message = dns.message.make_response(dns.message.from_wire(query_message(7, QUESTION)))
    message.set_rcode(dns.rcode.from_text(rcode))
    for section, text in [(message.answer, each) for each in rrsets] + [
        (message.authority, authority)
    ]:
        if text:
            name, ttl, rdtype, *rdatas = text.split("|")
            section.append(dns.rrset.from_text(name, int(ttl), "IN", rdtype, *rdatas))
    return message


SOA = "example.|300|SOA|ns.example. h.example. 1 2 3 4 60"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("D.Example.", "d.example"),
        (".", "."),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("A\\.b.example.", "a\\.b.example"),
        ("_dmarc.d.example", "_dmarc.d.example"),
    ],
)
def test_names_are_brought_into_the_form_of_facts(text: str, expected: str) -> None:
    assert ascii_name(text) == expected


@pytest.mark.parametrize("name", ["a..b", ".a", "x" * 64, ".".join(["abcdefg"] * 32), "a\\"])
def test_what_is_no_name_is_a_parse_error(name: str) -> None:
    with pytest.raises(ParseError):
        wire_name(ascii_name(name))


@pytest.mark.parametrize("name", [".", "d.example", "a\\.b.example", "a\\000\\255.example"])
def test_wire_names_are_those_of_dnspython(name: str) -> None:
    assert wire_name(name) == dns.name.from_text(name).to_wire()


def test_a_query_asks_for_ad_without_do() -> None:
    message = dns.message.from_wire(query_message(4711, QUESTION))
    assert message.id == 4711
    assert message.flags == dns.flags.RD | dns.flags.AD
    assert (message.edns, message.payload, message.ednsflags) == (0, 1232, 0)
    assert message.question[0].to_text() == "d.example. IN MX"


def test_a_query_sets_do_and_cd_where_it_is_told_to() -> None:
    wire = query_message(7, QUESTION, dnssec=True, checking_disabled=True)
    query = dns.message.from_wire(wire)
    assert query.flags == dns.flags.RD | dns.flags.AD | dns.flags.CD
    assert query.ednsflags == dns.flags.DO


def test_signatures_and_the_zone_are_read_where_they_are_asked_for() -> None:
    wire = _message(*SIGNED).to_wire()
    assert response(wire, "MX").signatures == ()
    (signature,) = response(wire, "MX", dnssec=True).signatures
    assert (signature.name, signature.covers, signature.signer) == ("d.example", "MX", "d.example")
    assert (signature.algorithm, signature.key_tag) == (13, 4711)
    assert signature.expiration.isoformat() == "2026-11-30T00:00:00+00:00"
    denied = _message(authority="d.example.|60|SOA|ns.d.example. h.d.example. 1 2 3 4 60")
    assert response(denied.to_wire(), "MX", dnssec=True).zone == "d.example"


@given(st.integers(2, 250), st.integers(0, 255))
def test_a_damaged_signed_answer_gives_a_value_or_a_parse_error(at: int, octet: int) -> None:
    wire = bytearray(_message(*SIGNED).to_wire())
    wire[at % len(wire)] = octet
    with suppress(ParseError):
        response(bytes(wire), "MX", dnssec=True)


def test_only_a_response_to_the_question_answers_it() -> None:
    wire = _message().to_wire()
    assert answers_question(wire, QUESTION)
    assert answers_question(wire.replace(b"example", b"eXaMpLe"), QUESTION)
    assert not answers_question(query_message(7, QUESTION), QUESTION)
    assert not answers_question(wire, question_section("d.example", "TXT"))
    assert not answers_question(b"\0\7\x80", QUESTION)
    bare = dns.message.Message(7)
    bare.flags |= dns.flags.QR
    assert not answers_question(bare.to_wire(), QUESTION)
    bare.set_rcode(dns.rcode.FORMERR)
    assert answers_question(bare.to_wire(), QUESTION)


def test_truncation_is_seen() -> None:
    message = _message()
    assert not is_truncated(message.to_wire())
    message.flags |= dns.flags.TC
    assert is_truncated(message.to_wire())


def test_records_are_decoded_and_the_shortest_ttl_counts() -> None:
    message = _message(
        "d.example.|300|CNAME|e.example.",
        "other.example.|1|MX|1 x.example.",
        "E.Example.|60|MX|10 mx.e.example.|20 mx2.e.example.",
    )
    message.flags |= dns.flags.AD
    said = response(message.to_wire(), "MX")
    texts = sorted(rdata.to_text() for rdata in said.rdatas)
    assert texts == ["10 mx.e.example.", "20 mx2.e.example."]
    assert said.alias_chain == ("e.example",)
    assert (said.rcode, said.ttl_s, said.authenticated) == ("NOERROR", 60, True)
    assert not said.ends_in_alias


@pytest.mark.parametrize(
    ("message", "rcode", "ttl_s"),
    [
        (_message(authority=SOA, rcode="NXDOMAIN"), "NXDOMAIN", 60),
        (_message(authority=SOA), "NOERROR", 60),
        (_message(), "NOERROR", 0),
        (_message(authority=SOA.replace("|300|", "|30|")), "NOERROR", 30),
        (_message(authority=SOA.replace(" 60", " 4294967295")), "NOERROR", 300),
    ],
)
def test_absence_holds_as_long_as_the_soa_says(
    message: dns.message.Message, rcode: str, ttl_s: int
) -> None:
    said = response(message.to_wire(), "MX")
    assert (said.rcode, said.ttl_s, said.rdatas) == (rcode, ttl_s, ())


def test_an_alias_without_the_rest_is_to_be_asked_on_for() -> None:
    alias = "d.example.|300|CNAME|e.example."
    assert response(_message(alias).to_wire(), "MX").ends_in_alias
    assert not response(_message(alias, authority=SOA).to_wire(), "MX").ends_in_alias
    assert not response(_message(alias, rcode="NXDOMAIN").to_wire(), "MX").ends_in_alias


def test_extended_errors_and_extended_rcodes_are_read() -> None:
    message = _message()
    options = [
        dns.edns.EDEOption(dns.edns.EDECode.DNSSEC_BOGUS, "expired"),
        dns.edns.GenericOption(10, b"cookie"),
        dns.edns.GenericOption(15, b"\xff\xfe"),
    ]
    message.use_edns(0, options=options)
    message.set_rcode(dns.rcode.BADVERS)
    said = response(message.to_wire(), "MX")
    assert said.rcode == "BADVERS"
    assert said.extended_errors == ("6 DNSSEC BOGUS (expired)", "65534")


def test_compression_that_does_not_end_is_malformed() -> None:
    looping = _message().to_wire()[: 12 + len(QUESTION)]
    record = b"\xc0" + bytes((len(looping),)) + b"\0\x0f\0\1\0\0\0\1\0\0"
    with pytest.raises(ParseError, match="compressed"):
        response(looping[:6] + b"\0\1\0\0\0\0" + looping[12:] + record, "MX")


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_any_octets_give_a_value_or_a_parse_error(data: bytes) -> None:
    wire = query_message(1, QUESTION)[:2] + b"\x81\x80" + data
    for kind in ("MX", "TXT", "A"):
        with suppress(ParseError):
            assert response(wire, kind).rcode


@settings(max_examples=200)
@given(st.integers(2, 200), st.integers(0, 255))
def test_a_damaged_answer_gives_a_value_or_a_parse_error(at: int, octet: int) -> None:
    wire = bytearray(
        _message(
            "d.example.|300|CNAME|e.example.", "e.example.|60|MX|10 mx.e.example.", authority=SOA
        ).to_wire()
    )
    wire[at % len(wire)] = octet
    with suppress(ParseError):
        assert response(bytes(wire), "MX").rcode
