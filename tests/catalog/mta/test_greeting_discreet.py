"""mta-greeting-discreet."""

from audits.catalog.mta.greeting_discreet import evaluate
from audits.evaluate.verdict import Outcome
from tests.catalog.mta.configured import of, places

QUIET = "disable_vrfy_command = yes\n"


def test_greeting_without_version_passes() -> None:
    assert of(evaluate, QUIET).outcome is Outcome.PASS


def test_version_in_the_greeting_fails() -> None:
    result = of(evaluate, QUIET + "smtpd_banner = $myhostname $mail_name $mail_version\n")
    assert result.outcome is Outcome.FAIL
    assert places(result)[0] == "main.cf:10"


def test_vrfy_fails() -> None:
    assert of(evaluate).outcome is Outcome.FAIL


def test_null_client_does_not_apply() -> None:
    result = of(evaluate, "inet_interfaces = loopback-only\n")
    assert result.outcome is Outcome.NOT_APPLICABLE
