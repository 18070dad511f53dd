"""tls-handshake-completes."""

from audits.catalog.tls.handshake_completes import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Reason, Step, Unobserved
from audits.facts.tls import TlsHandshake
from tests.build import judge, silent
from tests.catalog import wire


def of(seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.SUBMISSIONS, wire.both(), seen)


def test_completed_handshake_passes() -> None:
    result = of(wire.handshake(wire.SUBMISSIONS))
    assert result.outcome is Outcome.PASS
    assert [e.quote for e in result.evidence] == ["TLSv1.3", "TLS_AES_256_GCM_SHA384"]


def test_alert_fails_at_the_step_tls() -> None:
    result = of(wire.handshake(wire.SUBMISSIONS, error="alert handshake_failure"))
    assert result.outcome is Outcome.FAIL
    assert result.step is Step.TLS
    assert result.violations[0].message == "the handshake failed: alert handshake_failure"


def test_465_that_speaks_in_clear_fails() -> None:
    assert of(wire.handshake(wire.SUBMISSIONS, error="not TLS: 220 mx1")).outcome is Outcome.FAIL


def test_connection_that_broke_off_is_unknown() -> None:
    assert of(silent(TlsHandshake, wire.SUBMISSIONS, Reason.DISCONNECTED)).outcome is (
        Outcome.UNKNOWN
    )


def test_no_starttls_is_not_applicable() -> None:
    unoffered = silent(TlsHandshake, wire.SUBMISSIONS, Reason.NOT_OFFERED)
    assert of(unoffered).outcome is Outcome.NOT_APPLICABLE
