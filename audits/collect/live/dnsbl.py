"""The collectors of what block lists say of addresses and of domains (RFC 5782)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from dns.rdtypes.IN.A import A

from audits.collect.collector import Origin
from audits.collect.live.resolver import Resolver
from audits.facts.declared import DeclaredDomain
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Reason,
    Silence,
    Unobserved,
    kind_of,
)
from audits.facts.reputation import DomainListings, Listing, Listings
from audits.facts.snapshot import Snapshot
from audits.parse.address import is_local
from audits.parse.dnsbl import (
    TEST_DOMAIN_FREE,
    TEST_DOMAIN_LISTED,
    TEST_FREE,
    TEST_LISTED,
    domain_list_name,
    list_name,
    refusal,
)
from audits.settings import ReputationSettings
from audits.subject import Address, Domain, Subject


class ListLookup:
    """Asks the lists that the operator names about each of our addresses, and no other list.

    A list that does not answer for the test addresses as RFC 5782 section 5 has it is dead, or
    lists everything: what it says is not believed.
    """

    name: ClassVar[str] = "dnsbl"
    about: ClassVar[type[Subject]] = Address
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({Listings})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset()

    def __init__(self, resolver: Resolver, origin: Origin, settings: ReputationSettings) -> None:
        self._lists = _Lists(resolver, settings.zones, list_name, TEST_LISTED, TEST_FREE)
        self._origin = origin

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Address)
        provenance = self._origin.live(self.name)
        why = "no block list is configured" if not self._lists.zones else None
        if is_local(subject.address):
            why = f"{subject} is no public address"
        if why is not None:
            return [Unobserved(kind_of(Listings), subject, Reason.SKIPPED, why, provenance)]
        found = await self._lists.about(subject.address)
        return [Observed(Listings(subject, found), provenance)]


class DomainListLookup:
    """Asks the lists of domains that the operator names about each domain that sends mail.

    Believed are those that list `test` and not `invalid` (RFC 5782 section 5).
    """

    name: ClassVar[str] = "dnsbl-domain"
    about: ClassVar[type[Subject]] = Domain
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({DomainListings})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({DeclaredDomain})

    def __init__(self, resolver: Resolver, origin: Origin, settings: ReputationSettings) -> None:
        self._lists = _Lists(
            resolver, settings.domain_zones, domain_list_name, TEST_DOMAIN_LISTED, TEST_DOMAIN_FREE
        )
        self._origin = origin

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Domain)
        provenance = self._origin.live(self.name)
        declared = seen.fact(DeclaredDomain, subject)
        why = "no block list of domains is configured" if not self._lists.zones else None
        if declared is None or not declared.sends:
            why = "the domain sends no mail"
        if why is not None:
            return [Unobserved(kind_of(DomainListings), subject, Reason.SKIPPED, why, provenance)]
        found = await self._lists.about(subject.name)
        return [Observed(DomainListings(subject, found), provenance)]


class _Lists:
    """Lists of one kind. name_in: how a key is asked for; listed, free: keys for a test of them."""

    def __init__(
        self,
        resolver: Resolver,
        zones: Sequence[str],
        name_in: Callable[[str, str], str],
        listed: str,
        free: str,
    ) -> None:
        self.zones = tuple(zone.lower() for zone in zones)
        self._resolver = resolver
        self._name_in = name_in
        self._listed = listed
        self._free = free

    async def about(self, key: str) -> tuple[Listing, ...]:
        """What each list says of an address or a domain."""
        return tuple(await asyncio.gather(*(self._listing(key, zone) for zone in self.zones)))

    async def _listing(self, key: str, zone: str) -> Listing:
        listing = await self._ask(key, zone)
        if listing.silence is not None:
            return listing
        listed, free = await asyncio.gather(
            self._ask(self._listed, zone), self._ask(self._free, zone)
        )
        silence = listed.silence or free.silence
        if silence is None and (not listed.codes or free.codes):
            told = f"lists {self._free}" if free.codes else f"does not list {self._listed}"
            silence = Silence(Reason.PROTOCOL, f"{zone} {told}: it is no working block list")
        return Listing(zone, listing.name, listing.answer, listing.codes, silence)

    async def _ask(self, key: str, zone: str) -> Listing:
        name = self._name_in(key, zone)
        reply = await self._resolver.ask(name, "A")
        if isinstance(reply, Silence):
            return Listing(zone, name, None, (), reply)
        codes = tuple(sorted(r.address for r in reply.rdatas if isinstance(r, A)))
        refused = refusal(codes)
        silence = Silence(Reason.DNS_REFUSED, f"{zone}: {refused}") if refused else None
        return Listing(zone, name, reply.answer, codes, silence)
