"""smtp-starttls-not-injectable."""

import pytest

from audits.catalog.smtp.starttls_not_injectable import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.conduct import InjectionAttempt, StarttlsInjection
from audits.facts.fact import Fact, Reason, Silence, Step, Unobserved
from tests.build import judge, reply, roles, silent
from tests.catalog import conduct, wire

EHLO = wire.ehlo_in_tls(wire.MX, "PIPELINING")
BYE = reply(221, "bye")
IN_STEP = conduct.attempt(EHLO.reply, BYE)
TURNED_AWAY = conduct.attempt(
    gap_s=0.05, ended=Silence(Reason.TLS, "the TLS handshake failed: alert unexpected_message")
)
OBEYED = conduct.attempt(reply(250, "2.0.0 OK"), EHLO.reply)


def of(*seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.MX, roles(), *seen)


def test_dropped_command_passes() -> None:
    result = of(conduct.injection(IN_STEP, TURNED_AWAY), EHLO)
    assert (result.outcome, result.step) == (Outcome.PASS, Step.STARTTLS)


@pytest.mark.parametrize(
    "attempt",
    [
        conduct.attempt(starttls=reply(554, "5.5.0 synchronization")),
        conduct.attempt(ended=conduct.HUNG_UP),
        TURNED_AWAY,
    ],
)
def test_client_that_is_turned_away_passes(attempt: InjectionAttempt) -> None:
    assert of(conduct.injection(attempt), EHLO).outcome is Outcome.PASS


def test_command_that_is_obeyed_inside_tls_fails() -> None:
    result = of(conduct.injection(OBEYED), EHLO)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message.startswith(
        "with NOOP sent in clear behind STARTTLS, EHLO inside TLS got 250 2.0.0 OK and 250"
    )


def test_late_command_that_is_obeyed_fails_too() -> None:
    late = conduct.attempt(*OBEYED.inside, gap_s=0.05)
    result = of(conduct.injection(IN_STEP, late), EHLO)
    assert "NOOP sent in clear 50 ms behind STARTTLS" in result.violations[0].message


def test_service_that_answers_ehlo_twice_is_unknown() -> None:
    chatty = conduct.attempt(EHLO.reply, reply(250, "and again"))
    result = of(conduct.injection(chatty), EHLO)
    assert result.unknown[0].reason is Reason.PROTOCOL


@pytest.mark.parametrize(
    ("attempt", "reason"),
    [
        (conduct.attempt(starttls=reply(454, "4.7.0 not now")), Reason.DEFERRED),
        (conduct.attempt(ended=Silence(Reason.TIMEOUT, "no reply")), Reason.TIMEOUT),
        (conduct.attempt(ended=Silence(Reason.THROTTLED, "421 busy")), Reason.THROTTLED),
        (conduct.attempt(EHLO.reply, ended=conduct.HUNG_UP), Reason.DISCONNECTED),
    ],
)
def test_attempt_without_an_end_is_unknown(attempt: InjectionAttempt, reason: Reason) -> None:
    result = of(conduct.injection(IN_STEP, attempt), EHLO)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is reason


def test_service_without_starttls_is_not_applicable() -> None:
    gone = silent(StarttlsInjection, wire.MX, Reason.NOT_OFFERED)
    assert of(gone, EHLO).outcome is Outcome.NOT_APPLICABLE
