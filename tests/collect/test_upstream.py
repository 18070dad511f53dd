"""The way of a question among servers on loopback that stall, refuse and come back."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from audits.collect.live.resolver import Reply, Resolver
from audits.demo.world import running_world
from audits.facts.fact import Reason, Silence
from audits.settings import ResolverSettings
from tests.collect.resolving import ZONES, Script, addresses, resolving, run, unanswered
from tests.servers.dns import Behaviour, ScriptedDns


def test_questions_under_way_are_bounded() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        asking = [asyncio.create_task(resolver.ask(f"n{i}.wild.d.example", "A")) for i in range(20)]
        await asyncio.sleep(0.03)
        assert len(server.asked) == 5
        assert all(isinstance(reply, Reply) for reply in await asyncio.gather(*asking))
        assert len(server.asked) == 20

    run(test, {"*": Behaviour(delay_s=0.06)}, outstanding=5)


def test_silence_is_a_timeout_after_every_try_and_is_not_repeated_at_once() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        silence = await unanswered(resolver, "mx1.d.example", "A")
        assert silence.reason is Reason.DNS_TIMEOUT
        assert silence.detail == (
            f"no answer from 127.0.0.1:{server.port} to A mx1.d.example (0.05 s, 2 tries)"
        )
        assert await resolver.ask("mx1.d.example", "A") == silence
        assert len(server.asked) == 2
        assert resolver.traffic.timeouts == 2

    run(test, {"mx1.d.example": Behaviour(silent=True)}, timeout_s=0.05)


def test_a_lost_query_is_repeated() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        assert await addresses(resolver, "mx1.d.example") == ["192.0.2.1"]
        assert len(server.asked) == 2

    run(test, {"mx1.d.example": Behaviour(silent=True, times=1)}, timeout_s=0.3)


def test_a_late_answer_to_the_first_try_counts() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        assert await addresses(resolver, "mx1.d.example") == ["192.0.2.1"]

    run(test, {"mx1.d.example": Behaviour(delay_s=0.4)}, timeout_s=0.3)


def test_servfail_is_silence_with_the_extended_error() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        silence = await unanswered(resolver, "mx1.d.example", "A")
        assert silence == Silence(
            Reason.SERVFAIL,
            f"SERVFAIL from 127.0.0.1:{server.port} to A mx1.d.example"
            " (6 DNSSEC BOGUS (signature expired))",
        )
        assert len(server.asked) == 1

    run(test, {"mx1.d.example": Behaviour(rcode="SERVFAIL", ede=(6, "signature expired"))})


@pytest.mark.parametrize("rcode", ["REFUSED", "NOTIMP", "FORMERR"])
def test_other_errors_are_refusals(rcode: str) -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        silence = await unanswered(resolver, "mx1.d.example", "A")
        assert silence.reason is Reason.DNS_REFUSED
        assert silence.detail.startswith(f"{rcode} from 127.0.0.1:")

    run(test, {"mx1.d.example": Behaviour(rcode=rcode)})


def test_garbage_behind_a_matching_header_is_a_protocol_error() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        silence = await unanswered(resolver, "mx1.d.example", "A")
        assert silence.reason is Reason.PROTOCOL
        assert "malformed answer" in silence.detail

    run(test, {"mx1.d.example": Behaviour(garbage=True)})


@asynccontextmanager
async def _two(first: Script, second: Script) -> AsyncIterator[tuple[Resolver, list[ScriptedDns]]]:
    """A resolver with two addresses on one port."""
    one = ScriptedDns(ZONES, first)
    async with one:
        two = ScriptedDns(ZONES, second, port=one.port)
        two.address = "127.0.0.2"
        async with two, resolving(one, two, timeout_s=0.3) as resolver:
            yield resolver, [one, two]


def test_the_second_server_is_asked_when_the_first_is_silent_and_first_from_then_on() -> None:
    async def main() -> None:
        async with _two({"*": Behaviour(silent=True)}, {}) as (resolver, (one, two)):
            assert await addresses(resolver, "mx1.d.example") == ["192.0.2.1"]
            assert (len(one.asked), len(two.asked)) == (1, 1)
            assert await addresses(resolver, "mx1.other.example") == ["192.0.2.2"]
            assert (len(one.asked), len(two.asked)) == (1, 2)

    asyncio.run(main())


def test_the_second_server_is_asked_when_the_first_fails() -> None:
    async def main() -> None:
        script: Script = {"*": Behaviour(rcode="SERVFAIL")}
        async with _two(script, {}) as (resolver, (one, two)):
            assert await addresses(resolver, "mx1.d.example") == ["192.0.2.1"]
            assert (len(one.asked), len(two.asked)) == (1, 1)

    asyncio.run(main())


def test_resolver_that_died_is_given_up_but_for_one_question_at_a_time_until_it_is_back() -> None:
    async def main() -> None:
        async with ScriptedDns(ZONES, {"*": Behaviour(silent=True)}) as server:
            settings = ResolverSettings(
                addresses=(server.address,), port=server.port, timeout_s=0.5, tries=1
            )
            async with Resolver(settings, outstanding=4, give_up_s=0.2) as resolver:
                begun = time.monotonic()
                names = [f"{n}.wild.d.example" for n in range(200)]
                found = await asyncio.gather(*(resolver.ask(name, "A") for name in names))
                assert time.monotonic() - begun < 2
                assert len(server.asked) < 20
                assert {each.reason for each in found if isinstance(each, Silence)} == {
                    Reason.DNS_TIMEOUT
                }
                last = found[-1]
                assert isinstance(last, Silence)
                assert last.detail == (
                    f"not asked for A {names[-1]}: {resolver.servers[0]} answered nothing for 0.2 s"
                )
                server.script.by_name.clear()
                assert isinstance(await resolver.ask("mx1.d.example", "A"), Reply)
                again = (resolver.ask(name, "A") for name in names[100:])
                assert all(isinstance(each, Reply) for each in await asyncio.gather(*again))

    asyncio.run(main())


def test_what_a_server_said_stands_when_the_other_is_silent() -> None:
    async def main() -> None:
        script: Script = {"*": Behaviour(rcode="SERVFAIL")}
        async with _two(script, {"*": Behaviour(silent=True)}) as (resolver, (one, two)):
            assert (await unanswered(resolver, "mx1.d.example", "A")).reason is Reason.SERVFAIL
            assert (len(one.asked), len(two.asked)) == (1, 2)

    asyncio.run(main())


def test_closing_tells_those_who_wait() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        asking = asyncio.create_task(resolver.ask("mx1.d.example", "A"))
        while not server.asked:
            await asyncio.sleep(0.005)
        await resolver.aclose()
        silence = await asking
        assert isinstance(silence, Silence)
        assert silence.reason is Reason.INTERRUPTED

    run(test, {"mx1.d.example": Behaviour(silent=True)}, timeout_s=5)


def test_answers_that_came_while_this_process_was_busy_count(tmp_path: Path) -> None:
    async def main(port: int) -> list[Reply | Silence]:
        settings = ResolverSettings(("127.0.0.1",), port=port, timeout_s=0.2, tries=1)
        async with Resolver(settings) as resolver:
            await resolver.ask("good.example", "MX")
            asking = [asyncio.create_task(resolver.ask(f"n{i}.example", "A")) for i in range(50)]
            await asyncio.sleep(0.001)
            time.sleep(0.6)
            return await asyncio.gather(*asking)

    with running_world(tmp_path) as world:  # in a thread of its own, so that it goes on answering
        replies = asyncio.run(main(world.resolver_port))
    assert {type(reply) for reply in replies} == {Reply}
