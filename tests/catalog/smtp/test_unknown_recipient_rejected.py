"""smtp-unknown-recipient-rejected."""

from audits.catalog.smtp.unknown_recipient_rejected import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.conduct import LocalRecipients
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.relay import BackscatterProbe, Delivery, FormOutcome, RelayForm
from tests.build import judge, reply, roles, silent
from tests.catalog import conduct, wire


def of(seen: Fact | Unobserved, backscatter: Fact | None = None) -> Result:
    silence = silent(BackscatterProbe, wire.MX, Reason.NOT_COLLECTED)
    return judge(evaluate, wire.MX, roles(), seen, backscatter or silence)


def probe(received: tuple[str, ...] | None) -> BackscatterProbe:
    """A message to a mailbox that nobody has, and what came back of it."""
    sender, to = "canary+00ff@sink.example.org", "mailproof-00ff@example.net"
    taken = reply(250, "2.0.0 Ok: queued")
    control = RelayForm(
        "", "<S> <random>@served", "us", False, sender, to, taken, taken, FormOutcome.ACCEPTED, ""
    )
    bounce = Delivery(control.label, sender, to, "00ff", taken, "", (), received, 1.5, None)
    return BackscatterProbe(wire.MX, "example.net", control, bounce)


def test_refused_stranger_passes() -> None:
    assert of(conduct.recipients()).outcome is Outcome.PASS


def test_mailbox_for_whatever_comes_fails() -> None:
    result = of(conduct.recipients(unknown=conduct.OK))
    assert result.outcome is Outcome.FAIL
    message = "RCPT TO:<mailproof-00ff@example.net> got 250 2.0.0 Ok"
    assert result.violations[0].message == message


def test_message_that_comes_back_is_a_violation_of_its_own() -> None:
    result = of(conduct.recipients(unknown=conduct.OK), probe(("from mx by sink",)))
    _, returned = result.violations
    assert returned.message == "what it accepts comes back: a notification arrived after 1.5 s"
    assert [e.quote for e in returned.evidence] == [
        "from mx by sink",
        "MAIL FROM:<canary+00ff@sink.example.org>",
    ]


def test_message_that_stays_away_is_none() -> None:
    result = of(conduct.recipients(unknown=conduct.OK), probe(None))
    assert len(result.violations) == 1


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
