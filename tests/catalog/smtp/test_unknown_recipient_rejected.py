"""smtp-unknown-recipient-rejected."""

from audits.catalog.smtp.unknown_recipient_rejected import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.conduct import LocalRecipients
from audits.facts.fact import Fact, Reason, Unobserved
from tests.build import judge, reply, roles, silent
from tests.catalog import conduct, wire


def of(seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.MX, roles(), seen)


def test_refused_stranger_passes() -> None:
    assert of(conduct.recipients()).outcome is Outcome.PASS


def test_mailbox_for_whatever_comes_fails() -> None:
    result = of(conduct.recipients(unknown=conduct.OK))
    assert result.outcome is Outcome.FAIL
    message = "RCPT TO:<mailproof-00ff@example.net> got 250 2.0.0 Ok"
    assert result.violations[0].message == message


def test_refusal_that_postmaster_gets_too_is_unknown() -> None:
    blocked = reply(554, "5.7.1 client host blocked")
    assert of(conduct.recipients(known=blocked, unknown=blocked)).outcome is Outcome.UNKNOWN
    unknown = reply(550, "5.1.1 unknown user")
    assert of(conduct.recipients(known=unknown, unknown=unknown)).outcome is Outcome.PASS


def test_greylisted_stranger_is_unknown() -> None:
    result = of(conduct.recipients(unknown=wire.GREYLISTED))
    assert result.unknown[0].reason is Reason.DEFERRED


def test_refused_mail_is_unknown() -> None:
    refused = reply(550, "5.7.1 no")
    assert of(conduct.recipients(mail=refused)).outcome is Outcome.UNKNOWN


def test_service_that_is_not_asked_is_not_applicable() -> None:
    assert of(silent(LocalRecipients, wire.MX, Reason.SKIPPED)).outcome is Outcome.NOT_APPLICABLE
