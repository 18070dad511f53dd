"""submission-mechanisms-allowed."""

from typing import Any

import pytest

from audits.catalog.submission.mechanisms_allowed import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.smtp import EhloInTls
from tests.build import judge, silent
from tests.catalog import wire


def of(seen: Fact | Unobserved, **params: Any) -> Result:
    return judge(evaluate, wire.SUBMISSION, wire.msa(), seen, **params)


def offering(*mechanisms: str) -> EhloInTls:
    return wire.ehlo_in_tls(wire.SUBMISSION, " ".join(("AUTH", *mechanisms)))


def test_plain_and_scram_pass() -> None:
    result = of(offering("PLAIN", "SCRAM-SHA-256"))
    assert result.outcome is Outcome.PASS
    assert result.evidence[0].quote == "AUTH PLAIN SCRAM-SHA-256"


@pytest.mark.parametrize("name", ["ANONYMOUS", "cram-md5", "DIGEST-MD5", "NTLM"])
def test_broken_mechanism_fails(name: str) -> None:
    result = of(offering("PLAIN", name))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.MEDIUM)
    assert result.violations[0].message == f"AUTH offers {name.upper()}"


def test_discouraged_mechanism_fails_mildly() -> None:
    result = of(offering("PLAIN", "LOGIN", "XOAUTH2"))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.LOW)
    assert "LOGIN, XOAUTH2" in result.violations[0].message


def test_worst_of_both_counts() -> None:
    result = of(offering("LOGIN", "CRAM-MD5"))
    assert result.severity is Severity.MEDIUM
    assert len(result.violations) == 2


def test_policy_says_what_is_denied_and_discouraged() -> None:
    assert of(offering("LOGIN"), warn=[]).outcome is Outcome.PASS
    assert of(offering("PLAIN"), deny=["plain"], warn=["plain"]).severity is Severity.MEDIUM
    assert len(of(offering("PLAIN"), deny=["plain"], warn=["plain"]).violations) == 1


def test_no_auth_is_not_applicable() -> None:
    assert of(wire.ehlo_in_tls(wire.SUBMISSION, "SIZE 1")).outcome is Outcome.NOT_APPLICABLE


def test_failed_handshake_is_unknown() -> None:
    assert of(silent(EhloInTls, wire.SUBMISSION, Reason.TLS)).outcome is Outcome.UNKNOWN
