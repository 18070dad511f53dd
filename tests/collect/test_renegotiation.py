"""Renegotiation in TLS 1.2: real servers that allow it and that do not, and hostile ones."""

import asyncio
import ssl
import time
import tracemalloc
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from audits.collect.live.conversation import Conversation, Deadline
from audits.collect.live.pace import Pace
from audits.collect.live.renegotiation import count_renegotiations
from audits.collect.live.tcp import Unheard
from audits.collect.live.tls_probe import MAX_RENEGOTIATIONS, TlsProbe
from audits.demo.certificates import Authority
from audits.facts.codec import decode_observation, encode_observation
from audits.facts.fact import Observed, Reason, Silence, Unobserved
from audits.facts.tls import TlsHandshake
from audits.facts.tls_offer import Renegotiations, TlsAsk, TlsQuestions
from audits.settings import Settings
from tests.collect.walking import NAME, SETTINGS, fleet, origin, service
from tests.servers.openssl import openssl_server, talk_smtp
from tests.servers.smtp import Behaviour, Script, SmtpServer, answering, raw_server

CREDENTIALS = Authority().issue(NAME)
ASK = TlsAsk(features=True, renegotiations=11)
PATIENT = replace(
    SETTINGS, limits=replace(SETTINGS.limits, banner_s=10.0, reply_s=10.0, tls_s=10.0, host_s=60.0)
)


async def tried(
    server_port: int,
    port: int = 25,
    *,
    version: str = "TLSv1.3",
    asked: TlsAsk = ASK,
    how: Settings = PATIENT,
) -> tuple[Renegotiations | Unobserved, int]:
    """What the prober finds, and in how many connections."""
    seen = fleet(server_port, port)
    shaken = TlsHandshake(service(port), True, None, version, "x", NAME, 0.1)
    seen.add([Observed(shaken, origin().live("test"))])
    pace = Pace(how.limits)
    collector = TlsProbe(origin(), how, pace, TlsQuestions.same(asked))
    seen.add(await collector.collect(service(port), seen))
    found = seen.get(Renegotiations, service(port))
    if isinstance(found, Observed):
        assert decode_observation(encode_observation(found), "test:1") == found
        return found.fact, pace.dialled[server_port]
    assert isinstance(found, Unobserved)
    return found, pace.dialled[server_port]


def of_s_server(folder: Path, *options: str, asked: TlsAsk = ASK) -> Renegotiations | Unobserved:
    """What is found at an `openssl s_server` on port 465."""

    async def run() -> Renegotiations | Unobserved:
        async with openssl_server(folder, CREDENTIALS, *options) as (at, server):
            talking = asyncio.create_task(talk_smtp(server))
            version = "TLSv1.2" if "-tls1_2" in options else "TLSv1.3"
            found, _ = await tried(at, 465, version=version, asked=asked)
            talking.cancel()
            return found

    return asyncio.run(run())


def test_server_that_lets_clients_renegotiate_is_asked_one_time_more_than_tolerated(
    tmp_path: Path,
) -> None:
    found = of_s_server(tmp_path, "-tls1_2", "-client_renegotiation")
    assert found == Renegotiations(service(465), 11, 11, None)
    one = of_s_server(tmp_path, "-client_renegotiation", asked=replace(ASK, renegotiations=1))
    assert one == Renegotiations(service(465), 1, 1, None)


def test_however_many_a_policy_tolerates_the_tries_are_bounded(tmp_path: Path) -> None:
    found = of_s_server(tmp_path, "-client_renegotiation", asked=replace(ASK, renegotiations=1001))
    most = MAX_RENEGOTIATIONS
    assert found == Renegotiations(service(465), most, most, None)


@pytest.mark.parametrize("option", [(), ("-no_renegotiation",), ("-tls1_2",)])
def test_alert_of_a_server_is_a_refusal(tmp_path: Path, option: tuple[str, ...]) -> None:
    found = of_s_server(tmp_path, *option)
    assert found == Renegotiations(service(465), 11, 0, "alert no_renegotiation")


def test_server_without_tls_1_2_is_not_asked(tmp_path: Path) -> None:
    found = of_s_server(tmp_path, "-tls1_3")
    assert isinstance(found, Unobserved)
    assert found.reason is Reason.NOT_OFFERED


@pytest.mark.parametrize("port", [25, 587, 465])
def test_python_refuses_on_every_port_in_one_connection_more(port: int) -> None:
    async def run() -> None:
        behaviour = Behaviour(
            hostname=NAME, tls=CREDENTIALS.server_context(), implicit_tls=port == 465
        )
        async with SmtpServer(behaviour) as server:
            found, connections = await tried(server.port, port)
        assert found == Renegotiations(service(port), 11, 0, "alert no_renegotiation")
        assert connections == 2

    asyncio.run(run())


def test_nothing_is_tried_where_no_connection_is_left() -> None:
    async def run() -> None:
        async with SmtpServer(Behaviour(hostname=NAME, tls=CREDENTIALS.server_context())) as server:
            asked = replace(ASK, required=frozenset(range(24, 31)))
            found, _ = await tried(server.port, asked=asked)
        assert found == Renegotiations(service(), 0, 0, None)

    asyncio.run(run())


def tls_12(then: Script) -> Script:
    """A server that completes a handshake of TLS 1.2, and then does this with the octets below."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = CREDENTIALS.server_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                octets = await reader.read(65536)
                if not octets:
                    return
                incoming.write(octets)
        writer.write(outgoing.read())
        await then(reader, writer)

    return serve


async def fall_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(65536)


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(65536)
    writer.transport.abort()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(65536)
    writer.write(bytes(range(200)) * 10)
    await reader.read()


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(65536)
    while not writer.is_closing():
        writer.write(b"\x16\x03\x03\x40\x00" + bytes(16384))
        await writer.drain()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(65536)
    while True:
        writer.write(b"\x16")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drop_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(65536)
    writer.write(b"421 mx.example.net lost input connection\r\n")


def against(script: Script) -> Renegotiations | Unobserved:
    async def run() -> Renegotiations | Unobserved:
        async with raw_server(answering(tls_12(script))) as server:
            return (await tried(server.port, version="TLSv1.2", how=SETTINGS))[0]

    return asyncio.run(run())


@pytest.mark.parametrize("script", [hang_up, reset], ids=["hangs up", "resets"])
def test_closing_the_connection_is_a_refusal(script: Script) -> None:
    found = against(script)
    assert found == Renegotiations(service(), 11, 0, "the server closed the connection")


def test_dropping_tls_as_exim_does_is_a_refusal() -> None:
    words = "the server dropped TLS with 421 in clear"
    assert against(drop_tls) == Renegotiations(service(), 11, 0, words)


def test_limit_that_is_reached_before_the_handshake_is_no_refusal() -> None:
    visits = 0

    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal visits
        visits += 1
        await (tls_12(fall_silent) if visits == 1 else drop_tls)(reader, writer)

    async def run() -> Renegotiations | Unobserved:
        async with raw_server(answering(busy)) as server:
            return (await tried(server.port, version="TLSv1.2", how=SETTINGS))[0]

    found = asyncio.run(run())
    assert isinstance(found, Unobserved)
    assert found.reason is Reason.THROTTLED


@pytest.mark.parametrize(
    ("script", "reasons"),
    [
        (fall_silent, {Reason.TIMEOUT}),
        (garbage, {Reason.PROTOCOL}),
        (endless, {Reason.PROTOCOL}),
        (drip, {Reason.TIMEOUT, Reason.PROTOCOL}),
    ],
    ids=["silent", "garbage", "endless", "drip"],
)
def test_hostile_server_leaves_it_open_in_time(script: Script, reasons: set[Reason]) -> None:
    tracemalloc.start()
    begun = time.monotonic()
    found = against(script)
    taken_s, (_, peak) = time.monotonic() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(found, Unobserved)
    assert found.reason in reasons
    assert "after 0 renegotiations" in found.detail
    assert taken_s < SETTINGS.limits.host_s
    assert peak < 4_000_000


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_service_that_answers_no_hello_is_left_alone(version: str) -> None:
    async def run() -> None:
        async with raw_server(answering(fall_silent)) as server:
            asked = replace(ASK, schemes=frozenset({0x0201}))
            found, connections = await tried(
                server.port, version=version, asked=asked, how=SETTINGS
            )
        assert isinstance(found, Unobserved)
        assert found.reason is Reason.TIMEOUT
        assert connections == 4  # two hellos, each once more

    asyncio.run(run())


def test_nobody_is_asked_where_no_audit_asks() -> None:
    async def run() -> None:
        async with SmtpServer(Behaviour(hostname=NAME, tls=CREDENTIALS.server_context())) as server:
            seen = fleet(server.port)
            collector = TlsProbe(
                origin(), PATIENT, Pace(PATIENT.limits), TlsQuestions.same(TlsAsk(features=True))
            )
            (found,) = await collector.collect(service(), seen)
        assert not isinstance(found, Unobserved)

    asyncio.run(run())


class Cut:
    """A stream with a server of TLS 1.2 in memory, whose octets come in pieces.

    Where `then` is given it answers so, once, to what follows its handshake.
    """

    def __init__(self, cuts: list[int], then: bytes | None) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = CREDENTIALS.server_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        self._server = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._cuts, self._then = cuts, then
        self._shaken = False
        self._pieces: list[bytes] = []

    async def write(self, data: bytes, until: float) -> None:
        self._incoming.write(data)
        octets = self._answer()
        places = [0, *sorted({cut % (len(octets) + 1) for cut in self._cuts}), len(octets)]
        self._pieces += [octets[a:b] for a, b in pairwise(places) if a != b]

    def _answer(self) -> bytes:
        if self._shaken and self._then is not None:
            return self._then
        with suppress(ssl.SSLWantReadError):
            if self._shaken:
                self._server.read(1)
            else:
                self._server.do_handshake()
                self._shaken = True
        return self._outgoing.read()

    async def read(self, until: float) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    def close(self) -> None: ...

    async def leave(self, until: float) -> None: ...


def counted(cuts: list[int], then: bytes | None = None) -> Renegotiations | Silence:
    async def run() -> Renegotiations | Silence:
        stream = Cut(cuts, then)
        talk = Conversation(stream, SETTINGS, Deadline(5.0))
        try:
            return await count_renegotiations(talk, talk.hand_over(), service(), 11, lambda: 0.0)
        except Unheard as unheard:
            return unheard.silence

    return asyncio.run(run())


places = st.lists(st.integers(0, 3000), max_size=30)


@settings(max_examples=40, deadline=None)
@given(cuts=places)
def test_refusal_is_the_same_however_its_octets_are_cut(cuts: list[int]) -> None:
    assert counted(cuts) == Renegotiations(service(), 11, 0, "alert no_renegotiation")


records = st.lists(
    st.builds(
        lambda kind, body: bytes([kind, 3, 3]) + len(body).to_bytes(2) + body,
        st.integers(20, 24),
        st.binary(max_size=80),
    ),
    max_size=4,
)


@settings(max_examples=120, deadline=None)
@given(then=st.binary(max_size=300) | records.map(b"".join), cuts=places)
@example(then=b"421 lost input connection\r\n", cuts=[1, 2, 3, 4, 5])
@example(then=b"\x15\x03\x03\x00\x02\x01\x64", cuts=[1])
@example(then=b"\x16\x03\x03\xff\xff", cuts=[])
def test_any_octets_come_to_the_same_end_however_they_are_cut(then: bytes, cuts: list[int]) -> None:
    whole = counted([], then)
    assert counted(cuts, then) == whole
    if isinstance(whole, Renegotiations):
        assert (whole.accepted, whole.refusal is None) == (0, False)
    else:
        assert whole.reason is Reason.PROTOCOL
