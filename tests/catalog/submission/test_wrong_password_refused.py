"""submission-wrong-password-refused."""

from audits.catalog.submission.wrong_password_refused import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.login import RefusedLogins
from tests.build import judge, reply, silent
from tests.catalog import wire
from tests.catalog.submission.logins import REFUSED, refused

TAKEN = reply(235, "2.7.0 Authentication successful")


def of(seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.SUBMISSION, wire.msa(), seen)


def test_535_to_both_passes() -> None:
    result = of(refused())
    assert result.outcome is Outcome.PASS
    assert len(result.evidence) == 2


def test_accepted_random_password_fails_critically() -> None:
    result = of(refused(TAKEN, None))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.CRITICAL)
    assert "as alice@example.net with a random password got 235" in result.violations[0].message


def test_accepted_unknown_user_fails_critically() -> None:
    result = of(refused(REFUSED, TAKEN))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.CRITICAL)
    assert "as a user who does not exist" in result.violations[0].message


def test_refusal_with_another_code_fails_mildly() -> None:
    result = of(refused(reply(550, "no"), reply(550, "no")))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.LOW)


def test_temporary_failure_is_unknown() -> None:
    result = of(refused(reply(454, "4.7.0 later")))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.DEFERRED


def test_other_services_of_the_account_are_not_applicable() -> None:
    skipped = silent(RefusedLogins, wire.SUBMISSION, Reason.SKIPPED)
    assert of(skipped).outcome is Outcome.NOT_APPLICABLE
