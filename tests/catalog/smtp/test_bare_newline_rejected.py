"""smtp-bare-newline-rejected."""

import pytest

from audits.catalog.smtp.bare_newline_rejected import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.conduct import SmuggledEnd, Smuggling
from audits.facts.fact import Fact, Reason, Silence, Unobserved
from tests.build import judge, reply, roles, silent
from tests.catalog import wire

IGNORED = SmuggledEnd("LF.LF", 5.0, None, None, None)
TAKEN = SmuggledEnd("LF.CRLF", 5.0, reply(250, "queued as 4F2"), reply(250, "ok"), None)
UNASKED = silent(Smuggling, wire.MX, Reason.SKIPPED, "only asked with --smuggling")


def of(seen: Fact | Unobserved, mode: str = "config") -> Result:
    return judge(evaluate, wire.MX, roles(), seen, mode=mode)


def tried(*ends: SmuggledEnd) -> Smuggling:
    return Smuggling(wire.MX, "canary@example.net", ends)


@pytest.mark.parametrize(
    "end",
    [
        IGNORED,
        SmuggledEnd("LF.LF", 5.0, reply(521, "5.5.2 bare <LF>"), None, None),
        SmuggledEnd("LF.LF", 5.0, None, None, Silence(Reason.DISCONNECTED, "closed")),
    ],
)
def test_false_end_that_is_not_taken_passes(end: SmuggledEnd) -> None:
    assert of(tried(end)).outcome is Outcome.PASS


def test_false_end_that_is_taken_fails() -> None:
    result = of(tried(IGNORED, TAKEN))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == (
        "a message that ends in LF.CRLF got 250 queued as 4F2, and NOOP behind it 250 ok"
    )


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (SmuggledEnd("LF.LF", 0.0, None, None, Silence(Reason.DENIED, "DATA got 554")), "denied"),
        (
            SmuggledEnd("LF.LF", 0.0, None, None, Silence(Reason.DISCONNECTED, "no reply to DATA")),
            "disconnected",
        ),
        (SmuggledEnd("LF.LF", 5.0, reply(451, "4.3.0 later"), None, None), "deferred"),
    ],
)
def test_message_that_is_not_taken_at_all_is_unknown(end: SmuggledEnd, reason: str) -> None:
    result = of(tried(IGNORED, end))
    assert (result.outcome, result.unknown[0].reason) == (Outcome.UNKNOWN, Reason(reason))


def test_unasked_is_left_to_the_configuration_unless_it_must_be_tried() -> None:
    assert of(UNASKED).outcome is Outcome.NOT_APPLICABLE
    assert of(UNASKED, mode="active").outcome is Outcome.UNKNOWN
    foreign = judge(evaluate, wire.MX, wire.foreign(), UNASKED, mode="active")
    assert foreign.outcome is Outcome.NOT_APPLICABLE


def test_missing_mailbox_is_unknown() -> None:
    assert of(silent(Smuggling, wire.MX, Reason.NOT_DECLARED)).outcome is Outcome.UNKNOWN
