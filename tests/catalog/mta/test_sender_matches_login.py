"""mta-sender-matches-login, on the wire and by configuration."""

from typing import Any

import pytest

from audits.catalog.mta.sender_matches_login import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Step, Unobserved
from audits.facts.login import OtherSender
from audits.facts.mta import MtaListeners
from audits.facts.smtp import Reply
from audits.subject import MailHost
from tests.build import judge, reply, silent
from tests.catalog import wire
from tests.catalog.submission.logins import sent_as
from tests.parse.postfix.configs import reading

OWNED = reply(553, "5.7.1 <boss@example.net>: Sender address rejected: not owned by user alice")
OK = reply(250, "2.1.5 Ok")


def of(*seen: Fact | Unobserved, **params: Any) -> Result:
    return judge(evaluate, MailHost(wire.HOST), wire.msa(465, 587), *seen, **params)


def by_files(*seen: Fact | Unobserved, **params: Any) -> Result:
    """The verdict on a host with one service, on port 587."""
    return judge(evaluate, MailHost(wire.HOST), wire.msa(587), *seen, **params)


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


RULE = (
    "smtpd_sender_login_maps = texthash:/etc/postfix/logins\n"
    "smtpd_sender_restrictions = reject_sender_login_mismatch\n"
)
UNKNOWN_USER = reply(550, "5.1.0 <x>: User unknown")


def written(extra: str) -> MtaListeners:
    """What a Postfix with users on port 587 is configured to do."""
    return MtaListeners(MailHost(wire.HOST), reading(extra).listeners)


def test_rule_in_the_configuration_passes() -> None:
    result = by_files(written(RULE))
    assert result.outcome is Outcome.PASS
    assert [str(evidence.place) for evidence in result.evidence] == ["main.cf:10", "main.cf:9"]


def test_configuration_without_a_rule_leaves_it_to_a_milter() -> None:
    result = by_files(written(""))
    assert result.outcome is Outcome.UNKNOWN
    assert "lets users send as others by its files alone" in result.unknown[0].detail


def test_configuration_without_a_rule_fails_where_one_is_required() -> None:
    result = by_files(written(""), rule_required=True)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message.startswith("submission inet of postfix lets users send")


def test_configuration_settles_what_the_wire_leaves_open() -> None:
    assert by_files(sent_as(UNKNOWN_USER, declared=False), written(RULE)).outcome is Outcome.PASS
    assert by_files(sent_as(UNKNOWN_USER, declared=False), written("")).outcome is Outcome.UNKNOWN


def test_wire_settles_what_the_configuration_leaves_open() -> None:
    assert by_files(sent_as(OWNED), written("")).outcome is Outcome.PASS


def test_accepted_sender_fails_whatever_the_configuration_says() -> None:
    assert by_files(sent_as(OK), written(RULE)).outcome is Outcome.FAIL


def test_configuration_that_was_denied_is_unknown() -> None:
    denied = silent(MtaListeners, MailHost(wire.HOST), Reason.DENIED, "permission denied")
    assert by_files(denied).outcome is Outcome.UNKNOWN
    assert by_files(sent_as(OWNED), denied).outcome is Outcome.PASS
