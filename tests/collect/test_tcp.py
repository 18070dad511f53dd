import asyncio
import socket

import pytest

from audits.collect.live.tcp import (
    MAX_PARTING_OCTETS,
    READ_OCTETS,
    Attempt,
    Target,
    Unheard,
    dial,
    target_of,
)
from audits.facts.declared import DeclaredHost, DeclaredService
from audits.facts.fact import Reason
from audits.subject import Service
from tests.build import host
from tests.servers.smtp import Script, drip, hang_up, raw_server, reset, silence

SERVICE = Service("mx.example.net", "192.0.2.1", 25)


def declared(port: int, connect: str | None) -> DeclaredHost:
    return host("mx.example.net", services=(DeclaredService(port, connect),))


def dialled(address: str, port: int, limit_s: float = 1.0) -> Attempt:
    async def run() -> Attempt:
        attempt = await dial(Target(address, port), limit_s)
        if attempt.stream is not None:
            attempt.stream.close()
        return attempt

    return asyncio.run(run())


def test_listening_port_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        attempt = dialled("127.0.0.1", listening.getsockname()[1])
    assert (attempt.state, attempt.silence) == ("open", None)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_port_without_listener_is_closed(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listening:
        port = listening.getsockname()[1]
    attempt = dialled(address, port)
    assert (attempt.state, attempt.detail) == ("closed", "Connection refused")
    assert attempt.silence is not None
    assert attempt.silence.reason is Reason.REFUSED


def test_connection_attempt_without_answer_is_filtered() -> None:
    # A listener whose backlog is full drops further SYNs, as a packet filter does.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        port = listening.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        attempt = dialled("127.0.0.1", port, limit_s=0.2)
        for filler in fillers:
            filler.close()
    assert (attempt.state, attempt.detail) == ("filtered", "no answer within 0.2 s")
    assert attempt.silence is not None
    assert attempt.silence.reason is Reason.FILTERED
    assert attempt.elapsed_s < 1


def test_address_without_route_says_nothing_of_the_port() -> None:
    attempt = dialled("255.255.255.255", 25)
    assert attempt.state is None
    assert attempt.silence is not None
    assert attempt.silence.reason in {Reason.UNREACHABLE, Reason.EGRESS_BLOCKED}


def test_reading_from_a_silent_server_ends_with_the_deadline() -> None:
    async def run() -> None:
        async with raw_server(silence) as server:
            attempt = await dial(Target(server.address, server.port), 1)
            assert attempt.stream is not None
            with pytest.raises(Unheard) as caught:
                await attempt.stream.read(asyncio.get_running_loop().time() + 0.05)
            attempt.stream.close()
        assert caught.value.silence.reason is Reason.TIMEOUT

    asyncio.run(run())


async def ends_with_us(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mx.example.net ESMTP\r\n")
    await reader.read()


async def ends_later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    await asyncio.sleep(0.1)


async def stays(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    await asyncio.sleep(60)


def takes_to_leave(script: Script, limit_s: float, after_s: float = 0.0) -> float:
    """Seconds that it takes to leave, begun `after_s` from the connection."""

    async def run() -> float:
        loop = asyncio.get_running_loop()
        async with raw_server(script) as server:
            attempt = await dial(Target(server.address, server.port), 1)
            assert attempt.stream is not None
            await asyncio.sleep(after_s)
            begun = loop.time()
            await attempt.stream.leave(begun + limit_s)
            return loop.time() - begun

    return asyncio.run(run())


def test_leaving_is_done_once_the_server_has_ended_its_side() -> None:
    assert takes_to_leave(ends_with_us, 5) < 1
    assert 0.1 <= takes_to_leave(ends_later, 5) < 1


@pytest.mark.parametrize("script", [hang_up, reset])
def test_leaving_a_server_that_is_gone_takes_no_time(script: Script) -> None:
    assert takes_to_leave(script, 5, after_s=0.05) < 1


@pytest.mark.parametrize("script", [stays, drip])
def test_server_that_stays_is_left_when_the_time_is_over(script: Script) -> None:
    assert 0.2 <= takes_to_leave(script, 0.2) < 1


def test_server_that_talks_on_is_not_heard_out() -> None:
    sent = 0

    async def talks_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        # Little room in the kernel, so that what is not read is soon not sent.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        while True:
            writer.write(bytes(READ_OCTETS))
            await writer.drain()
            sent += READ_OCTETS

    assert 0.3 <= takes_to_leave(talks_on, 0.3) < 1
    assert MAX_PARTING_OCTETS < sent < 16 * 1024 * 1024


@pytest.mark.parametrize(
    ("connect", "expected"),
    [
        (None, Target("192.0.2.1", 25)),
        ("127.0.0.1:2525", Target("127.0.0.1", 2525, redirected=True)),
        ("[::1]:2525", Target("::1", 2525, redirected=True)),
    ],
)
def test_declared_connect_is_dialled_instead(connect: str | None, expected: Target) -> None:
    assert target_of(SERVICE, declared(25, connect), {}) == expected


def test_connect_of_another_port_does_not_count() -> None:
    host = declared(587, "127.0.0.1:2525")
    assert target_of(SERVICE, host, {}) == Target("192.0.2.1", 25)


def test_settings_redirect_a_host_that_nobody_declared() -> None:
    redirect = {"192.0.2.1:25": "127.0.0.1:2525", "[2001:db8::1]:25": "[::1]:2526"}
    assert str(target_of(SERVICE, None, redirect)) == "127.0.0.1:2525"
    six = Service("mx.example.net", "2001:db8::1", 25)
    assert str(target_of(six, None, redirect)) == "[::1]:2526"


def test_redirected_ports_of_one_address_have_budgets_of_their_own() -> None:
    assert Target("192.0.2.1", 25).budget == Target("192.0.2.1", 587).budget
    one, other = (Target("127.0.0.1", port, redirected=True) for port in (2525, 2526))
    assert one.budget != other.budget
