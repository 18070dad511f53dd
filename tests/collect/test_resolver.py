"""The stub resolver against servers on loopback that answer, stall, refuse and lie."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import dns.flags
import pytest
from dns.rdtypes.IN.A import A

from audits.collect.collector import Origin
from audits.collect.live import resolver as module
from audits.collect.live.resolver import Reply, Resolver, nameservers
from audits.demo.world import running_world
from audits.errors import UsageError
from audits.facts.fact import Reason, Silence
from audits.settings import ResolverSettings
from tests.servers.dns import Behaviour, ScriptedDns

ZONE = """
@ 300 SOA ns hostmaster 1 3600 600 86400 60
@ 300 NS ns
@ 300 MX 10 mx1
mx1 300 A 192.0.2.1
mx2 300 CNAME mx1
far 300 CNAME mx1.other.example.
dangling 300 CNAME nowhere
loop1 300 CNAME loop2
loop2 300 CNAME loop1
brief 1 A 192.0.2.9
big 300 TXT "{long}" "{long}" "{long}" "{long}" "{long}" "{long}"
*.wild 300 A 192.0.2.7
""".format(long="x" * 250)
OTHER = """
@ 300 SOA ns hostmaster 1 3600 600 86400 60
mx1 300 A 192.0.2.2
"""
ZONES = {"d.example.": ZONE, "other.example.": OTHER}
ORIGIN = Origin("here", lambda: datetime.now(UTC))

Script = Mapping[str | tuple[str, str], Behaviour]


@asynccontextmanager
async def _resolver(
    *servers: ScriptedDns, timeout_s: float = 2.0, tries: int = 2, outstanding: int = 256
) -> AsyncIterator[Resolver]:
    settings = ResolverSettings(
        addresses=tuple(server.address for server in servers),
        port=servers[0].port,
        timeout_s=timeout_s,
        tries=tries,
        bogus_name="bogus.d.example",
    )
    async with Resolver(settings, outstanding=outstanding) as resolver:
        yield resolver


def _run(
    test: Callable[[Resolver, ScriptedDns], Awaitable[None]],
    script: Script | None = None,
    timeout_s: float = 2.0,
    outstanding: int = 256,
) -> None:
    async def main() -> None:
        async with (
            ScriptedDns(ZONES, script) as server,
            _resolver(server, timeout_s=timeout_s, outstanding=outstanding) as resolver,
        ):
            await test(resolver, server)

    asyncio.run(main())


async def _reply(resolver: Resolver, name: str, rdtype: str) -> Reply:
    reply = await resolver.ask(name, rdtype)
    assert isinstance(reply, Reply), reply
    return reply


async def _silence(resolver: Resolver, name: str, rdtype: str) -> Silence:
    silence = await resolver.ask(name, rdtype)
    assert isinstance(silence, Silence), silence
    return silence


async def _addresses(resolver: Resolver, name: str) -> list[str]:
    reply = await _reply(resolver, name, "A")
    return [rdata.address for rdata in reply.rdatas if isinstance(rdata, A)]


def test_an_answer_comes_with_its_records_and_ttl() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        reply = await _reply(resolver, "MX1.D.Example.", "A")
        assert reply.answer.name == "mx1.d.example"
        assert reply.answer.rcode == "NOERROR"
        assert reply.answer.ttl_s == 300
        assert not reply.answer.authenticated
        assert await _addresses(resolver, "mx1.d.example") == ["192.0.2.1"]
        asked = server.asked[0]
        assert asked.flags & dns.flags.RD
        assert asked.flags & dns.flags.AD
        assert not asked.wants_dnssec

    _run(test)


def test_signatures_and_unchecked_answers_are_questions_of_their_own() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        plain = await resolver.ask("mx1.d.example", "AAAA")
        assert isinstance(plain, Reply)
        assert plain.zone is None
        for _ in range(2):
            signed = await resolver.ask("mx1.d.example", "AAAA", dnssec=True)
            assert isinstance(signed, Reply)
            assert signed.zone == "d.example"
            await resolver.ask("mx1.d.example", "AAAA", checking_disabled=True)
        assert [asked.wants_dnssec for asked in server.asked] == [False, True, False]
        unchecked = [bool(asked.flags & dns.flags.CD) for asked in server.asked]
        assert unchecked == [False, False, True]

    _run(test)


def test_do_and_cd_are_kept_over_tcp_and_along_aliases() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        for name in ("big.d.example", "far.d.example"):
            await resolver.ask(name, "TXT", dnssec=True, checking_disabled=True)
        assert any(asked.over_tcp for asked in server.asked)
        assert all(asked.wants_dnssec for asked in server.asked)
        assert all(asked.flags & dns.flags.CD for asked in server.asked)

    _run(test)


def test_absence_is_an_answer_and_is_cached_for_the_negative_ttl() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        absent = await _reply(resolver, "nobody.d.example", "A")
        assert (absent.answer.rcode, absent.answer.ttl_s, absent.rdatas) == ("NXDOMAIN", 60, ())
        empty = await _reply(resolver, "d.example", "AAAA")
        assert (empty.answer.rcode, empty.rdatas) == ("NOERROR", ())
        between = await _reply(resolver, "wild.d.example", "A")
        assert (between.answer.rcode, between.rdatas) == ("NOERROR", ())
        await resolver.ask("nobody.d.example", "A")
        await resolver.ask("d.example", "AAAA")
        assert len(server.asked) == 3
        assert resolver.traffic.cached == 2

    _run(test)


def test_an_answer_is_asked_for_again_after_its_ttl() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        await resolver.ask("brief.d.example", "A")
        await resolver.ask("brief.d.example", "A")
        assert len(server.asked) == 1
        await asyncio.sleep(1.05)
        await resolver.ask("brief.d.example", "A")
        assert len(server.asked) == 2

    _run(test)


def test_the_same_question_is_asked_once_for_a_thousand_domains() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        replies = await asyncio.gather(*(resolver.ask("mx1.d.example", "A") for _ in range(1000)))
        assert all(isinstance(reply, Reply) for reply in replies)
        assert len(server.asked) == 1
        assert resolver.traffic.joined == 999

    _run(test, {"mx1.d.example": Behaviour(delay_s=0.05)})


def test_one_who_gives_up_waiting_does_not_take_the_others_along() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        first = asyncio.create_task(resolver.ask("mx1.d.example", "A"))
        second = asyncio.create_task(resolver.ask("mx1.d.example", "A"))
        await asyncio.sleep(0.02)
        first.cancel()
        assert isinstance(await second, Reply)
        with suppress(asyncio.CancelledError):
            await first
        assert first.cancelled()

    _run(test, {"mx1.d.example": Behaviour(delay_s=0.08)})


def test_questions_under_way_are_bounded() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        asking = [asyncio.create_task(resolver.ask(f"n{i}.wild.d.example", "A")) for i in range(20)]
        await asyncio.sleep(0.03)
        assert len(server.asked) == 5
        assert all(isinstance(reply, Reply) for reply in await asyncio.gather(*asking))
        assert len(server.asked) == 20

    _run(test, {"*": Behaviour(delay_s=0.06)}, outstanding=5)


def test_aliases_are_followed_within_an_answer() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        reply = await _reply(resolver, "far.d.example", "A")
        assert reply.alias_chain == ("mx1.other.example",)
        assert [r.address for r in reply.rdatas if isinstance(r, A)] == ["192.0.2.2"]
        dangling = await _reply(resolver, "dangling.d.example", "A")
        assert dangling.answer.rcode == "NXDOMAIN"
        assert dangling.alias_chain == ("nowhere.d.example",)
        assert len(server.asked) == 2

    _run(test)


class _Curt(ScriptedDns):
    """Answers with the alias alone, as an authoritative server does for a foreign target."""

    def _misbehave(self, query, how, over_tcp):  # type: ignore[no-untyped-def]  # as the parent
        answers = list(super()._misbehave(query, how, over_tcp))
        message = dns.message.from_wire(answers[0])
        if message.answer and message.answer[0].rdtype == dns.rdatatype.CNAME:
            del message.answer[1:]
            message.authority.clear()
            message.set_rcode(dns.rcode.NOERROR)
        return (message.to_wire(),)


def test_an_alias_that_the_answer_does_not_follow_is_asked_on_for() -> None:
    async def main() -> None:
        async with _Curt(ZONES) as server, _resolver(server) as resolver:
            reply = await _reply(resolver, "mx2.d.example", "A")
            assert reply.answer.name == "mx2.d.example"
            assert reply.alias_chain == ("mx1.d.example",)
            assert [r.address for r in reply.rdatas if isinstance(r, A)] == ["192.0.2.1"]
            loop = await _silence(resolver, "loop1.d.example", "A")
            assert loop.reason is Reason.PROTOCOL
            assert "do not end" in loop.detail

    asyncio.run(main())


def test_a_loop_of_aliases_in_one_answer_is_malformed() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        silence = await _silence(resolver, "loop1.d.example", "A")
        assert silence.reason is Reason.PROTOCOL

    _run(test)


def test_truncation_is_answered_over_tcp() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        reply = await _reply(resolver, "big.d.example", "TXT")
        assert len(reply.rdatas) == 1
        assert await _addresses(resolver, "mx1.d.example") == ["192.0.2.1"]
        assert [asked.over_tcp for asked in server.asked] == [False, True, False, True]
        assert resolver.traffic.over_tcp == 2

    _run(test, {"mx1.d.example": Behaviour(truncate=True)})


def test_truncation_without_an_answer_over_tcp_is_silence() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        silence = await _silence(resolver, "mx1.d.example", "A")
        assert silence.reason is Reason.DNS_TIMEOUT
        assert "truncated, and over TCP: no answer within 0.1 s" in silence.detail

    _run(test, {"mx1.d.example": Behaviour(truncate=True, silent_tcp=True)}, timeout_s=0.1)


def test_silence_is_a_timeout_after_every_try_and_is_not_repeated_at_once() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        silence = await _silence(resolver, "mx1.d.example", "A")
        assert silence.reason is Reason.DNS_TIMEOUT
        assert silence.detail == (
            f"no answer from 127.0.0.1:{server.port} to A mx1.d.example (0.05 s, 2 tries)"
        )
        assert await resolver.ask("mx1.d.example", "A") == silence
        assert len(server.asked) == 2
        assert resolver.traffic.timeouts == 2

    _run(test, {"mx1.d.example": Behaviour(silent=True)}, timeout_s=0.05)


def test_a_lost_query_is_repeated() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        assert await _addresses(resolver, "mx1.d.example") == ["192.0.2.1"]
        assert len(server.asked) == 2

    _run(test, {"mx1.d.example": Behaviour(silent=True, times=1)}, timeout_s=0.3)


def test_a_late_answer_to_the_first_try_counts() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        assert await _addresses(resolver, "mx1.d.example") == ["192.0.2.1"]

    _run(test, {"mx1.d.example": Behaviour(delay_s=0.4)}, timeout_s=0.3)


def test_servfail_is_silence_with_the_extended_error() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        silence = await _silence(resolver, "mx1.d.example", "A")
        assert silence == Silence(
            Reason.SERVFAIL,
            f"SERVFAIL from 127.0.0.1:{server.port} to A mx1.d.example"
            " (6 DNSSEC BOGUS (signature expired))",
        )
        assert len(server.asked) == 1

    _run(test, {"mx1.d.example": Behaviour(rcode="SERVFAIL", ede=(6, "signature expired"))})


@pytest.mark.parametrize("rcode", ["REFUSED", "NOTIMP", "FORMERR"])
def test_other_errors_are_refusals(rcode: str) -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        silence = await _silence(resolver, "mx1.d.example", "A")
        assert silence.reason is Reason.DNS_REFUSED
        assert silence.detail.startswith(f"{rcode} from 127.0.0.1:")

    _run(test, {"mx1.d.example": Behaviour(rcode=rcode)})


def test_garbage_behind_a_matching_header_is_a_protocol_error() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        silence = await _silence(resolver, "mx1.d.example", "A")
        assert silence.reason is Reason.PROTOCOL
        assert "malformed answer" in silence.detail

    _run(test, {"mx1.d.example": Behaviour(garbage=True)})


@pytest.mark.parametrize("lie", [Behaviour(wrong_id=True), Behaviour(wrong_question=True)])
def test_answers_to_something_else_are_ignored(lie: Behaviour) -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        silence = await _silence(resolver, "mx1.d.example", "A")
        assert silence.reason is Reason.DNS_TIMEOUT
        assert resolver.traffic.strays == 2

    _run(test, {"mx1.d.example": lie}, timeout_s=0.3)


def test_datagrams_from_elsewhere_are_not_received() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        asking = asyncio.create_task(resolver.ask("mx1.d.example", "A"))
        await asyncio.sleep(0.02)
        mine = next(iter(resolver._servers))._transport
        assert mine is not None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"\0" * 40, mine.get_extra_info("sockname"))
        assert isinstance(await asking, Reply)
        assert resolver.traffic.strays == 0

    _run(test, {"mx1.d.example": Behaviour(delay_s=0.08)})


@asynccontextmanager
async def _two(first: Script, second: Script) -> AsyncIterator[tuple[Resolver, list[ScriptedDns]]]:
    """A resolver with two addresses on one port."""
    one = ScriptedDns(ZONES, first)
    async with one:
        two = ScriptedDns(ZONES, second, port=one.port)
        two.address = "127.0.0.2"
        async with two, _resolver(one, two, timeout_s=0.3) as resolver:
            yield resolver, [one, two]


def test_the_second_server_is_asked_when_the_first_is_silent_and_first_from_then_on() -> None:
    async def main() -> None:
        async with _two({"*": Behaviour(silent=True)}, {}) as (resolver, (one, two)):
            assert await _addresses(resolver, "mx1.d.example") == ["192.0.2.1"]
            assert (len(one.asked), len(two.asked)) == (1, 1)
            assert await _addresses(resolver, "mx1.other.example") == ["192.0.2.2"]
            assert (len(one.asked), len(two.asked)) == (1, 2)

    asyncio.run(main())


def test_the_second_server_is_asked_when_the_first_fails() -> None:
    async def main() -> None:
        script: Script = {"*": Behaviour(rcode="SERVFAIL")}
        async with _two(script, {}) as (resolver, (one, two)):
            assert await _addresses(resolver, "mx1.d.example") == ["192.0.2.1"]
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
            assert (await _silence(resolver, "mx1.d.example", "A")).reason is Reason.SERVFAIL
            assert (len(one.asked), len(two.asked)) == (1, 2)

    asyncio.run(main())


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


@pytest.mark.parametrize("name", ["a..example", "x" * 64 + ".example", "." + "a" * 300, "a\\"])
def test_what_is_no_name_is_not_asked(name: str) -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        assert (await _silence(resolver, name, "A")).reason is Reason.PROTOCOL
        assert server.asked == []

    _run(test)


def test_unicode_and_odd_names_are_asked_for_in_their_wire_form() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        unicode = await _reply(resolver, "bücher.d.example", "A")
        assert unicode.answer.name == "xn--bcher-kva.d.example"
        await resolver.ask("a\\.b\\000c.d.example", "A")
        assert server.names("A") == ["xn--bcher-kva.d.example", "a\\.b\\000c.d.example"]

    _run(test)


def test_closing_tells_those_who_wait() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        asking = asyncio.create_task(resolver.ask("mx1.d.example", "A"))
        while not server.asked:
            await asyncio.sleep(0.005)
        await resolver.aclose()
        silence = await asking
        assert isinstance(silence, Silence)
        assert silence.reason is Reason.INTERRUPTED

    _run(test, {"mx1.d.example": Behaviour(silent=True)}, timeout_s=5)


@pytest.mark.parametrize(
    ("script", "validates", "finding"),
    [
        ({}, False, "does not validate: its answer for the root came without AD"),
        (
            {".": Behaviour(authentic=True), "bogus.d.example": Behaviour(rcode="SERVFAIL")},
            True,
            "validates the root and refuses bogus.d.example",
        ),
        (
            {".": Behaviour(authentic=True)},
            True,
            "does not validate: answers for bogus.d.example, which is bogus",
        ),
    ],
)
def test_the_preflight_says_whether_the_resolver_validates(
    script: Script, validates: bool, finding: str
) -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        report = (await resolver.preflight(ORIGIN)).fact
        assert report.validates is validates
        assert report.finding == finding
        assert report.servers == (f"127.0.0.1:{server.port}",)

    _run(test, script)


def test_the_preflight_of_a_silent_resolver_says_so() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        report = (await resolver.preflight(ORIGIN)).fact
        assert report.signed is None
        assert report.finding.startswith("no answer from 127.0.0.1:")

    _run(test, {"*": Behaviour(silent=True)}, timeout_s=0.05)


def test_nameservers_are_read_from_resolv_conf() -> None:
    text = "# nameserver 9.9.9.9\nnameserver 192.0.2.53\nsearch example\nnameserver ::1 # x\n"
    assert nameservers(text) == ("192.0.2.53", "::1")
    assert nameservers("nameserver\nnameserver resolver.example\n") == ()


def test_a_system_without_resolver_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESOLV_CONF", tmp_path / "resolv.conf")
    with pytest.raises(UsageError, match="No such file"):
        Resolver(ResolverSettings())
    (tmp_path / "resolv.conf").write_text("search example\n")
    with pytest.raises(UsageError, match="found no nameserver"):
        Resolver(ResolverSettings())


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
