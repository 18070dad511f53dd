"""What relay probes do beyond RCPT, where they were asked to."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from audits.collect.live.beyond import UP_TO_RCPT, Beyond
from audits.collect.live.canary import Canary
from audits.collect.live.mailbox import MaildirMailbox
from audits.collect.sink import Sink
from audits.facts.fact import Fact, Observed
from audits.facts.relay import BackscatterProbe, Delivery, FormOutcome, RelayProbes
from audits.facts.snapshot import Snapshot
from tests.build import PROVENANCE
from tests.collect.walking import SETTINGS, fleet, service, try_relaying
from tests.servers.relaying import NAME, Taking, taking

MAILBOX = "canary@sink.example.org"
CATCH_ALL = "example.net"
LIMITS = replace(SETTINGS.limits, reply_s=2.0, host_s=10.0)


def walked(
    server: Taking,
    tmp_path: Path,
    *,
    canary: bool = False,
    data_abort: bool = False,
    window_s: float = 3.0,
    known: Iterable[Fact] = (),
    forward: bool = True,
    **about: Any,
) -> Snapshot:
    """Relay probes of a server that may pass messages on to a sink; the snapshot afterwards."""

    async def run() -> Snapshot:
        async with Sink(tmp_path, MAILBOX) as sink, taking(server):
            await sink.start("127.0.0.1", 0)
            if forward:
                server.forwards_to = sink.port
            sent = Canary(MAILBOX, MaildirMailbox(tmp_path), window_s) if canary else None
            beyond = Beyond(data_abort, sent) if canary or data_abort else UP_TO_RCPT
            seen = fleet(server.port, **({"domains": ("example.net",)} | about))
            seen.add(Observed(fact, PROVENANCE) for fact in known)
            settings = replace(SETTINGS, limits=LIMITS)
            return await try_relaying(seen, settings=settings, beyond=beyond)

    return asyncio.run(run())


def probes(seen: Snapshot) -> RelayProbes:
    found = seen.fact(RelayProbes, service())
    assert found is not None
    return found


def delivery(seen: Snapshot) -> Delivery:
    found = probes(seen).delivery
    assert found is not None
    return found


def arrived(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "new").glob("*"))


def test_an_open_relay_is_never_given_data_unless_asked(tmp_path: Path) -> None:
    server = Taking()
    found = probes(walked(server, tmp_path))
    assert {form.outcome for form in found.forms if form.plain} == {FormOutcome.ACCEPTED}
    assert (found.data, found.delivery) == ((), None)
    assert "DATA" not in server.commands
    assert server.messages == []
    assert arrived(tmp_path) == []


def test_data_abort_reads_354_and_leaves_nothing_behind(tmp_path: Path) -> None:
    server = Taking()
    found = probes(walked(server, tmp_path, data_abort=True))
    (data,) = found.data
    assert data.reply is not None
    assert (data.form, data.reply.code) == (0, 354)
    assert server.commands.count("DATA") == 1
    assert server.messages == []
    assert found.delivery is None


def test_data_abort_asks_behind_every_accepted_form_where_data_is_refused(tmp_path: Path) -> None:
    server = Taking(data_reply="554 5.7.1 not for strangers")
    found = probes(walked(server, tmp_path, data_abort=True))
    accepted = [n for n, form in enumerate(found.forms) if form.outcome is FormOutcome.ACCEPTED]
    assert {data.form for data in found.data} == {
        place for place in accepted if found.forms[place].names_a_domain
    }
    assert {data.reply.code for data in found.data if data.reply} == {554}


def test_what_is_refused_at_data_gets_no_canary(tmp_path: Path) -> None:
    server = Taking(data_reply="554 5.7.1 not for strangers")
    found = probes(walked(server, tmp_path, data_abort=True, canary=True))
    assert found.data
    assert found.delivery is None
    assert server.messages == []


def test_nothing_is_sent_to_a_server_that_relays_nothing(tmp_path: Path) -> None:
    server = Taking(local="postmaster.invalid")
    found = probes(walked(server, tmp_path, canary=True, data_abort=True))
    assert (found.data, found.delivery) == ((), None)
    assert "DATA" not in server.commands


def test_the_canary_confirms_an_open_relay_with_one_message(tmp_path: Path) -> None:
    server = Taking()
    found = delivery(walked(server, tmp_path, canary=True))
    assert found.label == "<S> U@D"
    assert found.rcpt_to == f"canary+{found.token}@sink.example.org"
    assert found.taken
    assert found.through is not None
    assert found.through.startswith(f"from {NAME} ([127.0.0.1]) by sink.example.org")
    assert found.received == (found.through, f"from audit.example.net by {NAME} with ESMTP; now")
    assert found.waited_s < 3.0
    assert len(server.messages) == len(arrived(tmp_path)) == 1
    assert server.commands.count("DATA") == 1
    text = arrived(tmp_path)[0].read_text()
    assert f"Message-ID: <{found.token}@mailproof.invalid>" in text
    assert f"Delivered-To: {found.rcpt_to}" in text


def test_a_sink_that_loses_the_message_is_not_confirmed(tmp_path: Path) -> None:
    server = Taking()
    seen = walked(server, tmp_path, canary=True, window_s=0.3, forward=False)
    found = delivery(seen)
    assert (found.taken, found.received, found.through) == (True, None, None)
    assert found.waited_s >= 0.3
    assert len(server.messages) == 1


def test_what_came_another_way_does_not_name_the_host(tmp_path: Path) -> None:
    found = delivery(walked(Taking(hides=True), tmp_path, canary=True))
    assert found.received is not None
    assert found.through is None


def test_a_message_that_is_refused_is_not_waited_for(tmp_path: Path) -> None:
    server = Taking(data_reply="554 5.7.1 not for strangers")
    found = delivery(walked(server, tmp_path, canary=True))
    assert found.reply is None
    assert found.note == "DATA was refused: 554 5.7.1 not for strangers"
    assert found.waited_s == 0.0


def test_a_host_gets_one_message_in_a_run_even_if_it_was_cut_off(tmp_path: Path) -> None:
    first = walked(Taking(), tmp_path, canary=True)
    before = probes(first)
    elsewhere = replace(before, subject=replace(before.subject, port=587))
    server = Taking()
    again = walked(server, tmp_path, canary=True, known=[elsewhere])
    assert probes(again).delivery is None
    assert server.messages == []


def test_a_domain_of_the_canary_that_the_host_serves_gets_no_message(tmp_path: Path) -> None:
    server = Taking()
    served = ("sink.example.org",)
    found = delivery(walked(server, tmp_path, canary=True, domains=served))
    assert found.note == "not sent: the canary's domain is served by this host"
    assert server.messages == []


def test_a_trusted_vantage_sends_nothing(tmp_path: Path) -> None:
    server = Taking()
    seen = walked(server, tmp_path, canary=True, data_abort=True, sends_from=("127.0.0.1",))
    assert probes(seen).delivery is None
    assert "DATA" not in server.commands


def backscatter(seen: Snapshot) -> BackscatterProbe:
    found = seen.fact(BackscatterProbe, service())
    assert found is not None
    return found


def test_mail_that_comes_back_to_a_forged_sender_is_backscatter(tmp_path: Path) -> None:
    server = Taking(local=CATCH_ALL, bounces=True)
    found = backscatter(walked(server, tmp_path, canary=True))
    assert found.control.outcome is FormOutcome.ACCEPTED
    assert found.bounce is not None
    assert found.bounce.mail_from == f"canary+{found.bounce.token}@sink.example.org"
    assert found.bounce.rcpt_to == found.control.rcpt_to
    assert found.bounce.received is not None
    assert len(server.messages) == 1


def test_a_catch_all_that_keeps_what_it_takes_is_no_backscatter(tmp_path: Path) -> None:
    server = Taking(local=CATCH_ALL)
    seen = walked(server, tmp_path, canary=True, window_s=0.3, forward=False)
    bounce = backscatter(seen).bounce
    assert bounce is not None
    assert (bounce.taken, bounce.received) == (True, None)


def test_without_a_canary_nothing_is_sent_to_a_catch_all(tmp_path: Path) -> None:
    server = Taking(local=CATCH_ALL)
    assert backscatter(walked(server, tmp_path)).bounce is None
    assert server.messages == []


def test_tokens_differ_by_run_host_and_form_and_from_one_canary_to_another(tmp_path: Path) -> None:
    canary, other = (Canary(MAILBOX, MaildirMailbox(tmp_path), 1.0) for _ in range(2))
    texts = [("r", "h", "f"), ("s", "h", "f"), ("r", "i", "f"), ("r", "h", "g")]
    tokens = {each.token(*text) for each in (canary, other) for text in texts}
    assert len(tokens) == 8
    assert canary.token("r", "h", "f") == canary.token("r", "h", "f")


def test_a_mailbox_that_can_not_be_read_says_why(tmp_path: Path) -> None:
    canary = Canary(MAILBOX, MaildirMailbox(tmp_path / "cur" / "file"), 0.1)
    (tmp_path / "cur").mkdir()
    (tmp_path / "cur" / "file").mkdir()
    (tmp_path / "cur" / "file" / "new").mkdir()
    (tmp_path / "cur" / "file" / "new" / "folder").mkdir()
    sent = Delivery("f", "", "to", "token", None, "", (), None, 0.0, None)

    async def run() -> Delivery:
        return await canary.awaited(sent, asyncio.get_running_loop().time() + 5)

    found = asyncio.run(run())
    assert found.unread is not None
    assert "can't be read" in found.unread


@pytest.mark.parametrize("until_s", [0.0, 0.05])
def test_the_window_ends_with_the_deadline_of_the_host(tmp_path: Path, until_s: float) -> None:
    canary = Canary(MAILBOX, MaildirMailbox(tmp_path), 60.0)
    sent = Delivery("f", "", "to", "token", None, "", (), None, 0.0, None)

    async def run() -> Delivery:
        return await canary.awaited(sent, asyncio.get_running_loop().time() + until_s)

    assert asyncio.run(run()).waited_s < 1.0
