"""dane-tlsa-matches-certificate."""

from datetime import timedelta

import pytest

from audits.catalog.dane.tlsa_matches_certificate import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dane import TlsaRecord, TlsaSet
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.tls import Certificate, CertificateChain, OtherChain, TlsHandshake
from tests.build import AS_OF, judge, roles, silent
from tests.catalog import wire
from tests.catalog.dane.secured import (
    BOGUS,
    CERT,
    NOT_VALIDATING,
    VALIDATING,
    record,
    tlsa,
)

ISSUER = wire.certificate(
    subject="CN=Example Issuing CA",
    dns_names=(),
    is_ca=True,
    sha256="1a" * 32,
    sha512="1a" * 64,
    spki_sha256="2b" * 32,
    spki_sha512="2b" * 64,
)


NOT_ASKED = silent(OtherChain, wire.MX, Reason.SKIPPED)


def _judge(
    found: TlsaSet, *seen: Fact | Unobserved, other: OtherChain | Unobserved = NOT_ASKED
) -> Result:
    usual = (wire.starttls(wire.MX), wire.handshake()) if len(seen) == 1 else ()
    return judge(evaluate, wire.MX, roles(), VALIDATING, found, other, *usual, *seen)


def _other(*certificates: Certificate) -> OtherChain:
    return OtherChain(wire.MX, "rsa", _served(*certificates), None)


def _served(*certificates: Certificate) -> CertificateChain:
    return wire.chain(wire.MX, *certificates)


@pytest.mark.parametrize(
    "held",
    [
        record("3 1 1"),
        record("3 0 1", CERT),
        record("3 1 2", "cd" * 64),
        record("3 0 2", "ab" * 64),
        record("2 1 1", "2b" * 32),
        record("2 0 1", "1a" * 32),
        record("2 1 2", "2b" * 64),
    ],
)
def test_record_of_what_is_served_passes(held: TlsaRecord) -> None:
    result = _judge(tlsa(held), _served(wire.certificate(), ISSUER))
    assert result.outcome is Outcome.PASS
    assert result.evidence[0].quote == held.text


def test_one_record_that_fits_is_enough() -> None:
    result = _judge(tlsa(record("3 1 1", "00" * 32), record()), _served())
    assert result.outcome is Outcome.PASS


def test_record_of_another_key_fails() -> None:
    result = _judge(tlsa(record("3 1 1", "00" * 32)), _served())
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.CRITICAL
    message = result.violations[0].message
    assert message == "the TLSA record does not fit the certificate that is served"


def test_usage_3_ignores_name_and_dates() -> None:
    leaf = wire.certificate(dns_names=("elsewhere.example",), not_after=AS_OF - timedelta(days=9))
    assert _judge(tlsa(record()), _served(leaf)).outcome is Outcome.PASS


def test_trust_anchor_that_is_not_served_fails() -> None:
    result = _judge(tlsa(record("2 1 1", "99" * 32)), _served(wire.certificate(), ISSUER))
    assert result.outcome is Outcome.FAIL
    assert "of no certificate served above the first" in result.violations[0].message


def test_usage_2_of_the_served_leaf_itself_fails() -> None:
    assert _judge(tlsa(record("2 1 1")), _served()).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("leaf", "words"),
    [
        (wire.certificate(dns_names=("elsewhere.example",)), "is not for mx1.example.net"),
        (wire.certificate(not_after=AS_OF - timedelta(days=2)), "certificate 0 expired on"),
        (wire.certificate(not_before=AS_OF + timedelta(days=2)), "begins only on"),
    ],
)
def test_usage_2_wants_name_and_dates(leaf: Certificate, words: str) -> None:
    result = _judge(tlsa(record("2 1 1", "2b" * 32)), _served(leaf, ISSUER))
    assert result.outcome is Outcome.FAIL
    assert words in result.violations[0].message


def test_usage_2_takes_the_domain_for_a_name() -> None:
    leaf = wire.certificate(dns_names=("example.net",))
    result = _judge(tlsa(record("2 1 1", "2b" * 32)), _served(leaf, ISSUER))
    assert result.outcome is Outcome.PASS


def test_trust_anchor_that_did_not_sign_the_chain_fails() -> None:
    chain = CertificateChain(
        wire.MX, (wire.certificate(), ISSUER), (wire.HOST,), None, None, (None, None)
    )
    result = _judge(tlsa(record("2 1 1", "2b" * 32)), chain)
    assert "the served chain does not lead to it" in result.violations[0].message


def test_missing_starttls_fails() -> None:
    gone = silent(CertificateChain, wire.MX, Reason.NOT_OFFERED, "STARTTLS is not offered")
    no_tls = silent(TlsHandshake, wire.MX, Reason.NOT_OFFERED, "STARTTLS is not offered")
    result = _judge(tlsa(record()), wire.starttls(wire.MX, offered=False), no_tls, gone)
    assert result.outcome is Outcome.FAIL
    assert "STARTTLS is not offered" in result.violations[0].message


def test_failed_handshake_fails() -> None:
    gone = silent(CertificateChain, wire.MX, Reason.TLS)
    broken = wire.handshake(wire.MX, "alert handshake_failure")
    result = _judge(tlsa(record()), wire.starttls(wire.MX), broken, gone)
    assert result.outcome is Outcome.FAIL
    assert "alert handshake_failure" in result.violations[0].message


def test_silent_server_is_unknown_and_a_closed_port_is_not_applicable() -> None:
    for reason, outcome in (
        (Reason.TIMEOUT, Outcome.UNKNOWN),
        (Reason.REFUSED, Outcome.NOT_APPLICABLE),
    ):
        kinds = (type(wire.starttls(wire.MX)), TlsHandshake, CertificateChain)
        gone = tuple(silent(kind, wire.MX, reason) for kind in kinds)
        assert _judge(tlsa(record()), *gone).outcome is outcome


@pytest.mark.parametrize(
    "found",
    [tlsa(), tlsa(record(), secure=False), tlsa(record(), bogus=BOGUS), tlsa(record("1 1 1"))],
)
def test_records_that_no_sender_uses_are_not_applicable(found: TlsaSet) -> None:
    assert _judge(found, _served()).outcome is Outcome.NOT_APPLICABLE


def test_resolver_that_does_not_validate_is_unknown() -> None:
    seen = (
        roles(),
        NOT_VALIDATING,
        tlsa(record()),
        wire.starttls(wire.MX),
        wire.handshake(),
        _served(),
        NOT_ASKED,
    )
    result = judge(evaluate, wire.MX, *seen)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.UNVALIDATED


RSA = wire.certificate(key_type="rsa", key_bits=2048, curve=None, spki_sha256="ef" * 32)


def test_records_of_both_certificates_pass() -> None:
    result = _judge(tlsa(record(), record("3 1 1", "ef" * 32)), _served(), other=_other(RSA))
    assert result.outcome is Outcome.PASS
    kinds = [each.kind for each in result.evidence]
    assert kinds == ["dns.tlsa", "tls.chain", "dns.tlsa", "tls.other-chain"]
    assert result.evidence[-1].pointer == "/chain/certificates/0/spki_sha256"


def test_a_record_for_one_of_two_certificates_fails() -> None:
    result = _judge(tlsa(record()), _served(), other=_other(RSA))
    assert result.outcome is Outcome.FAIL
    (violation,) = result.violations
    assert "does not fit the certificate that is served to clients that take RSA only" in (
        violation.message
    )


def test_each_certificate_without_a_record_is_told_of() -> None:
    result = _judge(tlsa(record("3 1 1", "00" * 32)), _served(), other=_other(RSA))
    assert len(result.violations) == 2


def test_a_second_certificate_under_the_same_trust_anchor_passes() -> None:
    anchor = record("2 1 1", "2b" * 32)
    result = _judge(tlsa(anchor), _served(wire.certificate(), ISSUER), other=_other(RSA, ISSUER))
    assert result.outcome is Outcome.PASS


def test_a_server_without_a_second_certificate_is_judged_by_the_first() -> None:
    none = OtherChain(wire.MX, "rsa", None, "alert handshake_failure")
    assert _judge(tlsa(record()), _served(), other=none).outcome is Outcome.PASS


def test_a_second_certificate_that_was_not_seen_is_unknown_where_the_first_fits() -> None:
    lost = silent(OtherChain, wire.MX, Reason.TIMEOUT, "no greeting within 30 s")
    assert _judge(tlsa(record()), _served(), other=lost).outcome is Outcome.UNKNOWN
    wrong = tlsa(record("3 1 1", "00" * 32))
    assert _judge(wrong, _served(), other=lost).outcome is Outcome.FAIL
