"""smtp-requiretls-offered."""

from audits.catalog.smtp.requiretls_offered import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.smtp import EhloInTls
from tests.build import judge, roles, silent
from tests.catalog import wire


def of(seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.MX, roles(), seen)


def test_offer_passes() -> None:
    assert of(wire.ehlo_in_tls(wire.MX, "PIPELINING", "REQUIRETLS")).outcome is Outcome.PASS


def test_no_offer_fails_for_information() -> None:
    result = of(wire.ehlo_in_tls(wire.MX, "PIPELINING"))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.INFO)


def test_failed_tls_is_unknown() -> None:
    assert of(silent(EhloInTls, wire.MX, Reason.TLS)).outcome is Outcome.UNKNOWN


def test_service_without_tls_is_not_applicable() -> None:
    assert of(silent(EhloInTls, wire.MX, Reason.NOT_OFFERED)).outcome is Outcome.NOT_APPLICABLE
