"""TLSA records and what they match."""

import hashlib
from datetime import timedelta

import dns.message
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dns.rdata import GenericRdata
from hypothesis import given
from hypothesis import strategies as st

from audits.demo.certificates import Authority
from audits.facts.tls import CertificateChain
from audits.parse.dns_message import response
from audits.parse.tlsa import has_data_of, match, parse_tlsa, tlsa_record, unusable, usable
from audits.parse.x509 import issuers, parse_certificate
from tests.build import AS_OF
from tests.catalog import wire
from tests.parse.test_x509 import GOOD_DER

GOOD = parse_certificate(GOOD_DER)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_data_of_a_real_certificate_match(whole: bool, matching: int) -> None:
    octets = GOOD_DER if whole else _spki()
    data = {0: octets, 1: hashlib.sha256(octets).digest(), 2: hashlib.sha512(octets).digest()}
    selector = 0 if whole else 1
    assert has_data_of(tlsa_record(3, selector, matching, data[matching]), GOOD)
    other = bytes(len(data[matching]))
    assert not has_data_of(tlsa_record(3, selector, matching, other), GOOD)
    assert not has_data_of(tlsa_record(3, 1 - selector, matching, data[matching]), GOOD)


def test_chain_without_a_leaf_matches_nothing() -> None:
    chain = CertificateChain(wire.MX, (), (wire.HOST,), None, "bad DER", ())
    found = match(tlsa_record(3, 1, 1, bytes(32)), chain, [wire.HOST], AS_OF)
    assert found.certificate is None
    assert found.fault == "bad DER"


def test_dates_of_the_trust_anchor_count() -> None:
    anchor = wire.certificate(
        subject="CN=CA", spki_sha256="2b" * 32, not_after=AS_OF - timedelta(days=1)
    )
    record = tlsa_record(2, 1, 1, bytes.fromhex("2b" * 32))
    found = match(record, wire.chain(wire.MX, wire.certificate(), anchor), [wire.HOST], AS_OF)
    assert found.certificate == 1
    assert found.fault is not None
    assert "certificate 1 expired" in found.fault


def test_issuers_that_name_each_other_do_not_loop() -> None:
    chain = CertificateChain(
        wire.MX,
        (wire.certificate(spki_sha256="00" * 32),) * 2 + (wire.certificate(spki_sha256="2b" * 32),),
        (wire.HOST,),
        None,
        None,
        (1, 0, None),
    )
    record = tlsa_record(2, 1, 1, bytes.fromhex("2b" * 32))
    fault = match(record, chain, [wire.HOST], AS_OF).fault
    assert fault == "the served chain does not lead to it"


def test_issuers_are_told_by_signature_and_not_by_name_alone() -> None:
    ours, namesake = Authority("Same"), Authority("Same")
    leaf, middle = _ders(ours.issue("mx.example.net").chain)
    assert issuers([leaf, middle]) == (1, None)
    _, stranger = _ders(namesake.issue("mx.example.net").chain)
    assert issuers([leaf, stranger]) == (None, None)
    assert issuers([leaf, stranger, middle]) == (2, None, None)


@given(
    usage=st.integers(0, 255),
    selector=st.integers(0, 255),
    matching=st.integers(0, 255),
    data=st.binary(max_size=80),
)
def test_any_record_is_usable_or_says_why_not(
    usage: int, selector: int, matching: int, data: bytes
) -> None:
    record = tlsa_record(usage, selector, matching, data)
    good = usage in (2, 3) and selector in (0, 1) and len(data) == {1: 32, 2: 64}.get(matching)
    full = usage in (2, 3) and selector in (0, 1) and matching == 0 and bool(data)
    assert (unusable(record) is None) is (good or full)
    assert len(list(usable([record]))) == (good or full)
    assert record.data == data.hex()


@pytest.mark.parametrize(
    ("rdata", "fault"),
    [
        (b"", "it has 0 octets, fewer than its three parameters take"),
        (b"\3\1", "it has 2 octets, fewer than its three parameters take"),
        (b"\3\1\1", "matching type 1 takes 32 octets, not 0"),
        (b"\3\1\1" + bytes(31), "matching type 1 takes 32 octets, not 31"),
        (b"\3\1\0", "it has no data"),
        (b"\3\1\1" + bytes(32), None),
    ],
)
def test_record_of_a_wrong_length_is_read_out_of_a_message(rdata: bytes, fault: str | None) -> None:
    query = dns.message.make_query("_25._tcp.mx.example.", "TLSA")
    answer = dns.message.make_response(query)
    record = GenericRdata(dns.rdataclass.IN, dns.rdatatype.TLSA, rdata)
    answer.answer.append(dns.rrset.from_rdata(query.question[0].name, 300, record))
    (found,) = response(answer.to_wire(), "TLSA").rdatas
    assert isinstance(found, GenericRdata)
    assert parse_tlsa(found.data).malformed == fault


@given(st.binary(max_size=100))
def test_any_rdata_is_a_record(rdata: bytes) -> None:
    record = parse_tlsa(rdata)
    assert record.malformed or bytes.fromhex(record.data) == rdata[3:]


def _spki() -> bytes:
    key = x509.load_der_x509_certificate(GOOD_DER).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _ders(chain: bytes) -> list[bytes]:
    return [each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(chain)]
