"""submission-login-works."""

from typing import Any

import pytest

from audits.catalog.submission.login_works import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Step, Unobserved
from audits.facts.login import AccountLogin
from tests.build import judge, reply, silent
from tests.catalog import wire
from tests.catalog.submission.logins import REFUSED, exchange, login


def of(seen: Fact | Unobserved, **params: Any) -> Result:
    return judge(evaluate, wire.SUBMISSION, wire.msa(), seen, **params)


def scram(**fields: Any) -> AccountLogin:
    whole = {
        "exchange": exchange(reply(235, "2.7.0 Ok"), "SCRAM-SHA-256", 2),
        "iterations": 4096,
        "server": "proved",
    }
    return login(**(whole | fields))


def test_accepted_password_passes() -> None:
    assert of(login()).outcome is Outcome.PASS
    assert of(scram()).outcome is Outcome.PASS


def test_refused_password_fails_with_the_servers_words() -> None:
    result = of(login(REFUSED))
    assert (result.outcome, result.severity, result.step) == (
        Outcome.FAIL,
        Severity.HIGH,
        Step.AUTH,
    )
    assert result.violations[0].message == (
        "AUTH PLAIN as alice@example.net got 535 5.7.8 Error: authentication failed"
    )


@pytest.mark.parametrize("server", ["false", "unproved"])
def test_server_that_does_not_prove_itself_fails(server: str) -> None:
    assert of(scram(server=server)).outcome is Outcome.FAIL


def test_few_iterations_fail_mildly() -> None:
    result = of(scram(iterations=1000))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.LOW)
    assert of(scram(iterations=1000), min_iterations=1000).outcome is Outcome.PASS


def test_temporary_failure_is_unknown() -> None:
    result = of(login(reply(454, "4.7.0 Temporary authentication failure")))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.DEFERRED


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        (Reason.SKIPPED, Outcome.NOT_APPLICABLE),
        (Reason.NOT_OFFERED, Outcome.NOT_APPLICABLE),
        (Reason.TLS, Outcome.UNKNOWN),
        (Reason.NOT_DECLARED, Outcome.UNKNOWN),
    ],
)
def test_login_that_was_not_tried(reason: Reason, outcome: Outcome) -> None:
    assert of(silent(AccountLogin, wire.SUBMISSION, reason)).outcome is outcome
