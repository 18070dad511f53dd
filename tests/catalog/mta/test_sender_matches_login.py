"""mta-sender-matches-login, from outside."""

import pytest

from audits.catalog.mta.sender_matches_login import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Step, Unobserved
from audits.facts.login import OtherSender
from audits.facts.smtp import Reply
from audits.subject import MailHost
from tests.build import judge, reply, silent
from tests.catalog import wire
from tests.catalog.submission.logins import sent_as

OWNED = reply(553, "5.7.1 <boss@example.net>: Sender address rejected: not owned by user alice")
OK = reply(250, "2.1.5 Ok")


def of(*seen: Fact | Unobserved) -> Result:
    return judge(evaluate, MailHost(wire.HOST), wire.msa(465, 587), *seen)


@pytest.mark.parametrize("declared", [True, False])
def test_refusal_at_rcpt_passes(declared: bool) -> None:
    result = of(sent_as(OWNED, declared=declared), sent_as(OWNED, at=wire.SUBMISSIONS))
    assert result.outcome is Outcome.PASS
    assert len(result.evidence) == 2


def test_refusal_at_mail_passes() -> None:
    seen = sent_as(None, mail=reply(550, "not your address"))
    assert of(seen, silent(OtherSender, wire.SUBMISSIONS, Reason.SKIPPED)).outcome is Outcome.PASS


def test_accepted_other_sender_fails_at_its_port() -> None:
    result = of(sent_as(OK), sent_as(OWNED, at=wire.SUBMISSIONS))
    assert (result.outcome, result.severity, result.step) == (
        Outcome.FAIL,
        Severity.MEDIUM,
        Step.RCPT,
    )
    assert result.violations[0].message == (
        "port 587: mail from boss@example.net got 250 2.1.5 Ok after a login as alice@example.net"
    )


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (sent_as(reply(550, "5.1.0 <x>: User unknown"), declared=False), Reason.DENIED),
        (sent_as(reply(550, "Sender verify failed"), declared=False), Reason.DENIED),
        (sent_as(reply(450, "4.7.1 greylisted, try again later")), Reason.DEFERRED),
        (sent_as(OWNED, own=reply(550, "5.1.1 no such user")), Reason.DENIED),
        (sent_as(OWNED, own=reply(452, "4.2.2 mailbox full")), Reason.DEFERRED),
    ],
)
def test_refusal_for_another_reason_is_unknown(seen: OtherSender, reason: Reason) -> None:
    result = of(seen, sent_as(OWNED, at=wire.SUBMISSIONS))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is reason


@pytest.mark.parametrize(
    "words",
    [
        "5.7.1 <boss@verifies.example>: Sender address rejected: not owned by user alice",
        "5.7.1 boss@unknown.example is not an address of alice@unknown.example",
        "5.7.1 mail from exist.example is not for alice to send",
    ],
)
def test_domain_that_is_called_like_a_reason_is_none(words: str) -> None:
    refused = sent_as(reply(553, words), declared=False)
    assert of(refused, sent_as(OWNED, at=wire.SUBMISSIONS)).outcome is Outcome.PASS


@pytest.mark.parametrize("answer", [OK, OWNED])
def test_service_that_was_silent_leaves_only_failures_decided(answer: Reply) -> None:
    result = of(sent_as(answer), silent(OtherSender, wire.SUBMISSIONS, Reason.TIMEOUT))
    assert result.outcome is (Outcome.FAIL if answer is OK else Outcome.UNKNOWN)


def test_no_declared_login_is_not_applicable() -> None:
    skipped = [
        silent(OtherSender, at, Reason.SKIPPED, "the inventory declares no login for this host")
        for at in (wire.SUBMISSIONS, wire.SUBMISSION)
    ]
    result = of(*skipped)
    assert result.outcome is Outcome.NOT_APPLICABLE
    assert result.note == "the inventory declares no login for this host"
