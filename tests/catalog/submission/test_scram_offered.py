"""submission-scram-offered."""

from typing import Any

import pytest

from audits.catalog.submission.scram_offered import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.smtp import EhloInTls
from tests.build import judge, silent
from tests.catalog import wire


def of(seen: Fact | Unobserved, **params: Any) -> Result:
    return judge(evaluate, wire.SUBMISSION, wire.msa(), seen, **params)


@pytest.mark.parametrize("name", ["SCRAM-SHA-256", "scram-sha-256-plus", "OAUTHBEARER", "EXTERNAL"])
def test_one_that_shows_no_password_passes(name: str) -> None:
    offer = wire.ehlo_in_tls(wire.SUBMISSION, f"AUTH PLAIN {name}")
    assert of(offer).outcome is Outcome.PASS


def test_passwords_alone_fail_as_information() -> None:
    result = of(wire.ehlo_in_tls(wire.SUBMISSION, "AUTH PLAIN LOGIN"))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.INFO)
    assert result.violations[0].message == "AUTH offers PLAIN, LOGIN alone"


def test_policy_says_which_are_enough() -> None:
    offer = wire.ehlo_in_tls(wire.SUBMISSION, "AUTH PLAIN SCRAM-SHA-1")
    assert of(offer).outcome is Outcome.FAIL
    assert of(offer, any_of=["SCRAM-SHA-1"]).outcome is Outcome.PASS


def test_no_auth_is_not_applicable() -> None:
    assert of(wire.ehlo_in_tls(wire.SUBMISSION, "SIZE 1")).outcome is Outcome.NOT_APPLICABLE


def test_failed_handshake_is_unknown() -> None:
    assert of(silent(EhloInTls, wire.SUBMISSION, Reason.TLS)).outcome is Outcome.UNKNOWN
