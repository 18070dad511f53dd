"""submission-login-failure-silent."""

import pytest

from audits.catalog.submission.login_failure_silent import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Silence, Unobserved
from audits.facts.login import RefusedLogins
from audits.facts.smtp import Reply
from tests.build import judge, reply, silent
from tests.catalog import wire
from tests.catalog.submission.logins import ALICE, REFUSED, exchange, refused


def of(seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.SUBMISSION, wire.msa(), seen)


@pytest.mark.parametrize(
    ("known", "unknown"),
    [
        (REFUSED, REFUSED),
        (
            reply(535, f"5.7.8 failed for {ALICE}"),
            reply(535, "5.7.8 failed for mailproof-1a2b3c4d@example.net"),
        ),
        (
            reply(535, "5.7.8 not accepted 4fb4d7f45d1cf-2c0a - gsmtp"),
            reply(535, "5.7.8 not accepted ffacd0b85a97d-391b - gsmtp"),
        ),
    ],
)
def test_same_words_pass_whatever_names_and_sessions_are_in_them(
    known: Reply, unknown: Reply
) -> None:
    assert of(refused(known, unknown)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("known", "unknown"),
    [
        (reply(535, "5.7.8 wrong password"), reply(535, "5.7.8 no such user")),
        (reply(535, "5.7.8 no"), reply(550, "5.7.8 no")),
        (reply(535, "5.7.8 no"), reply(535, "5.7.1 no")),
        (reply(535, "no"), reply(535, "no", "really")),
    ],
)
def test_words_or_codes_that_tell_users_apart_fail(known: Reply, unknown: Reply) -> None:
    result = of(refused(known, unknown))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.MEDIUM)
    assert known.text in result.violations[0].message
    assert unknown.text in result.violations[0].message


def test_refusal_before_the_password_was_asked_for_fails() -> None:
    result = of(refused(exchange(REFUSED, "LOGIN", 2), exchange(REFUSED, "LOGIN", 1)))
    assert result.outcome is Outcome.FAIL
    assert "after 2 challenges" in result.violations[0].message
    assert result.violations[0].message.endswith("after a challenge")


def test_server_that_hung_up_in_between_is_unknown() -> None:
    hung_up = Silence(Reason.DISCONNECTED, "the server closed the connection")
    result = of(refused(unknown=None, silence=hung_up))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.DISCONNECTED


def test_temporary_failure_is_unknown() -> None:
    assert of(refused(unknown=reply(454, "4.7.0 later"))).outcome is Outcome.UNKNOWN


def test_accepted_password_is_not_applicable() -> None:
    assert of(refused(reply(235, "in"), None)).outcome is Outcome.NOT_APPLICABLE


def test_no_declared_login_is_not_applicable() -> None:
    skipped = silent(RefusedLogins, wire.SUBMISSION, Reason.SKIPPED)
    assert of(skipped).outcome is Outcome.NOT_APPLICABLE
