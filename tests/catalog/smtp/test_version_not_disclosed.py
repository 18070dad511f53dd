"""smtp-version-not-disclosed."""

import pytest

from audits.catalog.smtp.version_not_disclosed import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.conduct import HelpReply
from audits.facts.fact import Fact, Reason, Unobserved
from tests.build import judge, reply, roles, silent
from tests.catalog import conduct, wire

HELP = conduct.help_reply(reply(502, "5.5.2 Error: command not recognized"))
EHLO = wire.ehlo(wire.MX, "PIPELINING", "SIZE 10240000")


def of(*seen: Fact | Unobserved, patterns: tuple[str, ...] | None = None) -> Result:
    params = {} if patterns is None else {"patterns": patterns}
    return judge(evaluate, wire.MX, roles(), *seen, **params)


@pytest.mark.parametrize(
    "text",
    [
        "mx1.example.net ESMTP",
        "mx1.example.net ESMTP Postfix (Debian/GNU)",
        "mx1.example.net ESMTP OpenSMTPD",
        "exchange-10.5.example.net ESMTP",
        "mx1.example.net Microsoft ESMTP MAIL Service ready at Mon, 23 Nov 2026 16:36:56 +0000",
        "mx1.example.net ESMTP Exim Mon, 23 Nov 2026 16:36:56 +0000",
    ],
)
def test_product_without_number_passes(text: str) -> None:
    assert of(wire.greeting(text=text), EHLO, HELP).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mx1.example.net ESMTP Exim 4.96 Mon, 23 Nov 2026 16:36:56 +0000", "Exim 4.96"),
        ("mx1.example.net ESMTP Postfix (3.7.11)", "Postfix (3.7.11"),
        ("mx1.example.net ESMTP Sendmail 8.15.2/8.15.2/Debian", "Sendmail 8.15.2"),
        (
            "mx1.example.net Microsoft ESMTP MAIL Service, Version: 10.0.14393.4169 ready",
            "Microsoft ESMTP MAIL Service, Version: 10.0.14393.4169",
        ),
        ("mx1.example.net ESMTP Haraka/3.0.1 ready", "Haraka/3.0.1"),
    ],
)
def test_version_in_the_greeting_fails(text: str, shown: str) -> None:
    result = of(wire.greeting(text=text), EHLO, HELP)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == f"the greeting says {shown!r}"


def test_version_in_the_reply_to_help_fails() -> None:
    told = conduct.help_reply(reply(214, "2.0.0 This is sendmail version 8.15.2"))
    result = of(wire.greeting(), EHLO, told)
    assert result.violations[0].message.startswith("the reply to HELP says 'sendmail version 8.15")


def test_address_of_the_client_is_no_version() -> None:
    hello = wire.ehlo(wire.MX, "X-GREETING postfix Hello audit.example.org [192.0.2.1]")
    assert of(wire.greeting(), hello, HELP).outcome is Outcome.PASS


def test_own_patterns_replace_the_built_in_ones() -> None:
    seen = (wire.greeting(text="mx1.example.net ESMTP Exim 4.96 build ab12"), EHLO, HELP)
    result = of(*seen, patterns=("build [0-9a-f]+",))
    assert [v.message for v in result.violations] == ["the greeting says 'build ab12'"]


def test_service_that_hides_its_help_is_unknown() -> None:
    hidden = silent(HelpReply, wire.MX, Reason.TIMEOUT)
    assert of(wire.greeting(), EHLO, hidden).outcome is Outcome.UNKNOWN


def test_host_of_somebody_else_is_judged_by_what_a_sender_sees() -> None:
    hidden = silent(HelpReply, wire.MX, Reason.SKIPPED)
    seen = (wire.greeting(text="mx1.example.net ESMTP Exim 4.96"), EHLO, hidden)
    assert judge(evaluate, wire.MX, wire.foreign(), *seen).outcome is Outcome.FAIL
    assert of(wire.greeting(), EHLO, hidden).outcome is Outcome.PASS
