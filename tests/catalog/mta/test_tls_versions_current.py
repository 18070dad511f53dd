"""mta-tls-versions-current."""

from audits.catalog.mta.tls_versions_current import evaluate
from audits.evaluate.verdict import Outcome, Severity
from tests.catalog.mta.configured import of


def test_tls_1_2_and_later_pass() -> None:
    assert of(evaluate).outcome is Outcome.PASS


def test_default_of_the_mandatory_list_fails_on_submission() -> None:
    result = of(evaluate, without="smtpd_tls_mandatory_protocols")
    assert result.outcome is Outcome.FAIL
    assert [violation.message for violation in result.violations] == [
        "submission inet of postfix allows TLS 1.1 or older: "
        "smtpd_tls_mandatory_protocols = >=TLSv1",
        "submissions inet of postfix allows TLS 1.1 or older: "
        "smtpd_tls_mandatory_protocols = >=TLSv1",
    ]


def test_tls_1_3_switched_off_is_a_milder_failure() -> None:
    result = of(
        evaluate, "smtpd_tls_protocols = >=TLSv1.2, !TLSv1.3\n", without="smtpd_tls_protocols"
    )
    assert result.outcome is Outcome.FAIL
    assert [violation.severity for violation in result.violations] == [Severity.LOW]


def test_host_without_tls_does_not_apply() -> None:
    master = "smtp inet n - y - - smtpd\n"
    result = of(evaluate, "smtpd_tls_security_level = none\n", master=master)
    assert result.outcome is Outcome.NOT_APPLICABLE
