"""A trace in words: on whose side a port is filtered, and what becomes of a message."""

from datetime import UTC, datetime

import pytest
from msgspec import structs

from audits.facts.delivery import Station, StationState
from audits.facts.fact import Reason, Step
from audits.facts.trace import Arrival, Trace, TraceStep
from audits.report.trace import arrival_lines, remarks, result, trace_object, verdict

AT = datetime(2026, 11, 23, tzinfo=UTC)
OPEN = Station(Step.TCP, StationState.PASSED, "open", "port 25 is open")
FILTERED = Station(Step.TCP, StationState.SILENT, "filtered", "no answer", reason=Reason.FILTERED)
TAKEN = Station(Step.RCPT, StationState.PASSED, "250", "250 Ok")
REFUSED = Station(Step.RCPT, StationState.BROKEN, "550", "550 5.1.1 no")
PUT_OFF = Station(Step.RCPT, StationState.SILENT, "450", "450 later", reason=Reason.DEFERRED)
SENT = Station(Step.DATA, StationState.PASSED, "250", "250 2.0.0 Ok: queued")
DENIED = Station(Step.RCPT, StationState.BROKEN, "454", "454 4.7.1 Relay access denied")


def trace(*visits: tuple[Station, ...]) -> Trace:
    """A walk to one host for each visit."""
    steps = tuple(
        TraceStep(n, f"mx{n}.example.net", f"192.0.2.{n}", 25, station, 0.01, AT)
        for n, visit in enumerate(visits, 1)
        for station in visit
    )
    return Trace("bo@example.org", "ana@example.net", None, False, steps)


def test_filter_is_theirs_where_another_host_answered() -> None:
    (remark,) = remarks(trace((FILTERED,), (OPEN, TAKEN)))
    assert "let out here, since mx2.example.net answered" in remark
    assert remark.endswith("on the side of mx1.example.net.")


def test_filter_is_likely_ours_where_no_host_answered() -> None:
    (remark,) = remarks(trace((FILTERED,), (FILTERED,)))
    assert "most likely this network does not let it out" in remark


def test_one_filtered_host_says_nothing_of_the_side() -> None:
    assert remarks(trace((FILTERED,))) == ()
    assert remarks(trace((OPEN, TAKEN))) == ()


@pytest.mark.parametrize(
    ("visits", "outcome", "words"),
    [
        (((OPEN, TAKEN),), "through", "hand a message to ana@example.net over to mx1.example.net"),
        (((FILTERED,), (OPEN, TAKEN)), "through", "over to mx2.example.net"),
        (((OPEN, REFUSED), (OPEN, TAKEN)), "breaks", "what mx1.example.net says is final"),
        (((OPEN, DENIED),), "breaks", "keeps it in its queue"),
        (((OPEN, DENIED), (OPEN, PUT_OFF)), "undecided", "tries again later"),
        (((FILTERED,),), "undecided", "tries again later"),
    ],
)
def test_first_visit_that_settles_it_settles_it(
    visits: tuple[tuple[Station, ...], ...], outcome: str, words: str
) -> None:
    made = trace(*visits)
    assert result(made) == outcome
    assert words in verdict(made)


@pytest.mark.parametrize(
    ("visits", "now", "words"),
    [
        ((), None, "Interrupted before it was known what becomes of a message to ana@example.net."),
        (((OPEN,),), None, "Interrupted before it was known"),
        (((OPEN, DENIED),), None, "Interrupted before it was known"),
        (((OPEN, SENT),), "delivers", "Delivered: mx1.example.net has taken the message"),
        (((OPEN, REFUSED),), "bounces", "what mx1.example.net says is final"),
    ],
)
def test_interrupt_leaves_what_was_settled_and_decides_nothing(
    visits: tuple[tuple[Station, ...], ...], now: str | None, words: str
) -> None:
    made = structs.replace(trace(*visits), interrupted=True)
    found = trace_object(made, started="", vantage="here", version="0")
    assert (found["interrupted"], found["result"]) == (True, "undecided")
    assert found["message_now"] == now
    assert words in found["sentence"]


def test_arrival_is_told_with_what_others_wrote_made_safe() -> None:
    judged, foreign = ("mx.example.net; spf=pass",), ("b.example; dkim=pass\x07",)
    found = Arrival(True, None, ("from a\x1b[2J by b",), judged, 0.5, foreign)
    assert arrival_lines(found) == (
        "It arrived after 500 ms.",
        r"Received: from a\x1b[2J by b",
        "Authentication-Results: mx.example.net; spf=pass",
        "Authentication-Results in the name of no server on the way, not to be believed: "
        r"b.example; dkim=pass\x07",
    )
