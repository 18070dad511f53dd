"""mta-parameters-known."""

from audits.catalog.mta.parameters_known import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.mta import MtaPrograms
from tests.build import judge, roles
from tests.catalog.mta.configured import HOST, of, places


def test_known_parameters_pass() -> None:
    assert of(evaluate).outcome is Outcome.PASS


def test_typo_fails_with_the_nearest_name() -> None:
    result = of(evaluate, "smtpd_tls_auth_onyl = yes\n")
    assert result.outcome is Outcome.FAIL
    (violation,) = result.violations
    assert "no parameter `smtpd_tls_auth_onyl`" in violation.message
    assert violation.expected == "`smtpd_tls_auth_only`"
    assert places(result) == ["main.cf:9"]


def test_parameter_that_is_set_again_is_a_mild_failure() -> None:
    result = of(evaluate, "mynetworks = 10.20.0.0/16\n")
    assert [v.severity for v in result.violations] == [Severity.LOW]


def test_host_without_programs_does_not_apply() -> None:
    result = judge(evaluate, HOST, roles(HOST.name), MtaPrograms(HOST, ()))
    assert result.outcome is Outcome.NOT_APPLICABLE
