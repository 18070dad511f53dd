"""submission-auth-refused-in-clear."""

import pytest

from audits.catalog.submission.auth_refused_in_clear import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Reason, Step, Unobserved
from audits.facts.smtp import AuthAttempt, AuthInClear, Reply
from tests.build import judge, reply, silent
from tests.catalog import wire

REFUSED = reply(538, "5.7.11 Encryption required")


def of(seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.SUBMISSION, wire.both(), seen)


def answers(plain: Reply, login: Reply = REFUSED) -> AuthInClear:
    attempts = (AuthAttempt("PLAIN", plain), AuthAttempt("LOGIN", login))
    return AuthInClear(wire.SUBMISSION, attempts)


@pytest.mark.parametrize("code", [530, 538, 502, 503, 504, 500, 535])
def test_5yz_passes(code: int) -> None:
    assert of(answers(reply(code, "no"))).outcome is Outcome.PASS


def test_334_fails_at_the_step_auth() -> None:
    result = of(answers(REFUSED, reply(334, "VXNlcm5hbWU6")))
    assert result.outcome is Outcome.FAIL
    assert result.step is Step.AUTH
    assert result.violations[0].message == "AUTH LOGIN in clear got 334 VXNlcm5hbWU6"


def test_4yz_is_unknown() -> None:
    result = of(answers(reply(454, "4.7.0 Temporary authentication failure")))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.DEFERRED


def test_334_outranks_4yz() -> None:
    assert of(answers(reply(454, "later"), reply(334, ""))).outcome is Outcome.FAIL


def test_nothing_tried_is_unknown() -> None:
    assert of(AuthInClear(wire.SUBMISSION, ())).outcome is Outcome.UNKNOWN


def test_465_is_not_applicable() -> None:
    skipped = silent(AuthInClear, wire.SUBMISSION, Reason.SKIPPED, "465 is TLS from the start")
    assert of(skipped).outcome is Outcome.NOT_APPLICABLE


def test_host_of_somebody_else_is_not_applicable() -> None:
    skipped = silent(AuthInClear, wire.MX, Reason.SKIPPED, "not in the inventory")
    result = judge(evaluate, wire.MX, wire.foreign(), skipped)
    assert (result.outcome, result.note) == (Outcome.NOT_APPLICABLE, "not in the inventory")
