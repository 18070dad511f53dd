import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from audits.collect.live.pace import Pace
from audits.collect.live.smuggling import SEQUENCES, SmugglingProbe
from audits.facts.conduct import Smuggling
from audits.facts.fact import Observed, Reason, Unobserved
from audits.facts.snapshot import Snapshot
from audits.settings import ProbeSettings, Settings
from tests.collect.walking import LIMITS, NAME, fleet, origin, service
from tests.servers import smtp as scripts
from tests.servers.smtp import Behaviour, Script, SmtpServer, raw_server

OWN = "canary@example.net"
ASKED = Settings(limits=LIMITS, probe=ProbeSettings(own_mailboxes=(OWN,), smuggling="on"))
MX = Behaviour(
    hostname=NAME, local_domains=("example.net",), mailboxes=("canary",), takes_messages=True
)
WITH_LF = replace(MX, smuggles=(b"\n.\n",))


async def ask(port: int, settings: Settings, at: int = 25, **about: Any) -> Snapshot:
    about.setdefault("domains", ("example.net",))
    seen = fleet(port, at, **about)
    probe = SmugglingProbe(origin(), settings, Pace(settings.limits))
    seen.add(await probe.collect(service(at), seen))
    return seen


def asked(
    behaviour: Behaviour, at: int = 25, settings: Settings = ASKED, **about: Any
) -> tuple[Snapshot, SmtpServer]:
    async def run() -> tuple[Snapshot, SmtpServer]:
        async with SmtpServer(behaviour) as server:
            seen = await ask(server.port, settings, at, **about)
            await server.settle()
            return seen, server

    return asyncio.run(run())


def fact(seen: Snapshot) -> Smuggling:
    found = seen.get(Smuggling, service())
    assert isinstance(found, Observed), found
    return found.fact


def reason(seen: Snapshot, at: int = 25) -> Reason:
    found = seen.get(Smuggling, service(at))
    assert isinstance(found, Unobserved), found
    return found.reason


def test_server_that_waits_for_the_true_end_takes_nothing() -> None:
    seen, server = asked(MX)
    assert [end.sequence for end in fact(seen).ends] == ["LF.LF", "LF.CRLF", "CR.CRLF"]
    assert all(end.ignored for end in fact(seen).ends)
    assert len(server.sessions) == len(SEQUENCES)
    for session in server.sessions:
        assert session == [
            "EHLO mailproof.invalid", "MAIL FROM:<probe@mailproof.invalid>",
            f"RCPT TO:<{OWN}>", "DATA",
        ]  # fmt: skip


def test_server_that_takes_a_false_end_is_caught_and_left() -> None:
    seen, server = asked(WITH_LF)
    (end,) = fact(seen).ends
    assert end.taken
    assert (end.sequence, end.command and end.command.code) == ("LF.LF", 250)
    assert server.sessions[0][-2:] == ["NOOP", "QUIT"]
    assert fact(seen).recipient == OWN


def test_later_sequence_is_found_after_those_that_are_ignored() -> None:
    seen, _ = asked(replace(MX, smuggles=(b"\r.\r\n",)))
    assert [end.taken for end in fact(seen).ends] == [False, False, True]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("554 5.7.1 no messages today", Reason.DENIED),
        ("451 4.3.0 later", Reason.DEFERRED),
        ("421 4.7.0 busy", Reason.THROTTLED),
    ],
)
def test_server_that_takes_no_message_is_silent_for_that_reason(answer: str, why: Reason) -> None:
    ends = fact(asked(replace(MX, replies={"DATA": answer}))[0]).ends
    assert {end.ended.reason for end in ends if end.ended} == {why}
    assert not any(end.taken or end.ignored or end.turned_away for end in ends)


def test_server_that_hangs_up_within_the_message_turns_it_away() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example.net ESMTP\r\n")
        while not (await reader.readline()).startswith(b"DATA"):
            writer.write(b"250 ok\r\n")
        writer.write(b"354 go\r\n")
        await reader.readuntil(b"\n.")

    async def run() -> Snapshot:
        async with raw_server(script) as server:
            return await ask(server.port, ASKED)

    assert all(end.turned_away for end in fact(asyncio.run(run())).ends[:2])


@pytest.mark.parametrize("script", [scripts.silence, scripts.garbage, scripts.endless])
def test_hostile_servers_end_in_a_reason(script: Script) -> None:
    async def run() -> Snapshot:
        async with raw_server(script) as server:
            return await ask(server.port, ASKED)

    ends = fact(asyncio.run(run())).ends
    assert {end.ended.reason for end in ends if end.ended} <= {Reason.TIMEOUT, Reason.PROTOCOL}
    assert all(end.ended is not None and not end.turned_away for end in ends)


def test_nothing_is_sent_unasked_or_without_a_mailbox_of_ours() -> None:
    off = msgspec.structs.replace(ASKED.probe, smuggling="off")
    elsewhere = msgspec.structs.replace(ASKED.probe, own_mailboxes=("canary@example.org",))
    for probe, why in ((off, Reason.SKIPPED), (elsewhere, Reason.NOT_DECLARED)):
        seen, server = asked(MX, settings=msgspec.structs.replace(ASKED, probe=probe))
        assert reason(seen) is why
        assert server.sessions == []


def test_submission_and_hosts_of_others_are_never_tried() -> None:
    seen, server = asked(MX, 587)
    assert (reason(seen, 587), server.sessions) == (Reason.SKIPPED, [])
    seen, server = asked(MX, ours=False)
    assert (reason(seen), server.sessions) == (Reason.SKIPPED, [])
