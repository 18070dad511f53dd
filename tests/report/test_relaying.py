"""What services said to attempts at relaying, at a glance."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from audits.facts.fact import Observed, Provenance
from audits.facts.relay import DataReply, Delivery, FormOutcome, RelayForm, RelayProbes
from audits.facts.smtp import Reply
from audits.facts.snapshot import SCHEMA, Header, Snapshot
from audits.report.relaying import RelayRow, relay_rows
from audits.subject import MailHost, Service
from tests.build import reply, roles

AT = datetime(2026, 11, 23, tzinfo=UTC)
MX = Service("mx.example.net", "192.0.2.1", 25)
OPEN = reply(250, "2.1.5 Ok")
DENIED = reply(454, "4.7.1 Relay access denied")


def form(
    outcome: FormOutcome, rcpt: Reply | None, label: str = "<S> U@D", **changes: object
) -> RelayForm:
    asked = RelayForm(
        "P01", label, "me", False, "s@example.org", "u@sink.example", OPEN, rcpt, outcome, "lost"
    )
    return replace(asked, **changes)


def row(*forms: RelayForm, **changes: object) -> RelayRow:
    probes = RelayProbes(MX, "203.0.113.2", False, forms, (), (), None)
    stated = replace(roles(MX.host), services=(MX,))
    seen = [
        Observed(fact, Provenance("c", "office", AT, "live"))
        for fact in (stated, replace(probes, **changes))
    ]
    (found,) = relay_rows(MailHost(MX.host), Snapshot(Header(SCHEMA, "r", "office", AT, "0"), seen))
    return found


def test_forms_stand_by_what_they_came_to_the_accepted_first() -> None:
    found = row(
        form(FormOutcome.DENIED, DENIED),
        form(FormOutcome.ACCEPTED, OPEN, "<> U@D", pattern="P02", encrypted=True),
        form(FormOutcome.DENIED, DENIED, "<S> U%D@H", pattern=""),
        form(FormOutcome.NOT_TESTED, None, "<S> D!U", mail=None),
    )
    assert [(a.mark, a.words, a.forms, a.said) for a in found.answers] == [
        ("fail", "1 accepted inside TLS", ("P02 <> U@D",), "250 2.1.5 Ok"),
        ("unknown", "1 not tested", ("P01 <S> D!U",), "lost"),
        ("pass", "2 denied", ("P01 <S> U@D", "<S> U%D@H"), "454 4.7.1 Relay access denied"),
    ]


def test_refusal_of_a_domain_that_leads_nowhere_is_no_pass() -> None:
    nowhere = reply(550, "5.1.2 Unrouteable address")
    (answer,) = row(form(FormOutcome.DENIED, nowhere)).answers
    assert (answer.mark, answer.words) == ("unknown", "1 denied, not about relaying")


def test_vantage_and_controls_are_told() -> None:
    controls = (form(FormOutcome.ACCEPTED, OPEN), form(FormOutcome.DENIED, DENIED))
    found = row(form(FormOutcome.DENIED, DENIED), controls=controls, trusted_vantage=True)
    assert found.notes == (
        "asked from 203.0.113.2, an address that belongs to the host itself",
        "recipients that exist nowhere: 1 accepted, 1 denied",
    )


SENT = Delivery("<S> U@D", "s@x", "u@y", "t", OPEN, "", (MX.host,), None, 60.0, None)


@pytest.mark.parametrize(
    ("delivery", "words"),
    [
        (SENT, "taken, and not there after 60 s"),
        (replace(SENT, received=(f"by {MX.host}",)), "arrived after 60 s, through this host"),
        (replace(SENT, received=()), "arrived, without a word of this host in Received"),
        (replace(SENT, reply=reply(550, "no")), "not taken: 550 no"),
        (replace(SENT, unread="no login"), "taken; the mailbox can't be read: no login"),
    ],
)
def test_what_became_of_data_and_message_is_told(delivery: Delivery, words: str) -> None:
    data = (DataReply(0, reply(354, "go"), ""),)
    found = row(form(FormOutcome.ACCEPTED, OPEN), data=data, delivery=delivery)
    assert found.notes[1:] == (
        "DATA behind 1 accepted form: 354",
        f"message by <S> U@D: {words}",
    )


def test_words_of_a_server_are_escaped_and_cut() -> None:
    hostile = form(FormOutcome.DENIED, reply(550, "\x1b[2J" + "x" * 900))
    (answer,) = row(hostile).answers
    assert "\x1b" not in answer.said
    assert len(answer.said) < 200
