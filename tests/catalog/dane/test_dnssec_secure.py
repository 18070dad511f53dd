"""dane-dnssec-secure."""

import pytest

from audits.catalog.dane.dnssec_secure import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dane import TlsaSet
from audits.facts.dns import HostAddresses
from audits.facts.fact import Fact, Reason, Unobserved
from audits.subject import Domain, MailHost
from tests.build import domain, judge, mx, roles, silent
from tests.catalog.dane.secured import (
    BOGUS,
    HOST,
    NOT_VALIDATING,
    VALIDATING,
    record,
    secure_addresses,
    secure_mx,
    tlsa,
    zone_of_host,
)

THE_HOST = MailHost(HOST)


def _judge(*seen: Fact | Unobserved) -> Result:
    return judge(evaluate, Domain("example.net"), domain(), roles(), secure_mx(), *seen)


def test_secure_record_and_secure_denial_pass() -> None:
    for found in (tlsa(record()), tlsa()):
        assert _judge(found, zone_of_host(), VALIDATING).outcome is Outcome.PASS


def test_bogus_record_fails() -> None:
    result = _judge(tlsa(record(), bogus=BOGUS), zone_of_host(), VALIDATING)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.CRITICAL
    assert BOGUS in result.violations[0].message


def test_bogus_denial_fails() -> None:
    result = _judge(tlsa(bogus=BOGUS), zone_of_host(), VALIDATING)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message.startswith("the absence of TLSA records")


def test_record_in_an_insecure_zone_fails() -> None:
    result = _judge(tlsa(record(), secure=False), zone_of_host(secure=False), VALIDATING)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.HIGH
    assert result.violations[0].message.endswith("are in no secure zone")


def test_unsigned_zone_without_records_is_not_applicable() -> None:
    for resolver in (VALIDATING, NOT_VALIDATING):
        result = _judge(tlsa(secure=False), zone_of_host(secure=False), resolver)
        assert result.outcome is Outcome.NOT_APPLICABLE


def test_signed_zone_is_unknown_to_a_resolver_that_does_not_validate() -> None:
    result = _judge(tlsa(secure=False), zone_of_host(), NOT_VALIDATING)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.UNVALIDATED


def test_servfail_at_a_host_that_senders_ask_about_fails() -> None:
    dead = silent(TlsaSet, THE_HOST, Reason.SERVFAIL, "SERVFAIL from 127.0.0.1:53")
    result = _judge(dead, secure_addresses(), zone_of_host(), VALIDATING)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.CRITICAL
    assert result.violations[0].message.endswith("so senders wait: SERVFAIL from 127.0.0.1:53")
    assert result.violations[0].evidence[0].pointer == "/answers/0/authenticated"


def test_servfail_at_a_host_without_secure_addresses_is_unknown() -> None:
    dead = silent(TlsaSet, THE_HOST, Reason.SERVFAIL)
    for found in (secure_addresses(secure=False), silent(HostAddresses, THE_HOST, Reason.SERVFAIL)):
        assert _judge(dead, found, zone_of_host(), VALIDATING).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("reason", [Reason.UNVALIDATED, Reason.DNS_TIMEOUT])
def test_resolvers_that_disagree_or_are_silent_leave_it_open(reason: Reason) -> None:
    found = silent(TlsaSet, THE_HOST, reason)
    result = _judge(found, secure_addresses(), zone_of_host(), VALIDATING)
    assert result.outcome is Outcome.UNKNOWN
    assert {unseen.reason for unseen in result.unknown} == {reason}


def test_servfail_means_nothing_from_a_resolver_that_does_not_validate() -> None:
    dead = silent(TlsaSet, THE_HOST, Reason.SERVFAIL)
    result = _judge(dead, secure_addresses(), zone_of_host(), NOT_VALIDATING)
    assert result.outcome is Outcome.UNKNOWN


def test_domain_without_mx_host_is_not_applicable() -> None:
    seen = (domain(), mx((0, ".")), VALIDATING)
    assert judge(evaluate, Domain("example.net"), *seen).outcome is Outcome.NOT_APPLICABLE
