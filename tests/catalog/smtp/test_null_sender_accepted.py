"""smtp-null-sender-accepted."""

from audits.catalog.smtp.null_sender_accepted import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.conduct import LocalRecipients
from audits.facts.fact import Fact, Reason, Step, Unobserved
from tests.build import judge, reply, roles, silent
from tests.catalog import conduct, wire

REFUSED = reply(550, "5.7.1 null sender refused")


def of(seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.MX, roles(), seen)


def test_accepted_null_sender_passes() -> None:
    result = of(conduct.recipients())
    assert (result.outcome, result.step) == (Outcome.PASS, Step.RCPT)


def test_null_sender_that_is_refused_at_mail_fails() -> None:
    result = of(conduct.recipients(null_mail=REFUSED))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "MAIL FROM:<> got 550 5.7.1 null sender refused"


def test_null_sender_that_is_refused_at_rcpt_fails() -> None:
    result = of(conduct.recipients(null_rcpt=REFUSED))
    assert result.violations[0].message.startswith("RCPT behind MAIL FROM:<> got 550")


def test_refusal_that_others_get_too_is_unknown() -> None:
    refused = reply(550, "5.1.1 unknown user")
    assert of(conduct.recipients(known=refused, null_rcpt=refused)).outcome is Outcome.UNKNOWN
    assert of(conduct.recipients(mail=REFUSED, null_mail=REFUSED)).outcome is Outcome.UNKNOWN


def test_greylisted_null_sender_is_unknown() -> None:
    result = of(conduct.recipients(null_rcpt=wire.GREYLISTED))
    assert result.unknown[0].reason is Reason.DEFERRED


def test_throttled_service_is_unknown() -> None:
    assert of(silent(LocalRecipients, wire.MX, Reason.THROTTLED)).outcome is Outcome.UNKNOWN


def test_service_that_is_not_asked_is_not_applicable() -> None:
    assert of(silent(LocalRecipients, wire.MX, Reason.SKIPPED)).outcome is Outcome.NOT_APPLICABLE
