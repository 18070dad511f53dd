"""dnssec-signed."""

from audits.catalog.dnssec.signed import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dnssec import HostSecurity
from audits.facts.fact import Fact, Reason, Unobserved
from audits.subject import Domain, MailHost
from tests.build import domain, judge, mx, roles, silent
from tests.catalog.dane.secured import (
    BOGUS,
    NOT_VALIDATING,
    VALIDATING,
    key,
    secure_mx,
    zone_of_domain,
    zone_of_host,
)

SUBJECT = Domain("example.net")


def _judge(*seen: Fact | Unobserved, **params: object) -> Result:
    return judge(evaluate, SUBJECT, domain(), roles(), *seen, **params)


def test_secure_zones_pass() -> None:
    result = _judge(secure_mx(), zone_of_domain(), zone_of_host(), VALIDATING)
    assert result.outcome is Outcome.PASS


def test_unsigned_zone_fails_whatever_the_resolver_is_worth() -> None:
    for resolver in (VALIDATING, NOT_VALIDATING):
        seen = (secure_mx(), zone_of_domain(secure=False), zone_of_host(secure=False), resolver)
        result = _judge(*seen)
        assert result.outcome is Outcome.FAIL
        assert result.severity is Severity.LOW
        (violation,) = result.violations
        assert violation.message == (
            "the zone example.net (of example.net, mx1.example.net) is not signed"
        )


def test_keys_without_ds_fail() -> None:
    island = zone_of_domain(secure=False, keys=(key(),))
    result = _judge(secure_mx(), island, zone_of_host(), VALIDATING)
    assert "its parent has no DS record" in result.violations[0].message


def test_bogus_zone_fails() -> None:
    result = _judge(secure_mx(), zone_of_domain(bogus=BOGUS), zone_of_host(), VALIDATING)
    assert result.outcome is Outcome.FAIL


def test_scope_leaves_out_the_zones_of_mx_hosts() -> None:
    seen = (secure_mx(), zone_of_domain(), zone_of_host(secure=False), VALIDATING)
    assert _judge(*seen).outcome is Outcome.FAIL
    assert _judge(*seen, scopes=("domain",)).outcome is Outcome.PASS


def test_signed_zone_is_unknown_to_a_resolver_that_does_not_validate() -> None:
    result = _judge(secure_mx(), zone_of_domain(), zone_of_host(), NOT_VALIDATING)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.UNVALIDATED


def test_silent_zone_of_an_mx_host_is_unknown() -> None:
    gone = silent(HostSecurity, MailHost("mx1.example.net"), Reason.DNS_TIMEOUT)
    result = _judge(secure_mx(), zone_of_domain(), gone, VALIDATING)
    assert result.outcome is Outcome.UNKNOWN


def test_no_zone_in_scope_is_not_applicable() -> None:
    result = _judge(mx((0, ".")), zone_of_domain(), VALIDATING, scopes=("mx",))
    assert result.outcome is Outcome.NOT_APPLICABLE
