"""One server on loopback over UDP and TCP: truncation, and datagrams that answer nothing."""

import asyncio
import socket

import dns.flags
import pytest

from audits.collect.live.resolver import Reply, Resolver
from audits.facts.fact import Reason, Silence
from audits.settings import ResolverSettings
from tests.collect.resolving import addresses, answered, run, unanswered
from tests.servers.dns import Behaviour, ScriptedDns


def test_do_and_cd_are_kept_over_tcp_and_along_aliases() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        for name in ("big.d.example", "far.d.example"):
            await resolver.ask(name, "TXT", dnssec=True, checking_disabled=True)
        assert any(asked.over_tcp for asked in server.asked)
        assert all(asked.wants_dnssec for asked in server.asked)
        assert all(asked.flags & dns.flags.CD for asked in server.asked)

    run(test)


def test_truncation_is_answered_over_tcp() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        reply = await answered(resolver, "big.d.example", "TXT")
        assert len(reply.rdatas) == 1
        assert await addresses(resolver, "mx1.d.example") == ["192.0.2.1"]
        assert [asked.over_tcp for asked in server.asked] == [False, True, False, True]
        assert resolver.traffic.over_tcp == 2

    run(test, {"mx1.d.example": Behaviour(truncate=True)})


def test_truncation_without_an_answer_over_tcp_is_silence() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        silence = await unanswered(resolver, "mx1.d.example", "A")
        assert silence.reason is Reason.DNS_TIMEOUT
        assert "truncated, and over TCP: no answer within 0.1 s" in silence.detail

    run(test, {"mx1.d.example": Behaviour(truncate=True, silent_tcp=True)}, timeout_s=0.1)


@pytest.mark.parametrize("lie", [Behaviour(wrong_id=True), Behaviour(wrong_question=True)])
def test_answers_to_something_else_are_ignored(lie: Behaviour) -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        silence = await unanswered(resolver, "mx1.d.example", "A")
        assert silence.reason is Reason.DNS_TIMEOUT
        assert resolver.traffic.strays == 2

    run(test, {"mx1.d.example": lie}, timeout_s=0.3)


def test_datagrams_from_elsewhere_are_not_received() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        asking = asyncio.create_task(resolver.ask("mx1.d.example", "A"))
        await asyncio.sleep(0.02)
        mine = resolver._upstream.servers[0]._transport
        assert mine is not None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"\0" * 40, mine.get_extra_info("sockname"))
        assert isinstance(await asking, Reply)
        assert resolver.traffic.strays == 0

    run(test, {"mx1.d.example": Behaviour(delay_s=0.08)})


def test_a_dead_resolver_is_silence_without_delay() -> None:
    async def main() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
            held.bind(("127.0.0.1", 0))
            port = held.getsockname()[1]
        settings = ResolverSettings(addresses=("127.0.0.1",), port=port, timeout_s=5)
        async with Resolver(settings) as resolver, asyncio.timeout(2):
            silences = await asyncio.gather(
                *(resolver.ask(f"n{i}.example", "A") for i in range(50))
            )
        assert {s.reason for s in silences if isinstance(s, Silence)} == {Reason.DNS_REFUSED}
        assert isinstance(silences[0], Silence)
        assert silences[0].detail == f"127.0.0.1:{port}: Connection refused"

    asyncio.run(main())
