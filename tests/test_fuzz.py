"""Anything at all from the DNS or a policy host gives a fact or a ParseError, and nothing else.

MAILPROOF_EXAMPLES says how many examples each law is tried on.
"""

import os
import struct
from typing import Any

import msgspec
from dns.rdtypes.ANY.CAA import CAA
from dns.rdtypes.ANY.TLSA import TLSA
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audits.collect.live.resolver import Reply
from audits.collect.live.txt import texts
from audits.errors import ParseError
from audits.facts.dns import Answer, DmarcStep, DmarcWalk
from audits.facts.fact import Reason, Silence
from audits.facts.spf import SpfCheck, SpfCost
from audits.parse.bimi import bimi_records
from audits.parse.caa import caa_record, permitted
from audits.parse.dkim import dkim_key
from audits.parse.dmarc import dmarc_records, organizational_domain, report_uris, walk_domains
from audits.parse.dmarc_policy import effective_policy, subdomain_policy
from audits.parse.dns_message import ascii_name, rdtype_code, response
from audits.parse.mta_sts import covers, sts_policy, sts_records
from audits.parse.spf import spf_records, spf_targets
from audits.parse.spf_cost import worst_case
from audits.parse.spf_eval import answered, check_host
from audits.parse.spf_trace import Question, Records
from audits.parse.tlsa import tlsa_record, unusable
from audits.parse.tlsrpt import mailto_domains, tlsrpt_records
from audits.subject import Domain

EXAMPLES = int(os.environ.get("MAILPROOF_EXAMPLES", "300"))
law = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=False,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# Pieces of what TXT records and policies are written in, to get past their first word.
_PIECES = (
    b"v=spf1 v=spf1 V=SPF1 v=DMARC1; v=DKIM1; v=STSv1; v=TLSRPTv1; v=BIMI1; version:STSv1 "
    b"include: redirect= exp= exists: a mx ptr all ip4: ip6: ~ - ? + %{d} %{i} %{ir} %{h10r.-} %% "
    b"%_ %- % /0 /24 //64 /33 //129 192.0.2.1 2001:db8::1 example.com _spf.example.com "
    b"p=none p=reject p= sp=quarantine np= t=y psd=y psd=n rua=mailto:a@example.com rua= ruf= !10m "
    b"adkim=s aspf=r fo=1:d:s pct=50 k=rsa k=ed25519 h=sha256 h=sha1 s=email s=* t=s n= g= "
    b"id=20260101 l=https://example.com/l.svg a= mode:enforce mode:testing mx:*.example.com "
    b'max_age:604800 max_age:0 version mode mx max_age : = ; , \\; " MIIBIjANBgkqhkiG9w0BAQEFAAOC'
).split()
_LINE = [
    b" ",
    b"\r\n",
    b"\n",
    b"\r",
    b"\t",
    b";",
    b"\0",
    b"\x7f",
    b"\xff",
    b"\xc3\xa9",
    b"\xe2\x80\xae",
]
_piece = st.one_of(
    st.sampled_from([*_PIECES, *_LINE]), st.sampled_from(_LINE), st.binary(max_size=6)
)
octets = st.one_of(
    st.binary(max_size=700),
    st.lists(_piece, max_size=40).map(b"".join),
    st.lists(_piece, max_size=30).map(b" ".join),
    st.tuples(st.sampled_from(_PIECES[:8]), st.lists(_piece, max_size=30).map(b" ".join)).map(
        b" ".join
    ),
)
# What an SPF evaluation may be told; a mapped address is one that a AAAA record can hold.
_ANSWERS = {
    "A": ("192.0.2.9", "192.0.2.1"),
    "AAAA": ("2001:db8::9", "::ffff:192.0.2.1"),
    "MX": ("mail.example.com", "."),
    "PTR": ("mail.example.com", "example.com"),
}
TYPES = ("TXT", "MX", "TLSA", "CAA", "SRV", "PTR", "CNAME", "DS", "DNSKEY", "SOA", "A", "AAAA")


def message(rdtype: str, *rdatas: bytes) -> bytes:
    """A response with these rdatas, whatever is in them (RFC 1035 section 4.1)."""
    name = b"\7example\3com\0"
    code = int(rdtype_code(rdtype))
    records = b"".join(
        b"\xc0\x0c" + struct.pack("!HHIH", code, 1, 300, len(rdata)) + rdata for rdata in rdatas
    )
    header = struct.pack("!HHHHHH", 1, 0x8180, 1, len(rdatas), 0, 0)
    return header + name + struct.pack("!HH", code, 1) + records


def strings(text: bytes) -> bytes:
    """As the strings of one TXT record (RFC 1035 section 3.3.14)."""
    parts = [text[i : i + 255] for i in range(0, len(text), 255)] or [b""]
    return b"".join(bytes([len(part)]) + part for part in parts)


def published(*records: bytes) -> tuple[str, ...]:
    """The texts that a resolver finds, having gone over the wire."""
    said = response(message("TXT", *map(strings, records)), "TXT")
    answer = Answer("example.com", said.rcode, said.authenticated, (), said.ttl_s)
    return texts(Reply(answer, said.alias_chain, said.rdatas))


def assert_storable(value: Any) -> None:
    """What is seen has to survive the file that it is kept in."""
    assert msgspec.json.decode(msgspec.json.encode(value), type=type(value)) == value


@law
@given(st.sampled_from(TYPES), st.lists(st.binary(max_size=120), max_size=3), st.booleans())
def test_any_rdata_is_read_or_refused(rdtype: str, rdatas: list[bytes], dnssec: bool) -> None:
    wire = message(rdtype, *rdatas)
    try:
        said = response(wire, rdtype, dnssec=dnssec)
    except ParseError:
        return
    for rdata in said.rdatas:
        assert isinstance(rdata.to_text(), str)
        if isinstance(rdata, TLSA):
            record = tlsa_record(rdata.usage, rdata.selector, rdata.mtype, rdata.cert)
            assert record.malformed is None or unusable(record) is not None
            assert_storable(record)
        if isinstance(rdata, CAA):
            assert_storable(caa_record(rdata.flags, rdata.tag, rdata.value))


@law
@given(st.binary(max_size=300))
def test_any_datagram_is_read_or_refused(wire: bytes) -> None:
    for rdtype in ("TXT", "CAA", "TLSA"):
        try:
            assert response(wire, rdtype, dnssec=True).ttl_s >= 0
        except ParseError:
            continue


@law
@given(octets, octets)
def test_any_texts_are_records_of_every_kind_or_none(one: bytes, other: bytes) -> None:
    found = published(one, other)
    assert len(found) == (1 if one == other else 2)
    for records in (
        spf_records(found),
        dmarc_records(found),
        sts_records(found),
        tlsrpt_records(found),
        bimi_records(found),
    ):
        for record in records:
            assert record.text in found
            assert_storable(record)
    for key in map(dkim_key, found):
        assert key.private or key.text in found
        assert_storable(key)
    for record in tlsrpt_records(found):
        assert isinstance(mailto_domains(record.rua), tuple)


@law
@given(octets, octets)
def test_any_dmarc_records_leave_a_policy_or_none(own: bytes, above: bytes) -> None:
    names = walk_domains("mail.example.com")
    found = [published(own), published(above), ()]
    steps = tuple(
        DmarcStep(Answer(f"_dmarc.{name}", "NOERROR", False, (), 300), each, dmarc_records(each))
        for name, each in zip(names, found, strict=True)
    )
    organizational = organizational_domain("mail.example.com", steps)
    assert organizational in names
    walk = DmarcWalk(Domain("mail.example.com"), steps, organizational)
    for exists in (True, False):
        for policy in (
            effective_policy(walk, exists=exists),
            subdomain_policy(walk, exists=exists),
        ):
            assert policy is None or policy.level in ("none", "quarantine", "reject")
    for record in (record for step in steps for record in step.records):
        assert all(isinstance(uri.uri, str) for uri, _ in report_uris(record))


@law
@given(octets, st.lists(octets, max_size=3), st.sampled_from(["192.0.2.1", "2001:db8::1"]))
def test_any_spf_records_are_evaluated_within_limits(
    own: bytes, others: list[bytes], address: str
) -> None:
    bodies = [b"v=spf1 " + each for each in others]
    asked: list[Question] = []

    def answer(question: Question) -> Records | Silence:
        asked.append(question)
        place = len(asked)
        ascii_name(question.name)
        if question.rdtype == "TXT":
            texts_at = [b"v=spf1 " + own] if place == 1 else bodies[place % 3 : place % 3 + 1]
            return Records("NOERROR", published(*texts_at) if texts_at else ())
        if place % 5 == 4:
            return Silence(Reason.SERVFAIL, "no")
        if place % 3 == 2:
            return Records("NXDOMAIN", ())
        return Records("NOERROR", _ANSWERS[question.rdtype])

    for spf in spf_records(published(b"v=spf1 " + own)):
        assert all(isinstance(target, str) for _, target in spf_targets([spf]))
    sender = "a@example.com"
    check: SpfCheck = answered(check_host(address, sender, "mail.example.com"), answer)
    assert check.lookups <= 11
    assert len(asked) < 150
    assert_storable(check)
    asked.clear()
    cost: SpfCost = answered(worst_case("example.com", 4), answer)
    assert_storable(cost)


@law
@given(octets)
def test_any_policy_body_is_a_policy_or_malformed(body: bytes) -> None:
    policy = sts_policy(body.decode(errors="replace"))
    assert policy.malformed is not None or policy.mode in ("enforce", "testing", "none")
    for pattern in policy.mx:
        assert covers(pattern, "mail.example.com") in (True, False)
    assert_storable(policy)


@law
@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.binary(max_size=80))
def test_any_tlsa_fields_make_a_record(
    usage: int, selector: int, matching: int, data: bytes
) -> None:
    record = tlsa_record(usage, selector, matching, data)
    known = usage < 4 and selector < 2 and matching < 3
    assert known or record.malformed is not None
    assert (unusable(record) is None) == (record.malformed is None and usage >= 2)
    assert record.data == data.hex()


@law
@given(
    st.integers(0, 255),
    st.one_of(st.sampled_from([b"issue", b"ISSUEWILD", b"issuemail", b"iodef"]), st.binary()),
    octets,
)
def test_any_caa_fields_make_a_record(flags: int, tag: bytes, value: bytes) -> None:
    record = caa_record(flags, tag, value)
    for wildcard in (True, False):
        allowed = permitted([record], wildcard=wildcard)
        assert allowed is None or all(allowed)
    assert_storable(record)
