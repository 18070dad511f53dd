"""The tickets that real servers send, seen in the connection that the walk makes anyway."""

import asyncio
import ssl
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.collect.live.pace import Pace
from audits.collect.live.smtp import ServiceWalk
from audits.collect.live.tls import TlsStream, client_context
from audits.collect.live.tls_ticket import MAX_TICKETS, tickets_of
from audits.collect.live.trust import TrustStore
from audits.demo.certificates import Authority
from audits.facts.codec import decode_observation, encode_observation
from audits.facts.fact import Observed, Reason, Unobserved
from audits.facts.tls import SessionTickets
from tests.collect.walking import NAME, SETTINGS, fleet, origin, service, silence, walk
from tests.servers.openssl import openssl_server, talk_smtp
from tests.servers.smtp import Behaviour, SmtpServer, answering, hang_up, raw_server

CREDENTIALS = Authority().issue(NAME)
WANTED = frozenset({SessionTickets})


def tickets_of_s_server(folder: Path, *options: str) -> SessionTickets:
    """What a walk over an `openssl s_server` on port 465 finds."""

    async def run() -> SessionTickets | None:
        async with openssl_server(folder, CREDENTIALS, *options) as (at, server):
            seen = fleet(at, 465)
            talking = asyncio.create_task(talk_smtp(server))
            await walk(seen, 465, wanted=WANTED)
            talking.cancel()
            return seen.fact(SessionTickets, service(465))

    found = asyncio.run(run())
    assert found is not None
    return found


def test_early_data_of_a_real_server_is_seen(tmp_path: Path) -> None:
    found = tickets_of_s_server(tmp_path, "-early_data", "-max_early_data", "16384")
    assert found.version == "TLSv1.3"
    assert {ticket.early_data_bytes for ticket in found.tickets} == {16384}


@pytest.mark.parametrize("options", [(), ("-no_ticket",), ("-num_tickets", "1")])
def test_server_without_early_data_promises_none(tmp_path: Path, options: tuple[str, ...]) -> None:
    found = tickets_of_s_server(tmp_path, *options)
    assert found.tickets
    assert {ticket.early_data_bytes for ticket in found.tickets} == {None}
    assert {ticket.lifetime_s for ticket in found.tickets} == {7200}


def test_server_that_sends_no_ticket_has_promised_nothing(tmp_path: Path) -> None:
    assert tickets_of_s_server(tmp_path, "-num_tickets", "0").tickets == ()


def test_ticket_of_tls_1_2_is_seen(tmp_path: Path) -> None:
    found = tickets_of_s_server(tmp_path, "-tls1_2")
    assert found.version == "TLSv1.2"
    assert [ticket.lifetime_s for ticket in found.tickets] == [7200]


@pytest.mark.parametrize("port", [25, 587, 465])
def test_walk_sees_tickets_on_every_port_in_one_connection(port: int) -> None:
    async def run() -> None:
        behaviour = Behaviour(
            hostname=NAME, tls=CREDENTIALS.server_context(), implicit_tls=port == 465
        )
        async with SmtpServer(behaviour) as server:
            seen = await walk(fleet(server.port, port), port, wanted=WANTED)
            found = seen.fact(SessionTickets, service(port))
            assert found is not None
            assert {ticket.early_data_bytes for ticket in found.tickets} == {None}
            assert len(found.tickets) == 2
            assert len(server.sessions) == 1

    asyncio.run(run())


def test_connection_that_breaks_off_leaves_tickets_unseen() -> None:
    async def run() -> None:
        async with raw_server(answering(hang_up)) as server:
            seen = await walk(fleet(server.port), wanted=WANTED)
        assert silence(seen, SessionTickets)[0] is Reason.DISCONNECTED

    asyncio.run(run())


def test_python_that_shows_no_messages_leaves_tickets_unseen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        behaviour = Behaviour(hostname=NAME, tls=CREDENTIALS.server_context())
        async with SmtpServer(behaviour) as server:
            seen = fleet(server.port)
            collector = ServiceWalk(origin(), WANTED, SETTINGS, Pace(SETTINGS.limits), TrustStore())
            (found,) = await collector.collect(service(), seen)
        assert isinstance(found, Unobserved)
        assert found.reason is Reason.INTERNAL

    context = client_context()
    monkeypatch.setattr(context, "_msg_callback", None)
    asyncio.run(run())


class Cut:
    """A stream that a server in memory answers on, its octets cut at these places."""

    def __init__(self, context: ssl.SSLContext, cuts: list[int]) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._server = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._shaken = False
        self._cuts = cuts
        self._pieces: list[bytes] = []

    async def write(self, data: bytes, until: float) -> None:
        self._incoming.write(data)
        if not self._shaken:
            try:
                self._server.do_handshake()
                self._shaken = True
                self._server.write(b"250 ready\r\n")
            except ssl.SSLWantReadError:
                pass
        octets = self._outgoing.read()
        places = [0, *sorted({cut % (len(octets) + 1) for cut in self._cuts}), len(octets)]
        self._pieces += [octets[a:b] for a, b in pairwise(places) if a != b]

    async def read(self, until: float) -> bytes:
        return self._pieces.pop(0)

    def close(self) -> None: ...

    async def leave(self, until: float) -> None: ...


def heard(context: ssl.SSLContext, cuts: list[int]) -> SessionTickets | None:
    async def run() -> SessionTickets | None:
        stream = TlsStream(Cut(context, cuts), NAME)
        await stream.handshake(0.0)
        assert await stream.read(0.0) == b"250 ready\r\n"
        return tickets_of(stream.tls, service())

    return asyncio.run(run())


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 2000), max_size=30), newest=st.booleans())
def test_tickets_are_the_same_however_their_octets_are_cut(cuts: list[int], newest: bool) -> None:
    context = CREDENTIALS.server_context()
    if not newest:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    whole = heard(context, [])
    assert whole is not None
    assert whole.tickets
    assert heard(context, cuts) == whole


def test_endless_tickets_are_not_kept() -> None:
    context = CREDENTIALS.server_context()
    context.num_tickets = 50
    found = heard(context, [])
    assert found is not None
    assert len(found.tickets) == MAX_TICKETS


def test_facts_survive_storing(tmp_path: Path) -> None:
    context = CREDENTIALS.server_context()
    found = heard(context, [])
    assert found is not None
    stored = Observed(found, origin().live("test"))
    assert decode_observation(encode_observation(stored), "test:1") == stored
