"""smtp-greeting-valid."""

from typing import Any

import pytest

from audits.catalog.smtp.greeting_valid import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Reason, Step, Unobserved
from audits.facts.smtp import EhloReply, Greeting
from tests.build import judge, roles, silent
from tests.catalog import wire

EHLO = wire.ehlo(wire.MX, "PIPELINING")


def of(*seen: Fact | Unobserved, **params: Any) -> Result:
    return judge(evaluate, wire.MX, roles(), *seen, **params)


def test_greeting_with_the_host_s_name_passes() -> None:
    assert of(wire.greeting(), EHLO).outcome is Outcome.PASS


def test_refusing_greeting_fails() -> None:
    behind = silent(EhloReply, wire.MX, Reason.REFUSED)
    result = of(wire.greeting(code=554, text="no SMTP service here"), behind)
    assert result.outcome is Outcome.FAIL
    assert result.step is Step.GREETING
    assert result.violations[0].message == "the greeting was 554 no SMTP service here"


@pytest.mark.parametrize("text", ["", "ESMTP", "localhost ESMTP", "[192.0.2.10] ESMTP", "1.2.3.4"])
def test_greeting_without_a_full_name_fails(text: str) -> None:
    assert of(wire.greeting(text=text), EHLO).outcome is Outcome.FAIL


def test_greeting_slower_than_the_policy_allows_fails() -> None:
    slow = wire.greeting(elapsed_s=6.5)
    assert of(slow, EHLO).outcome is Outcome.PASS
    result = of(slow, EHLO, max_greeting_s=5.0)
    assert result.violations[0].message == "the greeting took 6.5 s of 5 s"


def test_greeting_that_never_came_is_unknown() -> None:
    unseen = [silent(kind, wire.MX, Reason.TIMEOUT) for kind in (Greeting, EhloReply)]
    assert of(*unseen).outcome is Outcome.UNKNOWN


def test_refused_ehlo_fails() -> None:
    result = of(wire.greeting(), wire.ehlo(wire.MX, code=502))
    assert result.outcome is Outcome.FAIL
    assert "EHLO was refused: 502" in result.violations[0].message


def test_silence_after_ehlo_is_unknown() -> None:
    result = of(wire.greeting(), silent(EhloReply, wire.MX, Reason.DISCONNECTED))
    assert result.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(("code", "reason"), [(421, Reason.THROTTLED), (450, Reason.DEFERRED)])
def test_greeting_that_puts_off_is_unknown(code: int, reason: Reason) -> None:
    behind = silent(EhloReply, wire.MX, reason)
    result = of(wire.greeting(code=code, text="busy"), behind)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is reason


def test_closed_port_is_not_applicable() -> None:
    gone = [silent(kind, wire.MX, Reason.REFUSED) for kind in (Greeting, EhloReply)]
    assert of(*gone).outcome is Outcome.NOT_APPLICABLE
