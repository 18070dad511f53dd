"""The stub resolver against servers on loopback: answers, aliases, what is asked once."""

import asyncio
from contextlib import suppress

import dns.flags
import pytest
from dns.rdtypes.IN.A import A

from audits.collect.live.resolver import Reply, Resolver
from audits.facts.fact import Reason
from tests.collect.resolving import ZONES, addresses, answered, resolving, run, unanswered
from tests.servers.dns import Behaviour, ScriptedDns


def test_an_answer_comes_with_its_records_and_ttl() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        reply = await answered(resolver, "MX1.D.Example.", "A")
        assert reply.answer.name == "mx1.d.example"
        assert reply.answer.rcode == "NOERROR"
        assert reply.answer.ttl_s == 300
        assert not reply.answer.authenticated
        assert await addresses(resolver, "mx1.d.example") == ["192.0.2.1"]
        asked = server.asked[0]
        assert asked.flags & dns.flags.RD
        assert asked.flags & dns.flags.AD
        assert not asked.wants_dnssec

    run(test)


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

    run(test)


def test_absence_is_an_answer_and_is_cached_for_the_negative_ttl() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        absent = await answered(resolver, "nobody.d.example", "A")
        assert (absent.answer.rcode, absent.answer.ttl_s, absent.rdatas) == ("NXDOMAIN", 60, ())
        empty = await answered(resolver, "d.example", "AAAA")
        assert (empty.answer.rcode, empty.rdatas) == ("NOERROR", ())
        between = await answered(resolver, "wild.d.example", "A")
        assert (between.answer.rcode, between.rdatas) == ("NOERROR", ())
        await resolver.ask("nobody.d.example", "A")
        await resolver.ask("d.example", "AAAA")
        assert len(server.asked) == 3
        assert resolver.traffic.cached == 2

    run(test)


def test_an_answer_is_asked_for_again_after_its_ttl() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        await resolver.ask("brief.d.example", "A")
        await resolver.ask("brief.d.example", "A")
        assert len(server.asked) == 1
        await asyncio.sleep(1.05)
        await resolver.ask("brief.d.example", "A")
        assert len(server.asked) == 2

    run(test)


def test_the_same_question_is_asked_once_for_a_thousand_domains() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        replies = await asyncio.gather(*(resolver.ask("mx1.d.example", "A") for _ in range(1000)))
        assert all(isinstance(reply, Reply) for reply in replies)
        assert len(server.asked) == 1
        assert resolver.traffic.joined == 999

    run(test, {"mx1.d.example": Behaviour(delay_s=0.05)})


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

    run(test, {"mx1.d.example": Behaviour(delay_s=0.08)})


def test_aliases_are_followed_within_an_answer() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        reply = await answered(resolver, "far.d.example", "A")
        assert reply.alias_chain == ("mx1.other.example",)
        assert [r.address for r in reply.rdatas if isinstance(r, A)] == ["192.0.2.2"]
        dangling = await answered(resolver, "dangling.d.example", "A")
        assert dangling.answer.rcode == "NXDOMAIN"
        assert dangling.alias_chain == ("nowhere.d.example",)
        assert len(server.asked) == 2

    run(test)


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
        async with _Curt(ZONES) as server, resolving(server) as resolver:
            reply = await answered(resolver, "mx2.d.example", "A")
            assert reply.answer.name == "mx2.d.example"
            assert reply.alias_chain == ("mx1.d.example",)
            assert [r.address for r in reply.rdatas if isinstance(r, A)] == ["192.0.2.1"]
            loop = await unanswered(resolver, "loop1.d.example", "A")
            assert loop.reason is Reason.PROTOCOL
            assert "do not end" in loop.detail

    asyncio.run(main())


def test_a_loop_of_aliases_in_one_answer_is_malformed() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        silence = await unanswered(resolver, "loop1.d.example", "A")
        assert silence.reason is Reason.PROTOCOL

    run(test)


@pytest.mark.parametrize("name", ["a..example", "x" * 64 + ".example", "." + "a" * 300, "a\\"])
def test_what_is_no_name_is_not_asked(name: str) -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        assert (await unanswered(resolver, name, "A")).reason is Reason.PROTOCOL
        assert server.asked == []

    run(test)


def test_unicode_and_odd_names_are_asked_for_in_their_wire_form() -> None:
    async def test(resolver: Resolver, server: ScriptedDns) -> None:
        unicode = await answered(resolver, "bücher.d.example", "A")
        assert unicode.answer.name == "xn--bcher-kva.d.example"
        await resolver.ask("a\\.b\\000c.d.example", "A")
        assert server.names("A") == ["xn--bcher-kva.d.example", "a\\.b\\000c.d.example"]

    run(test)
