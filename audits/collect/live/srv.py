"""The collector of SRV records for mail programs (RFC 6186 section 3, RFC 8314 section 4).

Where they lead is looked up, too: a host of the fleet is in the resolver's cache.
"""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from dns.rdtypes.IN.SRV import SRV

from audits.collect.collector import Origin
from audits.collect.live.dns import addresses_in, ask_addresses, silent_types
from audits.collect.live.resolver import Reply, Resolver
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
from audits.facts.snapshot import Snapshot
from audits.facts.srv import ClientServices, SrvRecord, SrvService, SrvTarget
from audits.parse.dns_message import name_text
from audits.subject import Domain, Subject

SERVICES = ("_submissions", "_submission", "_imaps", "_imap")


class SrvLookup:
    """The services of a domain that its users send from."""

    name: ClassVar[str] = "srv"
    about: ClassVar[type[Subject]] = Domain
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({ClientServices})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({DeclaredDomain})

    def __init__(self, resolver: Resolver, origin: Origin) -> None:
        self._resolver = resolver
        self._origin = origin

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Domain)
        provenance = self._origin.live(self.name)
        declared = seen.fact(DeclaredDomain, subject)
        if declared is None or not declared.sends:
            kind, why = kind_of(ClientServices), "the domain sends no mail"
            return [Unobserved(kind, subject, Reason.SKIPPED, why, provenance)]
        services = await asyncio.gather(*(self._service(subject, each) for each in SERVICES))
        names = {record.target for service in services for record in service.offered}
        targets = await asyncio.gather(*map(self._target, sorted(names)))
        return [Observed(ClientServices(subject, tuple(services), tuple(targets)), provenance)]

    async def _service(self, domain: Domain, service: str) -> SrvService:
        name = f"{service}._tcp.{domain}"
        reply = await self._resolver.ask(name, "SRV")
        if isinstance(reply, Silence):
            return SrvService(service, name, None, (), reply)
        records = [
            SrvRecord(r.priority, r.weight, r.port, name_text(r.target))
            for r in reply.rdatas
            if isinstance(r, SRV)
        ]
        records.sort(key=lambda r: (r.priority, -r.weight, r.target, r.port))
        return SrvService(service, name, reply.answer, tuple(records), None)

    async def _target(self, name: str) -> SrvTarget:
        replies = await ask_addresses(self._resolver, name)
        chains = [reply.alias_chain for reply in replies.values() if isinstance(reply, Reply)]
        addresses, silent = addresses_in(replies), silent_types(replies)
        silence = silent[0].silence if silent and not addresses else None
        return SrvTarget(name, max(chains, key=len, default=()), addresses, silence)
