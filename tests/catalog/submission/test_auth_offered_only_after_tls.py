"""submission-auth-offered-only-after-tls."""

from typing import Any

from audits.catalog.submission.auth_offered_only_after_tls import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.smtp import EhloReply
from audits.subject import Service
from tests.build import judge, silent
from tests.catalog import wire


def of(seen: Fact | Unobserved, at: Service = wire.SUBMISSION, **params: Any) -> Result:
    return judge(evaluate, at, wire.both(), seen, **params)


def test_no_auth_before_tls_passes() -> None:
    assert of(wire.ehlo(wire.SUBMISSION, "PIPELINING", "STARTTLS")).outcome is Outcome.PASS


def test_auth_before_tls_fails() -> None:
    result = of(wire.ehlo(wire.SUBMISSION, "STARTTLS", "AUTH PLAIN LOGIN"))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.CRITICAL)
    assert result.violations[0].message == "before TLS EHLO lists AUTH PLAIN LOGIN"


def test_auth_before_tls_on_port_25_fails() -> None:
    assert of(wire.ehlo(wire.MX, "AUTH LOGIN"), wire.MX).outcome is Outcome.FAIL


def test_mechanism_that_the_policy_allows_in_clear_passes() -> None:
    scram = wire.ehlo(wire.SUBMISSION, "AUTH SCRAM-SHA-256")
    assert of(scram).outcome is Outcome.FAIL
    assert of(scram, clear_ok=["scram-sha-256"]).outcome is Outcome.PASS
    mixed = of(wire.ehlo(wire.SUBMISSION, "AUTH SCRAM-SHA-256 PLAIN"), clear_ok=["SCRAM-SHA-256"])
    assert mixed.violations[0].message == "before TLS EHLO lists AUTH PLAIN"


def test_465_is_not_applicable_since_its_ehlo_is_inside_tls() -> None:
    result = of(wire.ehlo(wire.SUBMISSIONS, "AUTH PLAIN"), wire.SUBMISSIONS)
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_silence_is_unknown() -> None:
    assert of(silent(EhloReply, wire.SUBMISSION, Reason.TIMEOUT)).outcome is Outcome.UNKNOWN
