"""submission-plaintext-session-refused."""

import pytest

from audits.catalog.submission.plaintext_session_refused import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Reason, Step, Unobserved
from audits.facts.smtp import MailInClear, Reply
from tests.build import judge, reply, silent
from tests.catalog import wire


def of(seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.SUBMISSION, wire.msa(), seen)


def said(answer: Reply) -> MailInClear:
    return MailInClear(wire.SUBMISSION, "probe@audit.example.org", answer)


@pytest.mark.parametrize("code", [530, 554, 550, 503])
def test_5yz_passes(code: int) -> None:
    assert of(said(reply(code, "5.7.0 Must issue a STARTTLS command first"))).outcome is (
        Outcome.PASS
    )


def test_accepted_mail_fails() -> None:
    result = of(said(reply(250, "2.1.0 Ok")))
    assert result.outcome is Outcome.FAIL
    assert result.step is Step.MAIL
    assert result.violations[0].message == "MAIL before TLS got 250 2.1.0 Ok"


@pytest.mark.parametrize(
    "answer", [reply(451, "4.3.0 later"), reply(421, "busy"), reply(550, "5.1.8 no such domain")]
)
def test_other_refusal_is_unknown(answer: Reply) -> None:
    assert of(said(answer)).outcome is Outcome.UNKNOWN


def test_closed_port_is_not_applicable() -> None:
    gone = silent(MailInClear, wire.SUBMISSION, Reason.REFUSED)
    assert of(gone).outcome is Outcome.NOT_APPLICABLE


def test_465_is_not_applicable() -> None:
    skipped = silent(MailInClear, wire.SUBMISSIONS, Reason.SKIPPED)
    result = judge(evaluate, wire.SUBMISSIONS, wire.msa(), skipped)
    assert result.outcome is Outcome.NOT_APPLICABLE
