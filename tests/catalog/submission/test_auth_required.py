"""submission-auth-required."""

from typing import Any

import pytest

from audits.catalog.submission.auth_required import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Step, Unobserved
from audits.facts.smtp import Reply, UnauthenticatedMail
from tests.build import judge, reply, silent
from tests.catalog import wire


def of(seen: Fact | Unobserved, **params: Any) -> Result:
    return judge(evaluate, wire.SUBMISSION, wire.msa(), seen, **params)


@pytest.mark.parametrize(
    "answer",
    [
        reply(530, "5.7.0 Authentication required"),
        reply(554, "5.7.1 <unknown[203.0.113.2]>: Client host rejected: Access denied"),
        reply(550, "relay not permitted"),
        wire.RELAYING_DENIED,
        reply(450, "4.7.1 <canary@sink.example.org>: Recipient address rejected"),
    ],
    ids=lambda r: r.text[:9],
)
def test_refusal_at_rcpt_passes(answer: Reply) -> None:
    assert of(wire.stranger(foreign=answer)).outcome is Outcome.PASS


def test_refusal_at_mail_passes() -> None:
    answer = reply(530, "5.7.0 Authentication required")
    assert of(wire.stranger(mail=answer)).outcome is Outcome.PASS
    assert of(wire.stranger(mail=answer), stage="mail").outcome is Outcome.PASS


def test_accepted_foreign_recipient_fails() -> None:
    result = of(wire.stranger(foreign=reply(250, "2.1.5 Ok")))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.CRITICAL)
    assert result.step is Step.RCPT
    assert "canary@sink.example.org without login got 250 2.1.5 Ok" in (
        result.violations[0].message
    )


def test_policy_may_ask_for_the_refusal_at_mail() -> None:
    refused_late = wire.stranger(foreign=wire.RELAYING_DENIED)
    assert of(refused_late, stage="mail").outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (wire.GREYLISTED, Reason.DEFERRED),
        (reply(451, "4.7.1 Greylisting in action, please come back later"), Reason.DEFERRED),
        (reply(451, "4.3.0 try again later"), Reason.DEFERRED),
        (reply(421, "4.7.1 too many connections"), Reason.THROTTLED),
        (reply(550, "5.1.8 sender domain not found"), Reason.DENIED),
        (reply(554, "5.7.1 Client host [203.0.113.2] blocked using zen.example"), Reason.DENIED),
    ],
    ids=lambda value: value.text[:9] if isinstance(value, Reply) else str(value),
)
def test_reply_that_says_nothing_of_logins_is_unknown(answer: Reply, reason: Reason) -> None:
    result = of(wire.stranger(foreign=answer))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is reason
    assert answer.text in result.unknown[0].detail


def test_nothing_foreign_tried_is_unknown() -> None:
    assert of(wire.stranger()).outcome is Outcome.UNKNOWN


def test_port_without_tls_is_not_applicable() -> None:
    unoffered = silent(UnauthenticatedMail, wire.SUBMISSION, Reason.NOT_OFFERED)
    assert of(unoffered).outcome is Outcome.NOT_APPLICABLE
