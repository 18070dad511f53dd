"""mx-auth-not-offered."""

from audits.catalog.mx.auth_not_offered import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.smtp import EhloInTls
from tests.build import judge, roles, silent
from tests.catalog import wire

CLEAR = wire.ehlo(wire.MX, "PIPELINING", "STARTTLS")


def of(*seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.MX, roles(), *seen)


def test_no_auth_before_and_after_tls_passes() -> None:
    assert of(CLEAR, wire.ehlo_in_tls(wire.MX, "PIPELINING")).outcome is Outcome.PASS


def test_auth_inside_tls_fails() -> None:
    result = of(CLEAR, wire.ehlo_in_tls(wire.MX, "SIZE 1000", "AUTH PLAIN LOGIN"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "after TLS EHLO lists AUTH PLAIN LOGIN"
    assert result.violations[0].evidence[0].pointer == "/keywords/1"


def test_auth_in_clear_fails_whatever_tls_hides() -> None:
    hidden = silent(EhloInTls, wire.MX, Reason.TIMEOUT)
    assert of(wire.ehlo(wire.MX, "AUTH PLAIN"), hidden).outcome is Outcome.FAIL


def test_no_auth_without_tls_passes() -> None:
    unoffered = silent(EhloInTls, wire.MX, Reason.NOT_OFFERED)
    assert of(wire.ehlo(wire.MX), unoffered).outcome is Outcome.PASS


def test_silence_inside_tls_is_unknown() -> None:
    result = of(CLEAR, silent(EhloInTls, wire.MX, Reason.TIMEOUT, "the server fell silent"))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail == "the server fell silent"


def test_host_for_submission_too_is_not_applicable() -> None:
    seen = (CLEAR, wire.ehlo_in_tls(wire.MX, "AUTH PLAIN"))
    assert judge(evaluate, wire.MX, wire.both(), *seen).outcome is Outcome.NOT_APPLICABLE


def test_host_of_somebody_else_is_not_applicable() -> None:
    seen = (CLEAR, wire.ehlo_in_tls(wire.MX, "AUTH PLAIN"))
    result = judge(evaluate, wire.MX, wire.foreign(), *seen)
    assert result.outcome is Outcome.NOT_APPLICABLE
    assert "somebody else's" in (result.note or "")
