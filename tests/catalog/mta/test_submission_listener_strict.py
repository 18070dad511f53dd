"""mta-submission-listener-strict."""

from audits.catalog.mta.submission_listener_strict import evaluate
from audits.evaluate.verdict import Outcome
from tests.catalog.mta.configured import of, places
from tests.parse.postfix.configs import MASTER_CF


def test_listeners_with_tls_and_login_pass() -> None:
    assert of(evaluate).outcome is Outcome.PASS


def test_optional_tls_fails_at_the_line_of_main_cf() -> None:
    result = of(evaluate, master=MASTER_CF.replace("  -o smtpd_tls_security_level=encrypt\n", ""))
    assert result.outcome is Outcome.FAIL
    assert [violation.message for violation in result.violations] == [
        "submission inet of postfix takes mail in clear: smtpd_tls_security_level = may"
    ]
    assert places(result) == ["main.cf:6"]


def test_missing_login_rule_fails() -> None:
    without = MASTER_CF.replace(
        "  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject\n", ""
    )
    result = of(evaluate, master=without)
    assert result.outcome is Outcome.FAIL
    assert "takes mail without login" in result.violations[0].message


def test_465_that_begins_in_clear_fails() -> None:
    result = of(evaluate, master=MASTER_CF + "465 inet n - y - - smtpd\n")
    assert any("does not begin with TLS" in v.message for v in result.violations)


def test_host_without_submission_does_not_apply() -> None:
    assert of(evaluate, master="smtp inet n - y - - smtpd\n").outcome is Outcome.NOT_APPLICABLE
