"""The collector of CAA records against a DNS server on loopback."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from audits.collect.collector import Origin
from audits.collect.live.caa import CaaClimb, PolicyHostCaaClimb
from audits.collect.live.resolver import Resolver
from audits.facts.caa import CaaSet, PolicyHostCaa
from audits.facts.dns import MtaStsTxt
from audits.facts.fact import AnyObservation, Fact, Observed, Reason, Unobserved
from audits.facts.snapshot import SCHEMA, Header, Snapshot
from audits.subject import Domain, MailHost
from tests.build import silent, snapshot
from tests.catalog.mta_sts.policies import sts
from tests.servers.dns import Behaviour, ScriptedDns

NOW = datetime.now(UTC)
ORIGIN = Origin("here", lambda: NOW)
ZONES = {
    "example.": """
@ 300 SOA ns hostmaster 1 3600 600 86400 60
@ 300 CAA 0 issue "top.example"
net 300 CAA 0 issue "ca.example; account=1"
net 300 CAA 0 issuewild ";"
mx1.net 300 A 192.0.2.1
alias.net 300 CNAME mx1.other
mx1.other 300 CAA 128 issue "other.example"
""",
    "test.": "@ 300 SOA ns hostmaster 1 3600 600 86400 60",
}


def climbed(
    *hosts: str, script: Mapping[str | tuple[str, str], Behaviour] | None = None
) -> tuple[list[AnyObservation], list[str]]:
    """An observation for each host, and the names that were asked for."""

    async def main() -> tuple[list[AnyObservation], list[str]]:
        async with ScriptedDns(ZONES, script) as names, Resolver(names.settings) as resolver:
            seen = Snapshot(Header(SCHEMA, "run", "here", NOW, "0"))
            collector = CaaClimb(resolver, ORIGIN)
            found = [
                observation
                for host in hosts
                for observation in await collector.collect(MailHost(host), seen)
            ]
            return found, names.names("CAA")

    return asyncio.run(main())


def test_nearest_records_upwards_are_the_relevant_ones() -> None:
    (found,), asked = climbed("mx1.net.example")
    assert isinstance(found, Observed)
    assert isinstance(found.fact, CaaSet)
    assert [(r.tag, r.issuer) for r in found.fact.records] == [
        ("issue", "ca.example"),
        ("issuewild", ""),
    ]
    assert asked == ["mx1.net.example", "net.example"]


def test_two_hosts_of_a_domain_share_the_climb() -> None:
    _, asked = climbed("mx1.net.example", "mx2.net.example")
    assert asked == ["mx1.net.example", "net.example", "mx2.net.example"]


def test_records_of_an_alias_target_are_those_of_the_name() -> None:
    (found,), _ = climbed("alias.net.example")
    assert isinstance(found, Observed)
    assert isinstance(found.fact, CaaSet)
    assert [(r.flags, r.issuer) for r in found.fact.records] == [(128, "other.example")]


def test_no_records_up_to_the_top_are_a_fact() -> None:
    (found,), asked = climbed("mx1.bare.test")
    assert isinstance(found, Observed)
    assert isinstance(found.fact, CaaSet)
    assert found.fact.records == ()
    assert [a.rcode for a in found.fact.answers] == ["NXDOMAIN", "NXDOMAIN", "NOERROR"]
    assert asked == ["mx1.bare.test", "bare.test", "test"]


def test_silence_on_the_way_is_no_absence() -> None:
    script: dict[str | tuple[str, str], Behaviour] = {
        ("net.example", "CAA"): Behaviour(rcode="SERVFAIL")
    }
    (found,), _ = climbed("mx1.net.example", script=script)
    assert isinstance(found, Unobserved)
    assert found.reason is Reason.SERVFAIL


def test_garbage_is_silence() -> None:
    (found,), _ = climbed("mx1.net.example", script={"*": Behaviour(garbage=True)})
    assert isinstance(found, Unobserved)


def climbed_for_policy(
    *seen: Fact | Unobserved, script: Mapping[str | tuple[str, str], Behaviour] | None = None
) -> tuple[AnyObservation, list[str]]:
    """The observation for the policy host of net.example, and the names that were asked for."""

    async def main() -> tuple[AnyObservation, list[str]]:
        async with ScriptedDns(ZONES, script) as names, Resolver(names.settings) as resolver:
            collector = PolicyHostCaaClimb(resolver, ORIGIN)
            (found,) = await collector.collect(Domain("net.example"), snapshot(*seen))
            return found, names.names("CAA")

    return asyncio.run(main())


def announced(*texts: str) -> MtaStsTxt:
    return replace(sts(*texts), subject=Domain("net.example"))


def test_host_of_an_mta_sts_policy_is_climbed_from_where_a_policy_is_announced() -> None:
    found, asked = climbed_for_policy(announced("v=STSv1; id=1"))
    assert isinstance(found, Observed)
    assert isinstance(found.fact, PolicyHostCaa)
    assert asked == ["mta-sts.net.example", "net.example"]
    assert [r.issuer for r in found.fact.records] == ["ca.example", ""]


def test_without_an_mta_sts_record_nobody_is_asked_and_silence_stays_silence() -> None:
    refused = silent(MtaStsTxt, Domain("net.example"), Reason.SERVFAIL)
    for seen, reason in ((announced(), Reason.ABSENT), (refused, Reason.SERVFAIL)):
        found, asked = climbed_for_policy(seen)
        assert isinstance(found, Unobserved)
        assert (found.reason, asked) == (reason, [])
    failing: Mapping[str | tuple[str, str], Behaviour] = {
        "mta-sts.net.example": Behaviour(rcode="SERVFAIL")
    }
    found, _ = climbed_for_policy(announced("v=STSv1; id=1"), script=failing)
    assert isinstance(found, Unobserved)
    assert found.reason is Reason.SERVFAIL
