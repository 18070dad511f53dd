"""mta-logins-proven."""

from audits.catalog.mta.logins_proven import evaluate
from audits.evaluate.verdict import Outcome
from tests.catalog.mta.configured import of, places


def test_login_without_anonymous_passes() -> None:
    assert of(evaluate).outcome is Outcome.PASS


def test_anonymous_login_fails() -> None:
    result = of(evaluate, "smtpd_sasl_security_options =\n")
    assert result.outcome is Outcome.FAIL
    assert places(result) == ["main.cf:9", "main.cf:9"]


def test_host_without_logins_does_not_apply() -> None:
    assert of(evaluate, master="smtp inet n - y - - smtpd\n").outcome is Outcome.NOT_APPLICABLE
