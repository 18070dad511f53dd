"""mta-smuggling-protection-on."""

from audits.catalog.mta.smuggling_protection_on import evaluate
from audits.evaluate.verdict import Outcome
from tests.catalog.mta.configured import of


def test_version_with_the_protection_by_default_passes() -> None:
    assert of(evaluate, version="3.9.1").outcome is Outcome.PASS


def test_protection_that_is_off_by_default_fails() -> None:
    result = of(evaluate, version="3.8.6")
    assert result.outcome is Outcome.FAIL
    assert "ends a message at a bare newline" in result.violations[0].message


def test_version_that_cannot_be_protected_fails() -> None:
    result = of(evaluate, version="3.7.3")
    assert "this version has no smtpd_forbid_bare_newline" in result.violations[0].message


def test_null_client_does_not_apply() -> None:
    result = of(evaluate, "inet_interfaces = loopback-only\n")
    assert result.outcome is Outcome.NOT_APPLICABLE
