"""mta-auth-requires-tls."""

from audits.catalog.mta.auth_requires_tls import evaluate
from audits.evaluate.verdict import Outcome
from tests.catalog.mta.configured import of


def test_login_inside_tls_alone_passes() -> None:
    assert of(evaluate).outcome is Outcome.PASS


def test_login_in_clear_fails() -> None:
    result = of(evaluate, "smtpd_sasl_auth_enable = yes\n")
    assert result.outcome is Outcome.FAIL
    assert [violation.message for violation in result.violations] == [
        "smtp inet of postfix takes passwords in clear: smtpd_tls_auth_only = no"
    ]


def test_host_without_listeners_for_others_does_not_apply() -> None:
    result = of(evaluate, "inet_interfaces = loopback-only\n")
    assert result.outcome is Outcome.NOT_APPLICABLE
