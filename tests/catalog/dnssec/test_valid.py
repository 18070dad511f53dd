"""dnssec-valid."""

from audits.catalog.dnssec.valid import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dnssec import BogusName, DomainSecurity
from audits.facts.fact import Fact, Reason, Unobserved
from audits.subject import Domain
from tests.build import domain, judge, silent
from tests.catalog.dane.secured import BOGUS, NOT_VALIDATING, VALIDATING, status, zone_of_domain

SUBJECT = Domain("example.net")


def _judge(*seen: Fact | Unobserved) -> Result:
    return judge(evaluate, SUBJECT, domain(), *seen)


def test_secure_zone_passes() -> None:
    assert _judge(zone_of_domain(), VALIDATING).outcome is Outcome.PASS


def test_bogus_zone_fails_critically() -> None:
    result = _judge(zone_of_domain(bogus=BOGUS), VALIDATING)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.CRITICAL
    assert BOGUS in result.violations[0].message


def test_bogus_name_in_a_secure_zone_fails() -> None:
    name = BogusName("_dmarc.example.net", "TXT", "SERVFAIL from 127.0.0.1:53")
    result = _judge(DomainSecurity(SUBJECT, status(), (name,)), VALIDATING)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message.startswith("TXT _dmarc.example.net is bogus")


def test_insecure_zone_is_not_applicable() -> None:
    for resolver in (VALIDATING, NOT_VALIDATING):
        result = _judge(zone_of_domain(secure=False), resolver)
        assert result.outcome is Outcome.NOT_APPLICABLE


def test_signed_zone_is_unknown_to_a_resolver_that_does_not_validate() -> None:
    result = _judge(zone_of_domain(), NOT_VALIDATING)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.UNVALIDATED


def test_dead_zone_is_unknown() -> None:
    gone = silent(DomainSecurity, SUBJECT, Reason.SERVFAIL)
    assert _judge(gone, VALIDATING).outcome is Outcome.UNKNOWN
