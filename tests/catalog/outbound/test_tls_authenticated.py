"""outbound-tls-authenticated."""

from audits.catalog.outbound.tls_authenticated import evaluate
from audits.evaluate.verdict import Outcome
from audits.subject import Role
from tests.catalog.mta.configured import of

DANE = "smtp_tls_security_level = dane\nsmtp_dns_support_level = dnssec\n"
SERVICE = "smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:postfix\n"


def test_dane_passes() -> None:
    assert of(evaluate, DANE).outcome is Outcome.PASS


def test_neither_method_fails() -> None:
    result = of(evaluate, "smtp_tls_security_level = may\n")
    assert result.outcome is Outcome.FAIL
    assert len(result.violations) == 2


def test_policy_service_leaves_it_open() -> None:
    assert of(evaluate, SERVICE).outcome is Outcome.UNKNOWN


def test_policy_may_demand_both_methods() -> None:
    both = ["dane", "mta-sts"]
    assert of(evaluate, DANE, methods_all=both).outcome is Outcome.FAIL
    assert of(evaluate, DANE + SERVICE, methods_all=both).outcome is Outcome.UNKNOWN


def test_host_that_sends_nothing_does_not_apply() -> None:
    assert of(evaluate, role=(Role.MX,)).outcome is Outcome.NOT_APPLICABLE
