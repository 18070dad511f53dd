"""The collector of what block lists say (RFC 5782)."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from dns.rdtypes.IN.A import A

from audits.collect.collector import Origin
from audits.collect.live.resolver import Resolver
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Reason,
    Silence,
    Unobserved,
    kind_of,
)
from audits.facts.reputation import Listing, Listings
from audits.facts.snapshot import Snapshot
from audits.parse.address import is_local
from audits.parse.dnsbl import TEST_FREE, TEST_LISTED, list_name, refusal
from audits.settings import ReputationSettings
from audits.subject import Address, Subject


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
        self._resolver = resolver
        self._origin = origin
        self._zones = tuple(zone.lower() for zone in settings.zones)

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Address)
        provenance = self._origin.live(self.name)
        why = "no block list is configured" if not self._zones else None
        if is_local(subject.address):
            why = f"{subject} is no public address"
        if why is not None:
            return [Unobserved(kind_of(Listings), subject, Reason.SKIPPED, why, provenance)]
        found = await asyncio.gather(*(self._listing(subject.address, z) for z in self._zones))
        return [Observed(Listings(subject, tuple(found)), provenance)]

    async def _listing(self, address: str, zone: str) -> Listing:
        listing = await self._ask(address, zone)
        if listing.silence is not None:
            return listing
        listed, free = await asyncio.gather(
            self._ask(TEST_LISTED, zone), self._ask(TEST_FREE, zone)
        )
        silence = listed.silence or free.silence
        if silence is None and (not listed.codes or free.codes):
            told = f"lists {TEST_FREE}" if free.codes else f"does not list {TEST_LISTED}"
            silence = Silence(Reason.PROTOCOL, f"{zone} {told}: it is no working block list")
        return Listing(zone, listing.name, listing.answer, listing.codes, silence)

    async def _ask(self, address: str, zone: str) -> Listing:
        name = list_name(address, zone)
        reply = await self._resolver.ask(name, "A")
        if isinstance(reply, Silence):
            return Listing(zone, name, None, (), reply)
        codes = tuple(sorted(r.address for r in reply.rdatas if isinstance(r, A)))
        refused = refusal(codes)
        silence = Silence(Reason.DNS_REFUSED, f"{zone}: {refused}") if refused else None
        return Listing(zone, name, reply.answer, codes, silence)
