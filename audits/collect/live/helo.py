"""The collector of what HELO names resolve to."""

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address
from typing import ClassVar

from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from audits.collect.collector import Origin
from audits.collect.live.dns import ADDRESS_TYPES
from audits.collect.live.resolver import Reply, Resolver
from audits.facts.declared import DeclaredHost
from audits.facts.dns import SilentType
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Reason,
    Silence,
    observation,
)
from audits.facts.helo import HeloName
from audits.facts.snapshot import Snapshot
from audits.parse.address import is_literal
from audits.subject import MailHost, Subject


class HeloLookup:
    """The addresses of a host's HELO name; those of another's host are not asked for."""

    name: ClassVar[str] = "helo"
    about: ClassVar[type[Subject]] = MailHost
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({HeloName})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({DeclaredHost})

    def __init__(self, resolver: Resolver, origin: Origin) -> None:
        self._resolver = resolver
        self._origin = origin

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, MailHost)
        declared = seen.fact(DeclaredHost, subject)
        found: HeloName | Silence = Silence(Reason.SKIPPED, "not a host of the inventory")
        if declared is not None:
            found = await self._resolved(subject, declared.helo_name or subject.name)
        provenance = self._origin.live(self.name)
        return [observation(HeloName, subject, found, provenance)]

    async def _resolved(self, host: MailHost, name: str) -> HeloName | Silence:
        if is_literal(name):
            return HeloName(host, name, (), (), ())
        replies = await asyncio.gather(*(self._resolver.ask(name, t) for t in ADDRESS_TYPES))
        named = list(zip(ADDRESS_TYPES, replies, strict=True))
        silent = tuple(SilentType(t, reply) for t, reply in named if isinstance(reply, Silence))
        if len(silent) == len(named):
            return silent[0].silence
        answered = [reply for reply in replies if isinstance(reply, Reply)]
        found = {
            ip_address(rdata.address)
            for reply in answered
            for rdata in reply.rdatas
            if isinstance(rdata, A | AAAA)
        }
        ordered = sorted(found, key=lambda each: (each.version, int(each)))
        answers = tuple(reply.answer for reply in answered)
        return HeloName(host, name, answers, tuple(map(str, ordered)), silent)
