"""The collectors of block lists and of route origins."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audits.collect.collector import Origin
from audits.collect.live.dnsbl import DomainListLookup, ListLookup
from audits.collect.live.resolver import Resolver
from audits.collect.live.rpki import RouteCheck
from audits.errors import UsageError
from audits.facts.fact import AnyObservation, Observed, Reason, Unobserved
from audits.facts.reputation import DomainListings, Listing, Listings
from audits.facts.rpki import RouteOrigin
from audits.facts.snapshot import SCHEMA, Header, Snapshot
from audits.settings import ReputationSettings, RpkiSettings
from audits.subject import Address, Domain
from tests.build import domain
from tests.parse.test_vrp import JSON
from tests.servers.dns import Behaviour, ScriptedDns

NOW = datetime.now(UTC)
ORIGIN = Origin("here", lambda: NOW)
SEEN = Snapshot(Header(SCHEMA, "run", "here", NOW, "0"))
SOA = "@ 300 SOA ns hostmaster 1 3600 600 86400 60\n"
ZONES = {
    "good.example.": SOA + "2.0.0.127 300 A 127.0.0.2\n7.2.0.192 300 A 127.0.0.4\n",
    "dead.example.": SOA,
    "all.example.": SOA + "* 300 A 127.0.0.2\n",
    "parked.example.": SOA + "* 300 A 203.0.113.5\n",
    "refusing.example.": SOA + "* 300 A 127.255.255.254\n",
}
DOMAIN_ZONES = {
    **ZONES,
    "good.example.": SOA + "test 300 A 127.0.1.2\nbad.example.net 300 A 127.0.1.4\n",
    "blocking.example.": SOA + "* 300 A 127.0.0.1\n",
}
Script = Mapping[str | tuple[str, str], Behaviour]


def asked(
    *zones: str, address: str = "192.0.2.7", script: Script | None = None
) -> tuple[AnyObservation, list[str]]:
    async def main() -> tuple[AnyObservation, list[str]]:
        async with ScriptedDns(ZONES, script) as names, Resolver(names.settings) as resolver:
            collector = ListLookup(resolver, ORIGIN, ReputationSettings(zones))
            (found,) = await collector.collect(Address(address), SEEN)
            return found, names.names("A")

    return asyncio.run(main())


def listings(found: AnyObservation) -> tuple[Listing, ...]:
    assert isinstance(found, Observed)
    assert isinstance(found.fact, Listings)
    return found.fact.lists


def test_listing_and_its_absence_are_told_from_a_working_list() -> None:
    """Also by another code than 127.0.0.2, the only one that mailvalidator knows."""
    (listed,) = listings(asked("good.example")[0])
    assert (listed.codes, listed.silence) == (("127.0.0.4",), None)
    (free,) = listings(asked("Good.example", address="192.0.2.8")[0])
    assert (free.codes, free.silence) == ((), None)


@pytest.mark.parametrize(
    ("zone", "reason", "why"),
    [
        ("dead.example", Reason.PROTOCOL, "dead.example does not list 127.0.0.2"),
        ("all.example", Reason.PROTOCOL, "all.example lists 127.0.0.1"),
        ("parked.example", Reason.DNS_REFUSED, "203.0.113.5 is no answer of a list"),
        ("refusing.example", Reason.DNS_REFUSED, "the list refuses to answer us"),
    ],
)
def test_list_that_does_not_work_or_refuses_is_silent(zone: str, reason: Reason, why: str) -> None:
    (listing,) = listings(asked(zone)[0])
    assert listing.silence is not None
    assert listing.silence.reason is reason
    assert why in listing.silence.detail


def test_list_whose_servers_fail_is_silent() -> None:
    (listing,) = listings(asked("good.example", script={"*": Behaviour(rcode="REFUSED")})[0])
    assert listing.silence is not None
    assert listing.answer is None


def test_nobody_is_asked_without_lists_or_about_a_private_address() -> None:
    for found, names in (asked(), asked("good.example", address="10.0.0.1")):
        assert isinstance(found, Unobserved)
        assert found.reason is Reason.SKIPPED
        assert names == []


def asked_about(
    name: str, *zones: str, sends: bool = True, script: Script | None = None
) -> tuple[AnyObservation, list[str]]:
    """What the lists of domains say, and the names that were asked for."""

    async def main() -> tuple[AnyObservation, list[str]]:
        async with ScriptedDns(DOMAIN_ZONES, script) as names, Resolver(names.settings) as resolver:
            configured = ReputationSettings(domain_zones=zones)
            collector = DomainListLookup(resolver, ORIGIN, configured)
            declared = Observed(domain(name, sends=sends), ORIGIN.live("inventory"))
            seen = Snapshot(Header(SCHEMA, "run", "here", NOW, "0"), [declared])
            (found,) = await collector.collect(Domain(name), seen)
            return found, names.names("A")

    return asyncio.run(main())


def domain_listings(found: AnyObservation) -> tuple[Listing, ...]:
    assert isinstance(found, Observed)
    assert isinstance(found.fact, DomainListings)
    return found.fact.lists


def test_a_domain_is_asked_for_as_it_stands_and_so_are_the_test_points() -> None:
    found, names = asked_about("bad.example.net", "Good.example")
    (listing,) = domain_listings(found)
    assert (listing.codes, listing.silence) == (("127.0.1.4",), None)
    assert set(names) == {f"{key}.good.example" for key in ("bad.example.net", "test", "invalid")}
    (free,) = domain_listings(asked_about("example.net", "good.example")[0])
    assert (free.codes, free.silence) == ((), None)


@pytest.mark.parametrize(
    ("zone", "reason", "why"),
    [
        ("dead.example", Reason.PROTOCOL, "dead.example does not list test"),
        ("all.example", Reason.PROTOCOL, "all.example lists invalid"),
        ("parked.example", Reason.DNS_REFUSED, "203.0.113.5 is no answer of a list"),
        ("refusing.example", Reason.DNS_REFUSED, "the list refuses to answer us"),
        ("blocking.example", Reason.DNS_REFUSED, "127.0.0.1: the list refuses to answer us"),
    ],
)
def test_list_of_domains_that_does_not_work_or_refuses_is_silent(
    zone: str, reason: Reason, why: str
) -> None:
    (listing,) = domain_listings(asked_about("bad.example.net", zone)[0])
    assert listing.silence is not None
    assert listing.silence.reason is reason
    assert why in listing.silence.detail


def test_no_list_of_domains_is_asked_unless_named_nor_about_a_domain_that_sends_nothing() -> None:
    for found, names in (
        asked_about("example.net"),
        asked_about("example.net", "good.example", sends=False),
    ):
        assert isinstance(found, Unobserved)
        assert found.reason is Reason.SKIPPED
        assert names == []


def checked(settings: RpkiSettings, base: Path, address: str = "192.0.2.7") -> AnyObservation:
    collector = RouteCheck(ORIGIN, settings, base)
    (found,) = asyncio.run(_collect(collector, address))
    return found


async def _collect(collector: RouteCheck, address: str) -> list[AnyObservation]:
    return list(await collector.collect(Address(address), SEEN))


def test_route_is_that_of_the_longest_declared_prefix(tmp_path: Path) -> None:
    (tmp_path / "vrps.json").write_bytes(JSON)
    settings = RpkiSettings("vrps.json", {"192.0.0.0/16": 64511, "192.0.2.0/24": 64496})
    found = checked(settings, tmp_path)
    assert isinstance(found, Observed)
    assert isinstance(found.fact, RouteOrigin)
    assert (found.fact.prefix, found.fact.asn, found.fact.state) == ("192.0.2.0/24", 64496, "valid")
    assert len(found.fact.covering) == 2
    invalid = checked(RpkiSettings("vrps.json", {"192.0.2.0/24": 64500}), tmp_path)
    assert isinstance(invalid, Observed)
    assert isinstance(invalid.fact, RouteOrigin)
    assert invalid.fact.state == "invalid"


def test_what_is_not_configured_is_skipped_and_what_is_not_declared_is_open(tmp_path: Path) -> None:
    skipped = checked(RpkiSettings(), tmp_path)
    assert isinstance(skipped, Unobserved)
    assert skipped.reason is Reason.SKIPPED
    (tmp_path / "vrps.json").write_bytes(JSON)
    undeclared = checked(RpkiSettings("vrps.json"), tmp_path)
    assert isinstance(undeclared, Unobserved)
    assert undeclared.reason is Reason.NOT_DECLARED
    private = checked(RpkiSettings("vrps.json"), tmp_path, "10.0.0.1")
    assert isinstance(private, Unobserved)
    assert private.reason is Reason.SKIPPED


def test_file_or_origin_that_can_not_be_read_ends_the_run_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        RouteCheck(ORIGIN, RpkiSettings("gone.json"), tmp_path)
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(UsageError, match="found no VRPs"):
        RouteCheck(ORIGIN, RpkiSettings("bad.json"), tmp_path)
    with pytest.raises(UsageError, match=r"rpki\.origins"):
        RouteCheck(ORIGIN, RpkiSettings(None, {"192.0.2.1/24": 1}), tmp_path)
