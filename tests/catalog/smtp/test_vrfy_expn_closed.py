"""smtp-vrfy-expn-closed."""

import pytest

from audits.catalog.smtp.vrfy_expn_closed import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.conduct import AddressCommands
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.smtp import Reply
from tests.build import judge, reply, roles, silent
from tests.catalog import conduct, wire

NOT_KNOWN = reply(502, "5.5.1 VRFY command is disabled")
NO_EXPN = reply(502, "5.5.2 Error: command not recognized")
CANNOT_SAY = reply(252, "2.0.0 cannot say")


def of(seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.MX, roles(), seen)


@pytest.mark.parametrize(
    ("known", "unknown"),
    [
        (NOT_KNOWN, None),
        (CANNOT_SAY, CANNOT_SAY),
        (reply(550, "5.7.1 no"), reply(550, "5.7.1 no")),
        (reply(530, "5.7.0 log in first"), reply(530, "5.7.0 log in first")),
    ],
)
def test_same_answer_for_everybody_passes(known: Reply, unknown: Reply | None) -> None:
    assert of(conduct.address_commands(known, unknown, NO_EXPN)).outcome is Outcome.PASS


def test_answers_that_tell_who_exists_fail() -> None:
    result = of(conduct.address_commands(CANNOT_SAY, conduct.UNKNOWN_USER, NO_EXPN))
    assert result.outcome is Outcome.FAIL
    assert "VRFY mailproof-00ff@example.net got 550 5.1.1" in result.violations[0].message


def test_confirmed_user_fails() -> None:
    verified = reply(250, "2.1.5 Postmaster <postmaster@example.net>")
    assert of(conduct.address_commands(verified, verified, NO_EXPN)).outcome is Outcome.FAIL
    assert of(conduct.address_commands(verified, None, NO_EXPN)).outcome is Outcome.FAIL


def test_expanded_list_fails() -> None:
    result = of(conduct.address_commands(NOT_KNOWN, None, reply(250, "<root@example.net>")))
    assert result.violations[0].message == (
        "EXPN postmaster@example.net got 250 <root@example.net>"
    )


@pytest.mark.parametrize(
    ("known", "unknown", "expansion"),
    [
        (reply(450, "4.2.0 Greylisted"), reply(550, "5.1.1 unknown"), NO_EXPN),
        (CANNOT_SAY, CANNOT_SAY, reply(451, "4.3.0 later")),
    ],
)
def test_answer_that_is_put_off_is_unknown(known: Reply, unknown: Reply, expansion: Reply) -> None:
    assert of(conduct.address_commands(known, unknown, expansion)).outcome is Outcome.UNKNOWN


def test_unasked_service_is_not_applicable() -> None:
    assert of(silent(AddressCommands, wire.MX, Reason.SKIPPED)).outcome is Outcome.NOT_APPLICABLE
