"""The SPF collectors against a DNS server on loopback."""

import asyncio
from datetime import UTC, datetime

from audits.collect.collector import Origin
from audits.collect.live.resolver import Resolver
from audits.collect.live.spf import SpfDomain, SpfHost
from audits.facts.declared import DeclaredSender
from audits.facts.fact import AnyObservation, Fact, Observed, Reason, Unobserved
from audits.facts.spf import SpfEvaluation, SpfHelo, SpfResult, SpfWorstCase
from audits.subject import Domain, MailHost, Role
from tests.build import domain, host, snapshot
from tests.servers.dns import Behaviour, ScriptedDns

DOMAIN = Domain("d.example")
HOST = MailHost("out.d.example")
ORIGIN = Origin("here", lambda: datetime(2026, 11, 1, tzinfo=UTC))
ZONE = r"""
@ 300 SOA ns hostmaster 1 3600 600 86400 60
@ 300 MX 20 mx2
@ 300 MX 10 mx1
@ 300 TXT "v=spf1 mx ptr exists:%{i}.l\\.d.example " "-all"
mx1 300 A 192.0.2.1
mx2 300 A 192.0.2.2
out 300 TXT "v=spf1 a -all"
out 300 A 192.0.2.9
out 300 AAAA 2001:db8::9
"""


def collected(
    *seen: Fact,
    about: Domain | MailHost = DOMAIN,
    wanted: frozenset[type[Fact]] = SpfDomain.provides,
    **script: Behaviour,
) -> tuple[list[AnyObservation], list[tuple[str, str]]]:
    """What the collector of that subject returns, and what it asked for."""

    async def collect() -> tuple[list[AnyObservation], list[tuple[str, str]]]:
        names = {
            f"{label}.d.example" if label != "apex" else "d.example": how
            for label, how in script.items()
        }
        async with (
            ScriptedDns({"d.example.": ZONE}, names) as server,
            Resolver(server.settings) as resolver,
        ):
            collector = (
                SpfDomain(resolver, ORIGIN, wanted)
                if isinstance(about, Domain)
                else SpfHost(resolver, ORIGIN)
            )
            found = await collector.collect(about, snapshot(*seen))
        return list(found), [(asked.name, asked.rdtype) for asked in server.asked]

    return asyncio.run(collect())


def fact(found: list[AnyObservation], kind: type[Fact]) -> Fact:
    (one,) = (o.fact for o in found if isinstance(o, Observed) and isinstance(o.fact, kind))
    return one


def declared(*addresses: str) -> Fact:
    return domain(DOMAIN.name, sending=(DeclaredSender(HOST.name, addresses),))


def test_declared_addresses_are_evaluated_and_the_cost_is_known() -> None:
    found, asked = collected(declared("192.0.2.2", "192.0.2.3"))
    evaluation = fact(found, SpfEvaluation)
    assert isinstance(evaluation, SpfEvaluation)
    results = [(c.address, c.result) for c in evaluation.checks]
    assert results == [("192.0.2.2", SpfResult.PASS), ("192.0.2.3", SpfResult.FAIL)]
    worst = fact(found, SpfWorstCase)
    assert isinstance(worst, SpfWorstCase)
    assert [(c.family, c.lookups, c.voids) for c in worst.costs] == [(4, 3, 0), (6, 3, 2)]
    assert worst.sends_from == (4,)
    assert len(asked) == len(set(asked)), "a question was asked twice"


def test_hosts_of_an_mx_are_tried_by_preference() -> None:
    found, _ = collected(declared("192.0.2.2"))
    evaluation = fact(found, SpfEvaluation)
    assert isinstance(evaluation, SpfEvaluation)
    (mx,) = (step for step in evaluation.checks[0].steps if step.term == "mx")
    assert [query.name for query in mx.queries[1:]] == ["mx1.d.example", "mx2.d.example"]


def test_backslash_of_a_record_reaches_the_server() -> None:
    _, asked = collected(declared("192.0.2.3"), wanted=frozenset({SpfEvaluation}))
    assert "192.0.2.3.l\\\\.d.example" in [name for name, _ in asked]


def test_sender_without_declared_addresses_is_looked_up() -> None:
    found, _ = collected(declared(), wanted=frozenset({SpfEvaluation}))
    evaluation = fact(found, SpfEvaluation)
    assert isinstance(evaluation, SpfEvaluation)
    assert [check.address for check in evaluation.checks] == ["192.0.2.9", "2001:db8::9"]


def test_sender_whose_name_is_silent_is_noted() -> None:
    found, _ = collected(declared(), out=Behaviour(rcode="SERVFAIL"))
    evaluation = fact(found, SpfEvaluation)
    assert isinstance(evaluation, SpfEvaluation)
    (silent,) = evaluation.silent
    assert (silent.host, silent.silence.reason) == (HOST.name, Reason.SERVFAIL)


def test_nothing_is_asked_where_no_sender_is_declared() -> None:
    _, asked = collected(domain(DOMAIN.name), wanted=frozenset({SpfEvaluation}))
    assert asked == []


def test_silent_domain_has_no_known_cost() -> None:
    found, _ = collected(declared(), apex=Behaviour(silent=True))
    (unseen,) = (o for o in found if isinstance(o, Unobserved))
    assert (unseen.kind, unseen.reason) == ("dns.spf-worst", Reason.DNS_TIMEOUT)


def test_helo_name_of_a_relay_is_judged_for_its_own_addresses() -> None:
    relay = host(HOST.name, roles=(Role.RELAY,), addresses=())
    found, _ = collected(relay, about=HOST)
    seen = fact(found, SpfHelo)
    assert isinstance(seen, SpfHelo)
    assert seen.helo_name == HOST.name
    assert [c.result for c in seen.checks] == [SpfResult.PASS, SpfResult.PASS]


def test_declared_helo_name_and_outbound_address_come_first() -> None:
    relay = host(HOST.name, helo_name="mx1.d.example", sends_from=("192.0.2.1",))
    found, asked = collected(relay, about=HOST)
    seen = fact(found, SpfHelo)
    assert isinstance(seen, SpfHelo)
    assert [(c.address, c.result) for c in seen.checks] == [("192.0.2.1", SpfResult.NONE)]
    assert asked == [("mx1.d.example", "TXT")]


def test_host_that_sends_nothing_is_skipped_without_a_question() -> None:
    for known in ((host(HOST.name),), ()):
        found, asked = collected(*known, about=HOST)
        assert [o.reason for o in found if isinstance(o, Unobserved)] == [Reason.SKIPPED]
        assert asked == []
