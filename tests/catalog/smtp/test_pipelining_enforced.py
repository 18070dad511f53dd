"""smtp-pipelining-enforced."""

from msgspec.structs import replace

from audits.catalog.smtp.pipelining_enforced import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.conduct import EarlyTalk
from audits.facts.fact import Fact, Reason, Silence, Step, Unobserved
from tests.build import judge, roles, silent
from tests.catalog import conduct, wire


def of(seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.MX, roles(), seen)


def test_refusal_passes() -> None:
    assert of(conduct.early(220, 554, ended=conduct.HUNG_UP)).outcome is Outcome.PASS
    result = of(conduct.early(554))
    assert (result.outcome, result.step) == (Outcome.PASS, Step.GREETING)


def test_end_of_the_connection_passes() -> None:
    assert of(conduct.early(220, ended=conduct.HUNG_UP)).outcome is Outcome.PASS


def test_421_that_speaks_of_the_order_passes_and_another_is_unknown() -> None:
    order = Silence(Reason.THROTTLED, "421 4.7.0 Protocol error: talked too soon")
    assert of(conduct.early(220, ended=order)).outcome is Outcome.PASS
    busy = Silence(Reason.THROTTLED, "421 4.7.0 too many connections")
    assert of(conduct.early(ended=busy)).unknown[0].reason is Reason.THROTTLED


def test_answered_early_talker_fails() -> None:
    result = of(conduct.early(220, 250, 250))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == (
        "EHLO and NOOP, sent before the greeting was read, got 220, 250, 250"
    )


def test_early_talk_that_is_on_offer_is_not_applicable() -> None:
    seen = conduct.early(220, 250, 250)
    greeting, ehlo, noop = seen.replies
    offer = replace(ehlo, lines=("mx1.example.net Hello", "PIPELINING", "PIPECONNECT", "HELP"))
    result = of(replace(seen, replies=(greeting, offer, noop)))
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_early_talker_who_is_put_off_is_unknown() -> None:
    assert of(conduct.early(220, 451, 250)).unknown[0].reason is Reason.DEFERRED


def test_missing_reply_is_unknown() -> None:
    late = Silence(Reason.TIMEOUT, "no reply to NOOP within 30 s")
    assert of(conduct.early(220, 250, ended=late)).unknown[0].reason is Reason.TIMEOUT


def test_service_that_is_not_asked_is_not_applicable() -> None:
    assert of(silent(EarlyTalk, wire.MX, Reason.SKIPPED)).outcome is Outcome.NOT_APPLICABLE
