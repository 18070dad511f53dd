"""dane-tlsa-published."""

from audits.catalog.dane.tlsa_published import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dane import TlsaSet
from audits.facts.fact import Fact, Reason, Unobserved
from audits.subject import Domain, MailHost
from tests.build import domain, judge, mx, roles, silent
from tests.catalog.dane.secured import (
    BOGUS,
    NOT_VALIDATING,
    VALIDATING,
    record,
    secure_addresses,
    secure_mx,
    tlsa,
)

SUBJECT = Domain("example.net")


def _judge(*seen: Fact | Unobserved) -> Result:
    return judge(evaluate, SUBJECT, domain(), roles(), *seen)


def test_secure_record_passes() -> None:
    result = _judge(secure_mx(), tlsa(record()), secure_addresses(), VALIDATING)
    assert result.outcome is Outcome.PASS
    assert result.evidence[0].quote == "3 1 1 " + "cd" * 32


def test_missing_record_fails_whatever_the_resolver_is_worth() -> None:
    for resolver in (VALIDATING, NOT_VALIDATING):
        result = _judge(secure_mx(), tlsa(), secure_addresses(), resolver)
        assert result.outcome is Outcome.FAIL
        assert result.severity is Severity.LOW
        assert result.violations[0].message == "no TLSA record at _25._tcp.mx1.example.net"


def test_one_host_without_record_fails() -> None:
    result = _judge(
        secure_mx("mx1.example.net", "mx2.example.net"),
        tlsa(record()),
        tlsa(host="mx2.example.net"),
        secure_addresses(),
        secure_addresses("mx2.example.net"),
        VALIDATING,
    )
    assert result.outcome is Outcome.FAIL
    assert [v.message for v in result.violations] == ["no TLSA record at _25._tcp.mx2.example.net"]


def test_records_that_nobody_can_use_fail() -> None:
    result = _judge(secure_mx(), tlsa(record("1 1 1")), secure_addresses(), VALIDATING)
    assert "senders can use no TLSA record" in result.violations[0].message


def test_insecure_mx_makes_dane_ineffective() -> None:
    result = _judge(secure_mx(secure=False), tlsa(record()), secure_addresses(), VALIDATING)
    assert result.outcome is Outcome.FAIL
    assert "the MX records are not secure" in result.violations[0].message


def test_insecure_addresses_make_dane_ineffective() -> None:
    insecure = secure_addresses(secure=False)
    result = _judge(secure_mx(), tlsa(record()), insecure, VALIDATING)
    assert "the addresses of mx1.example.net are not secure" in result.violations[0].message


def test_insecure_and_bogus_records_fail() -> None:
    for found in (tlsa(record(), secure=False), tlsa(record(), bogus=BOGUS)):
        result = _judge(secure_mx(), found, secure_addresses(), VALIDATING)
        assert result.outcome is Outcome.FAIL


def test_resolver_that_does_not_validate_leaves_records_unknown() -> None:
    result = _judge(secure_mx(), tlsa(record()), secure_addresses(), NOT_VALIDATING)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.UNVALIDATED
    assert result.unknown[0].detail == "does not validate: no AD for ."


def test_silent_look_up_is_unknown() -> None:
    timeout = silent(TlsaSet, MailHost("mx1.example.net"), Reason.DNS_TIMEOUT)
    result = _judge(secure_mx(), timeout, secure_addresses(), VALIDATING)
    assert result.outcome is Outcome.UNKNOWN


def test_domain_without_mx_host_is_not_applicable() -> None:
    result = _judge(mx((0, ".")), VALIDATING)
    assert result.outcome is Outcome.NOT_APPLICABLE
