"""What two validating resolvers say together, against two servers on loopback."""

import asyncio
from datetime import UTC, datetime

import pytest

from audits.collect.collector import Origin
from audits.collect.live.dane import DaneHost
from audits.collect.live.dnssec import DnssecDomain
from audits.collect.live.preflight import preflight
from audits.collect.live.resolver import Resolver
from audits.collect.live.validation import Validated, ask_validated
from audits.facts.dane import TlsaSet
from audits.facts.dnssec import DomainSecurity
from audits.facts.fact import Observed, Reason, Silence, Unobserved
from audits.facts.snapshot import Snapshot
from audits.settings import ResolverSettings, SecondResolverSettings
from audits.subject import Domain, MailHost
from tests.build import mx, snapshot
from tests.servers.dns import Behaviour, ScriptedDns

ORIGIN = Origin("here", lambda: datetime(2026, 11, 1, tzinfo=UTC))
DOMAIN, HOST = Domain("example.net"), MailHost("mx1.example.net")
NAME = "_25._tcp.mx1.example.net"
ZONE = f"""
@ 300 SOA ns hostmaster 1 3600 600 86400 60
@ 300 MX 10 mx1
mx1 300 A 192.0.2.1
_25._tcp.mx1 300 TLSA 3 1 1 {"ab" * 32}
"""
GOOD, SILENT = Behaviour(authentic=True), Behaviour(silent=True)
BOGUS = Behaviour(rcode="SERVFAIL", bogus=True, ede=(6, "no good"))
DEAD = Behaviour(rcode="SERVFAIL")
REFUSED = Behaviour(rcode="REFUSED")


class Pair:
    """A resolver and a second one, each with a behaviour of its own at some names."""

    def __init__(self, one: Behaviour, other: Behaviour | None, at: str = NAME) -> None:
        self.one = ScriptedDns({"example.net.": ZONE}, {at: one, ".": GOOD})
        self.other = ScriptedDns({"example.net.": ZONE}, {at: other or GOOD, ".": GOOD})
        self._with_second = other is not None

    async def __aenter__(self) -> Resolver:
        await self.one.__aenter__()
        await self.other.__aenter__()
        second = SecondResolverSettings((self.other.address,), self.other.port)
        settings = ResolverSettings(
            (self.one.address,),
            self.one.port,
            timeout_s=0.3,
            tries=1,
            second=second if self._with_second else None,
        )
        self.resolver = await Resolver(settings).__aenter__()
        return self.resolver

    async def __aexit__(self, *error: object) -> None:
        await self.resolver.aclose()
        await self.other.__aexit__(None, None, None)
        await self.one.__aexit__(None, None, None)


def _asked(pair: Pair) -> Validated:
    async def main() -> Validated:
        async with pair as resolver:
            return await ask_validated(resolver, NAME, "TLSA")

    return asyncio.run(main())


def _disagreement(validated: Validated) -> str:
    silence, bogus = validated
    assert bogus is None
    assert isinstance(silence, Silence)
    assert silence.reason is Reason.UNVALIDATED
    return silence.detail


@pytest.mark.parametrize(("one", "other"), [(BOGUS, GOOD), (DEAD, GOOD), (GOOD, BOGUS)])
def test_what_one_of_two_resolvers_refuses_is_unknown(one: Behaviour, other: Behaviour) -> None:
    detail = _disagreement(_asked(Pair(one, other)))
    assert detail.startswith(f"the two resolvers disagree on TLSA {NAME}: ")
    assert "SERVFAIL from 127.0.0.1:" in detail
    assert f"the {'second' if other is GOOD else 'first'} answers" in detail


def test_what_both_refuse_is_bogus() -> None:
    for one, other in ((BOGUS, BOGUS), (BOGUS, DEAD), (DEAD, BOGUS)):
        reply, bogus = _asked(Pair(one, other))
        assert not isinstance(reply, Silence)
        assert bogus is not None
        assert "SERVFAIL from" in bogus


def test_what_neither_gives_is_dead() -> None:
    reply, bogus = _asked(Pair(DEAD, DEAD))
    assert isinstance(reply, Silence)
    assert (reply.reason, bogus) == (Reason.SERVFAIL, None)


@pytest.mark.parametrize(("other", "words"), [(SILENT, "no answer from"), (REFUSED, "REFUSED fr")])
def test_second_resolver_without_a_word_confirms_nothing(other: Behaviour, words: str) -> None:
    assert words in _disagreement(_asked(Pair(BOGUS, other)))


def test_second_resolver_without_a_word_takes_nothing_from_an_answer() -> None:
    reply, bogus = _asked(Pair(GOOD, SILENT))
    assert not isinstance(reply, Silence)
    assert (reply.answer.authenticated, bogus) == (True, None)


def test_first_resolver_without_a_word_is_not_replaced_by_the_second() -> None:
    for other in (GOOD, BOGUS):
        reply, _ = _asked(Pair(SILENT, other))
        assert isinstance(reply, Silence)
        assert reply.reason is Reason.DNS_TIMEOUT


def test_without_a_second_resolver_nothing_more_is_asked() -> None:
    alone = Pair(GOOD, None)
    _asked(alone)
    assert len(alone.one.asked) == 1
    assert alone.other.asked == []


def test_answers_are_not_shared_and_queries_are_counted_together() -> None:
    pair = Pair(GOOD, GOOD)
    for _ in range(2):
        _asked(pair)
    assert [len(server.asked) for server in (pair.one, pair.other)] == [2, 2]
    assert pair.resolver.traffic.by_type == {"TLSA": 2}


def _collected(pair: Pair, collector: type[DaneHost | DnssecDomain]) -> Snapshot:
    async def main() -> Snapshot:
        async with pair as resolver:
            seen = snapshot(mx((10, "mx1.example.net")))
            subject = HOST if collector is DaneHost else DOMAIN
            seen.add(await collector(resolver, ORIGIN).collect(subject, seen))
            return seen

    return asyncio.run(main())


def test_disagreement_about_tlsa_records_is_told_of_them() -> None:
    found = _collected(Pair(BOGUS, GOOD), DaneHost).get(TlsaSet, HOST)
    assert isinstance(found, Unobserved)
    assert found.reason is Reason.UNVALIDATED


@pytest.mark.parametrize("name", ["example.net", "mx1.example.net"])
def test_disagreement_about_a_name_of_the_mail_leaves_the_domain_open(name: str) -> None:
    found = _collected(Pair(BOGUS, GOOD, at=name), DnssecDomain).get(DomainSecurity, DOMAIN)
    assert isinstance(found, Unobserved)
    assert found.reason is Reason.UNVALIDATED
    assert name in found.detail


def test_name_that_both_refuse_is_a_bogus_name_of_the_domain() -> None:
    found = _collected(Pair(BOGUS, BOGUS, at="mx1.example.net"), DnssecDomain)
    seen = found.get(DomainSecurity, DOMAIN)
    assert isinstance(seen, Observed)
    assert {name.name for name in seen.fact.bogus_names} == {"mx1.example.net"}


def test_preflight_tells_what_the_second_resolver_is_worth() -> None:
    async def finding(pair: Pair) -> str:
        async with pair as resolver:
            return (await preflight(resolver, ORIGIN)).fact.finding

    validating, idle = Pair(GOOD, GOOD), Pair(GOOD, GOOD)
    idle.other.script.by_name["."] = Behaviour()
    said = asyncio.run(finding(validating))
    assert said.startswith("validates the root; the second one, 127.0.0.1:")
    assert said.endswith(": validates the root")
    assert "does not validate" in asyncio.run(finding(idle))
