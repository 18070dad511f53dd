"""cert-in-validity."""

from datetime import timedelta

import pytest

from audits.catalog.cert.in_validity import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.tls import CertificateChain
from audits.parse.mx_validation import Validation
from audits.subject import Service
from tests.build import AS_OF, judge, silent
from tests.catalog import wire
from tests.catalog.cert.published import (
    BY_DANE_EE,
    BY_DANE_TA,
    BY_STS,
    BY_STS_AND_KEY,
    NOTHING,
    Published,
)


def of(
    seen: Fact | Unobserved,
    at: Service = wire.SUBMISSIONS,
    published: Published = NOTHING,
    **params: Validation,
) -> Result:
    return judge(evaluate, at, wire.both(), seen, *published, **params)


def ends(after: timedelta) -> CertificateChain:
    return wire.chain(wire.SUBMISSIONS, wire.certificate(not_after=AS_OF + after))


def test_current_certificate_passes() -> None:
    assert of(wire.chain(wire.SUBMISSIONS)).outcome is Outcome.PASS


def test_expired_certificate_fails() -> None:
    result = of(ends(-timedelta(days=1)))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.CRITICAL)
    assert result.violations[0].message == "CN=mx1.example.net expired on 2026-11-22 02:00 UTC"


def test_certificate_that_has_not_begun_fails() -> None:
    future = wire.certificate(not_before=AS_OF + timedelta(hours=1))
    result = of(wire.chain(wire.SUBMISSIONS, future))
    assert "begins on 2026-11-23 03:00 UTC" in result.violations[0].message


def test_expired_intermediate_fails() -> None:
    old = wire.certificate(subject="CN=Old CA", is_ca=True, not_after=AS_OF - timedelta(days=3))
    result = of(wire.chain(wire.SUBMISSIONS, wire.certificate(), old))
    assert result.violations[0].evidence[0].pointer == "/certificates/1/not_after"


def test_clock_skew_is_forgiven() -> None:
    assert of(ends(-timedelta(seconds=200))).outcome is Outcome.PASS
    assert of(ends(-timedelta(seconds=400))).outcome is Outcome.FAIL


def test_port_25_is_of_high_severity_at_most() -> None:
    old = wire.certificate(not_after=AS_OF - timedelta(days=1))
    assert of(wire.chain(wire.MX, old), wire.MX).severity is Severity.HIGH


@pytest.mark.parametrize(
    ("published", "validation", "severity"),
    [
        (BY_STS, "auto", Severity.HIGH),
        (BY_STS_AND_KEY, "auto", Severity.HIGH),
        (BY_DANE_TA, "auto", Severity.HIGH),
        (BY_DANE_EE, "auto", Severity.MEDIUM),
        (BY_DANE_EE, "pkix", Severity.HIGH),
        (BY_STS_AND_KEY, "dane", Severity.MEDIUM),
    ],
)
def test_a_tlsa_record_of_the_key_makes_dates_matter_less(
    published: Published, validation: Validation, severity: Severity
) -> None:
    old = wire.chain(wire.MX, wire.certificate(not_after=AS_OF - timedelta(days=1)))
    result = of(old, wire.MX, published, mx_validation=validation)
    assert (result.outcome, result.severity) == (Outcome.FAIL, severity)


def test_unreadable_certificate_is_unknown_unless_another_has_expired() -> None:
    assert of(wire.chain(wire.SUBMISSIONS, malformed="bad DER")).outcome is Outcome.UNKNOWN
    old = wire.certificate(not_after=AS_OF - timedelta(days=1))
    assert of(wire.chain(wire.SUBMISSIONS, old, malformed="bad DER")).outcome is Outcome.FAIL


def test_no_tls_is_not_applicable() -> None:
    unoffered = silent(CertificateChain, wire.SUBMISSIONS, Reason.NOT_OFFERED)
    assert of(unoffered).outcome is Outcome.NOT_APPLICABLE
