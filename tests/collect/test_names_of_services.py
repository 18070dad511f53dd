"""The collectors of HELO names and of SRV records, against a DNS server on loopback."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from audits.collect.collector import Collector, Origin
from audits.collect.live.helo import HeloLookup
from audits.collect.live.resolver import Resolver
from audits.collect.live.srv import SERVICES, SrvLookup
from audits.facts.fact import AnyObservation, Fact, Observed, Reason, Unobserved
from audits.facts.helo import HeloName
from audits.facts.snapshot import SCHEMA, Header, Snapshot
from audits.facts.srv import ClientServices, SrvRecord, SrvTarget
from audits.subject import Domain, MailHost, Subject
from tests.build import domain, host
from tests.servers.dns import Behaviour, ScriptedDns

NOW = datetime.now(UTC)
ORIGIN = Origin("here", lambda: NOW)
D = Domain("example.net")
MX1 = MailHost("mx1.example.net")
ZONES = {
    "example.net.": """
@ 300 SOA ns hostmaster 1 3600 600 86400 60
out 300 A 192.0.2.20
out 300 AAAA 2001:db8::20
mx1 300 A 192.0.2.10
_submissions._tcp 300 SRV 10 1 465 b
_submissions._tcp 300 SRV 0 1 465 A.Example.Net.
_imap._tcp 300 SRV 0 0 0 .
a 300 CNAME out
"""
}


def asked(
    make: Callable[[Resolver, Origin], Collector],
    subject: Subject,
    *declared: Fact,
    script: Mapping[str | tuple[str, str], Behaviour] | None = None,
) -> tuple[AnyObservation, int]:
    """What the collector says, and how many questions it took."""

    async def main() -> tuple[AnyObservation, int]:
        async with ScriptedDns(ZONES, script) as names, Resolver(names.settings) as resolver:
            stated = (Observed(fact, ORIGIN.live("inventory")) for fact in declared)
            snapshot = Snapshot(Header(SCHEMA, "run", "here", NOW, "0"), stated)
            (found,) = await make(resolver, ORIGIN).collect(subject, snapshot)
            return found, len(names.asked)

    return asyncio.run(main())


def test_declared_helo_name_is_resolved_and_the_host_name_where_none_is_declared() -> None:
    found, _ = asked(HeloLookup, MX1, host(helo_name="out.example.net"))
    assert isinstance(found, Observed)
    assert isinstance(found.fact, HeloName)
    assert found.fact.addresses == ("192.0.2.20", "2001:db8::20")
    found, _ = asked(HeloLookup, MX1, host())
    assert isinstance(found, Observed)
    assert isinstance(found.fact, HeloName)
    assert (found.fact.name, found.fact.addresses) == ("mx1.example.net", ("192.0.2.10",))


def test_address_literal_and_a_foreign_host_are_not_asked_for() -> None:
    found, questions = asked(HeloLookup, MX1, host(helo_name="[192.0.2.10]"))
    assert isinstance(found, Observed)
    assert questions == 0
    found, questions = asked(HeloLookup, MX1)
    assert isinstance(found, Unobserved)
    assert (found.reason, questions) == (Reason.SKIPPED, 0)


def test_silent_helo_name_is_unobserved_and_a_silent_type_is_part_of_the_fact() -> None:
    found, _ = asked(HeloLookup, MX1, host(), script={"*": Behaviour(silent=True)})
    assert isinstance(found, Unobserved)
    assert found.reason is Reason.DNS_TIMEOUT
    script: dict[str | tuple[str, str], Behaviour] = {
        ("mx1.example.net", "AAAA"): Behaviour(rcode="SERVFAIL")
    }
    found, _ = asked(HeloLookup, MX1, host(), script=script)
    assert isinstance(found, Observed)
    assert isinstance(found.fact, HeloName)
    assert [part.rdtype for part in found.fact.silent] == ["AAAA"]


def test_services_are_asked_for_once_each_and_sorted_by_priority() -> None:
    found, questions = asked(SrvLookup, D, domain())
    assert isinstance(found, Observed)
    assert isinstance(found.fact, ClientServices)
    # And A and AAAA of two targets, one of which is an alias.
    assert questions == len(SERVICES) + 4
    _, submissions = found.fact.service("_submissions")
    assert submissions.records == (
        SrvRecord(0, 1, 465, "a.example.net"),
        SrvRecord(10, 1, 465, "b.example.net"),
    )
    _, imap = found.fact.service("_imap")
    assert (imap.records, imap.offered) == ((SrvRecord(0, 0, 0, "."),), ())
    assert found.fact.targets == (
        SrvTarget("a.example.net", ("out.example.net",), ("192.0.2.20", "2001:db8::20"), None),
        SrvTarget("b.example.net", (), (), None),
    )


def test_address_type_that_is_silent_hides_only_what_would_be_missing() -> None:
    for name, silent in (("b", True), ("a", False)):
        script: dict[str | tuple[str, str], Behaviour] = {
            (f"{name}.example.net", "AAAA"): Behaviour(rcode="SERVFAIL")
        }
        found, _ = asked(SrvLookup, D, domain(), script=script)
        assert isinstance(found, Observed)
        assert isinstance(found.fact, ClientServices)
        (target,) = [t for t in found.fact.targets if t.name == f"{name}.example.net"]
        assert (target.silence is not None) is silent


def test_silent_service_leaves_the_others_seen() -> None:
    script: dict[str | tuple[str, str], Behaviour] = {
        "_imaps._tcp.example.net": Behaviour(silent=True)
    }
    found, _ = asked(SrvLookup, D, domain(), script=script)
    assert isinstance(found, Observed)
    assert isinstance(found.fact, ClientServices)
    assert [s.service for s in found.fact.services if s.silence is not None] == ["_imaps"]


def test_domain_that_sends_nothing_is_not_asked() -> None:
    found, questions = asked(SrvLookup, D, domain(sends=False))
    assert isinstance(found, Unobserved)
    assert (found.reason, questions) == (Reason.SKIPPED, 0)
