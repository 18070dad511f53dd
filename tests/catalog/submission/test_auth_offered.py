"""submission-auth-offered."""

from audits.catalog.submission.auth_offered import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.smtp import EhloInTls
from tests.build import judge, silent
from tests.catalog import wire


def of(seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.SUBMISSION, wire.msa(), seen)


def test_auth_with_mechanisms_passes() -> None:
    result = of(wire.ehlo_in_tls(wire.SUBMISSION, "SIZE 1000", "AUTH PLAIN LOGIN"))
    assert result.outcome is Outcome.PASS
    assert result.evidence[0].quote == "AUTH PLAIN LOGIN"


def test_no_auth_fails() -> None:
    assert of(wire.ehlo_in_tls(wire.SUBMISSION, "SIZE 1000")).outcome is Outcome.FAIL


def test_auth_in_clear_alone_fails_and_is_named() -> None:
    clear = wire.ehlo(wire.SUBMISSION, "STARTTLS", "AUTH PLAIN LOGIN")
    result = judge(
        evaluate, wire.SUBMISSION, wire.msa(), wire.ehlo_in_tls(wire.SUBMISSION, "SIZE 1"), clear
    )
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == (
        "inside TLS EHLO lists no AUTH mechanism, while in clear it lists PLAIN LOGIN"
    )


def test_auth_without_mechanism_fails() -> None:
    assert of(wire.ehlo_in_tls(wire.SUBMISSION, "AUTH")).outcome is Outcome.FAIL


def test_no_tls_is_not_applicable() -> None:
    unoffered = silent(EhloInTls, wire.SUBMISSION, Reason.NOT_OFFERED)
    assert of(unoffered).outcome is Outcome.NOT_APPLICABLE


def test_failed_handshake_is_unknown() -> None:
    assert of(silent(EhloInTls, wire.SUBMISSION, Reason.TLS)).outcome is Outcome.UNKNOWN
