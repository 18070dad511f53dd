import asyncio
import socket

import pytest

from audits.collect.live.tcp import Attempt, Target, Unheard, dial, target_of
from audits.facts.declared import DeclaredHost, DeclaredService
from audits.facts.fact import Reason
from audits.subject import Service
from tests.build import host
from tests.servers.smtp import raw_server, silence

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
            attempt.stream.abort()
        assert caught.value.silence.reason is Reason.TIMEOUT

    asyncio.run(run())


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
