"""mta-tls-offered."""

from audits.catalog.mta.tls_offered import evaluate
from audits.evaluate.verdict import Outcome
from tests.catalog.mta.configured import of, places


def test_starttls_with_a_certificate_passes() -> None:
    assert of(evaluate).outcome is Outcome.PASS


def test_level_that_is_taken_back_later_fails() -> None:
    result = of(evaluate, "smtpd_tls_security_level = none\n")
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == (
        "smtp inet of postfix offers no STARTTLS: smtpd_tls_security_level = none"
    )
    assert places(result)[0] == "main.cf:9"


def test_missing_certificate_fails() -> None:
    result = of(evaluate, "smtpd_tls_chain_files =\n")
    assert any("name no certificate" in violation.message for violation in result.violations)


def test_wrapper_mode_for_all_fails_on_port_25() -> None:
    result = of(evaluate, "smtpd_tls_wrappermode = yes\n")
    assert any("begins with TLS" in violation.message for violation in result.violations)


def test_hidden_keyword_fails() -> None:
    assert of(evaluate, "smtpd_discard_ehlo_keywords = starttls\n").outcome is Outcome.FAIL


def test_null_client_does_not_apply() -> None:
    result = of(evaluate, "inet_interfaces = loopback-only\n")
    assert result.outcome is Outcome.NOT_APPLICABLE
