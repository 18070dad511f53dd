"""cert-not-expiring-soon."""

from datetime import timedelta
from typing import Any

import pytest

from audits.catalog.cert.not_expiring_soon import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.tls import Certificate, CertificateChain
from tests.build import AS_OF, judge, silent
from tests.catalog import wire


def of(seen: Fact | Unobserved, **params: Any) -> Result:
    return judge(evaluate, wire.SUBMISSIONS, wire.both(), seen, **params)


def lasting(days: float, left: float, **fields: Any) -> Certificate:
    end = AS_OF + timedelta(days=left)
    return wire.certificate(not_before=end - timedelta(days=days), not_after=end, **fields)


@pytest.mark.parametrize(
    ("days", "left", "outcome"),
    [
        (398, 22, Outcome.PASS),
        (398, 20, Outcome.FAIL),
        (47, 12, Outcome.PASS),  # a quarter of 47 days is 11.75
        (47, 11, Outcome.FAIL),
        (6, 2, Outcome.PASS),
        (90, -1, Outcome.FAIL),
    ],
)
def test_margin_is_the_smaller_of_days_and_fraction(days: int, left: int, outcome: Outcome) -> None:
    assert of(wire.chain(wire.SUBMISSIONS, lasting(days, left))).outcome is outcome


@pytest.mark.parametrize(
    ("left", "words"), [(9, "has 9.0 days left, less than 21.0"), (-3, "expired 3.0 days ago")]
)
def test_message_has_the_days(left: int, words: str) -> None:
    result = of(wire.chain(wire.SUBMISSIONS, lasting(90, left)))
    assert result.violations[0].message == f"CN=mx1.example.net {words}"


def test_policy_sets_the_margin() -> None:
    chain = wire.chain(wire.SUBMISSIONS, lasting(90, 25))
    assert of(chain).outcome is Outcome.PASS
    assert of(chain, min_days=30.0, min_fraction=0.33).outcome is Outcome.FAIL


def test_root_that_is_served_along_does_not_count() -> None:
    root = lasting(3650, 3, self_issued=True, is_ca=True)
    assert of(wire.chain(wire.SUBMISSIONS, wire.certificate(), root)).outcome is Outcome.PASS


def test_unreadable_certificate_is_unknown() -> None:
    assert of(wire.chain(wire.SUBMISSIONS, malformed="bad DER")).outcome is Outcome.UNKNOWN


def test_no_tls_is_not_applicable() -> None:
    unoffered = silent(CertificateChain, wire.SUBMISSIONS, Reason.NOT_OFFERED)
    assert of(unoffered).outcome is Outcome.NOT_APPLICABLE
