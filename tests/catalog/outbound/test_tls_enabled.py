"""outbound-tls-enabled."""

from audits.catalog.outbound.tls_enabled import evaluate
from audits.evaluate.verdict import Outcome
from audits.subject import Role
from tests.catalog.mta.configured import of


def test_opportunistic_tls_passes() -> None:
    assert of(evaluate, "smtp_tls_security_level = may\n").outcome is Outcome.PASS


def test_no_level_fails() -> None:
    result = of(evaluate)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == (
        "postfix sends in clear: smtp_tls_security_level = (empty)"
    )


def test_host_that_sends_nothing_does_not_apply() -> None:
    assert of(evaluate, role=(Role.MX,)).outcome is Outcome.NOT_APPLICABLE
