"""mta-ciphers-strong."""

from audits.catalog.mta.ciphers_strong import evaluate
from audits.evaluate.verdict import Outcome
from tests.catalog.mta.configured import of, places


def test_ciphers_that_come_with_postfix_pass() -> None:
    assert of(evaluate).outcome is Outcome.PASS


def test_export_ciphers_fail() -> None:
    result = of(evaluate, "smtpd_tls_mandatory_ciphers = export\n")
    assert result.outcome is Outcome.FAIL
    assert places(result) == ["main.cf:9", "main.cf:9"]


def test_list_at_security_level_0_fails() -> None:
    assert of(evaluate, "tls_medium_cipherlist = ALL:@SECLEVEL=0\n").outcome is Outcome.FAIL


def test_host_without_tls_does_not_apply() -> None:
    master = "smtp inet n - y - - smtpd\n"
    result = of(evaluate, "smtpd_tls_security_level = none\n", master=master)
    assert result.outcome is Outcome.NOT_APPLICABLE
