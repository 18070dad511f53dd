"""The way of mail through a service."""

import pytest

from audits.facts.delivery import (
    Station,
    StationState,
    decisive,
    paths_into,
    relay_path,
    service_path,
    submission_path,
)
from audits.facts.fact import Fact, Reason, Step, Unobserved
from audits.facts.smtp import Line, Reply, RoleRecipient, StartTls, Transcript
from audits.facts.tls import TlsHandshake
from audits.subject import Domain, Path
from tests.build import addresses, mx, reply, roles, silent, snapshot
from tests.catalog import wire

PATH = Path("example.net", wire.HOST, wire.ADDRESS, 25)
OPEN = (
    mx((10, wire.HOST)),
    roles(),
    addresses(wire.HOST, wire.ADDRESS),
    wire.port(),
    wire.greeting(),
    wire.ehlo(wire.MX, "STARTTLS"),
)


def walk(*seen: Fact | Unobserved) -> dict[Step, Station]:
    return {station.step: station for station in relay_path(snapshot(*seen), PATH)}


def test_whole_way_is_passed_but_for_data() -> None:
    said = Transcript(
        wire.MX,
        (
            Line("C", "MAIL FROM:<>", 0.2),
            Line("C", "QUIT", 0.2),
            Line("S", "250 2.1.0 Ok", 0.25),
            Line("S", "221 2.0.0 Bye", 0.25),
        ),
    )
    way = walk(*OPEN, wire.starttls(wire.MX), wire.handshake(), wire.recipient(), said)
    assert list(way) == [
        Step.MX,
        Step.ADDRESS,
        Step.TCP,
        Step.GREETING,
        Step.EHLO,
        Step.STARTTLS,
        Step.TLS,
        Step.MAIL,
        Step.RCPT,
        Step.DATA,
        Step.QUIT,
    ]
    data = way.pop(Step.DATA)
    assert (data.state, data.answered) == (StationState.NOT_SENT, "not sent")
    assert {station.state for station in way.values()} == {StationState.PASSED}
    shown = [way[step].answered for step in (Step.MX, Step.GREETING, Step.TLS, Step.QUIT)]
    assert shown == ["MX 10", "220", "TLSv1.3", "221"]
    assert way[Step.TCP].elapsed_s == 0.021
    assert way[Step.QUIT].detail == "221 2.0.0 Bye"


def test_closed_port_breaks_the_way_and_nothing_behind_it_is_reached() -> None:
    at = (mx((10, wire.HOST)), addresses(wire.HOST, wire.ADDRESS))
    gone = [silent(kind, wire.MX, Reason.REFUSED) for kind in (StartTls, TlsHandshake)]
    way = relay_path(snapshot(*at, wire.port(state="closed", detail="refused"), *gone), PATH)
    assert decisive(way).step is Step.TCP
    assert decisive(way).state is StationState.BROKEN
    assert decisive(way).detail == "port 25 is closed: refused"
    behind = [s.state for s in way[3:] if s.step is not Step.DATA]
    assert set(behind) == {StationState.NOT_REACHED}


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (reply(250, "2.1.5 Ok"), StationState.PASSED, None),
        (wire.GREYLISTED, StationState.SILENT, Reason.DEFERRED),
        (reply(421, "4.7.0 Too many"), StationState.SILENT, Reason.THROTTLED),
        (wire.RELAYING_DENIED, StationState.BROKEN, None),
        (reply(550, "5.1.1 User unknown"), StationState.BROKEN, None),
        (
            reply(554, "5.7.1 Client host [203.0.113.2] blocked using bl.example"),
            StationState.SILENT,
            Reason.DENIED,
        ),
        (reply(550, "5.1.8 Domain not found"), StationState.SILENT, Reason.DENIED),
    ],
)
def test_reply_to_rcpt_decides(answer: Reply, state: StationState, reason: Reason | None) -> None:
    way = relay_path(snapshot(*OPEN, wire.recipient(rcpt=answer)), PATH)
    station = decisive(way)
    assert (station.step, station.state, station.reason) == (Step.RCPT, state, reason)
    assert station.detail == answer.text


def test_no_starttls_on_port_25_does_not_break_the_way() -> None:
    way = walk(*OPEN[:-1], wire.ehlo(wire.MX), wire.starttls(wire.MX, offered=False))
    assert way[Step.STARTTLS].state is StationState.NOT_SENT
    assert way[Step.STARTTLS].answered == "not offered"


def test_mail_that_passes_after_a_failed_handshake_arrives() -> None:
    seen = (*OPEN, wire.starttls(wire.MX), wire.handshake(error="alert 40"), wire.recipient())
    way = relay_path(snapshot(*seen), PATH)
    assert decisive(way).step is Step.RCPT
    assert [s.state for s in way if s.step is Step.TLS] == [StationState.BROKEN]


def test_failed_handshake_decides_where_nothing_was_asked_behind_it() -> None:
    unasked = silent(RoleRecipient, PATH, Reason.TLS)
    seen = (*OPEN, wire.starttls(wire.MX), wire.handshake(error="alert 40"), unasked)
    assert decisive(relay_path(snapshot(*seen), PATH)).step is Step.TLS


def test_host_of_somebody_else_is_not_asked_for_mailboxes() -> None:
    skipped = silent(RoleRecipient, PATH, Reason.SKIPPED, "not in the inventory")
    station = decisive(relay_path(snapshot(*OPEN, skipped), PATH))
    assert (station.step, station.state) == (Step.MAIL, StationState.NOT_SENT)
    assert station.reason is Reason.SKIPPED


def test_refused_ehlo_leaves_helo_open() -> None:
    seen = (*OPEN[:-1], wire.ehlo(wire.MX, code=502))
    station = decisive(relay_path(snapshot(*seen), PATH))
    assert (station.step, station.state) == (Step.EHLO, StationState.SILENT)


def test_submission_that_turns_strangers_away_is_passed() -> None:
    seen = snapshot(
        wire.port(wire.SUBMISSION),
        wire.greeting(wire.SUBMISSION),
        wire.ehlo(wire.SUBMISSION, "STARTTLS"),
        wire.starttls(wire.SUBMISSION),
        wire.handshake(wire.SUBMISSION),
        wire.ehlo_in_tls(wire.SUBMISSION, "AUTH PLAIN LOGIN"),
        wire.stranger(foreign=wire.RELAYING_DENIED, local=reply(554, "5.7.1 Access denied")),
    )
    way = {s.step: s for s in submission_path(seen, wire.SUBMISSION)}
    assert way[Step.AUTH].answered == "PLAIN LOGIN"
    assert way[Step.MAIL].state is way[Step.RCPT].state is StationState.PASSED
    assert way[Step.RCPT].answered == "454"


def test_submission_that_takes_a_stranger_s_mail_breaks_at_rcpt() -> None:
    taken = wire.stranger(foreign=wire.RELAYING_DENIED, local=reply(250, "2.1.5 Ok"))
    way = {s.step: s for s in submission_path(snapshot(taken), wire.SUBMISSION)}
    assert way[Step.RCPT].state is StationState.BROKEN
    assert way[Step.RCPT].pointer == "/local/reply"


def test_465_begins_with_tls() -> None:
    way = submission_path(snapshot(wire.port(wire.SUBMISSIONS)), wire.SUBMISSIONS)
    assert [s.step for s in way[:4]] == [Step.TCP, Step.TLS, Step.GREETING, Step.EHLO]


def test_port_25_of_a_host_has_no_mailbox_on_its_way() -> None:
    steps = [s.step for s in service_path(snapshot(wire.port()), wire.MX)]
    assert Step.RCPT not in steps
    assert steps[0] is Step.TCP


def test_paths_follow_preference_and_addresses() -> None:
    seen = snapshot(
        mx((10, wire.HOST), (20, "mx2.example.net")), roles(), roles("mx2.example.net", address="")
    )
    found = paths_into(seen, Domain("example.net"))
    assert [(p.host, p.address) for p in found] == [
        (wire.HOST, wire.ADDRESS),
        ("mx2.example.net", ""),
    ]
