"""The collector of BIMI assertion records."""

from collections.abc import Sequence
from typing import ClassVar

from audits.collect.collector import Origin
from audits.collect.live.resolver import Resolver
from audits.collect.live.txt import texts
from audits.facts.bimi import BimiTxt
from audits.facts.declared import DeclaredDomain
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Reason,
    Silence,
    observation,
)
from audits.facts.snapshot import Snapshot
from audits.parse.bimi import bimi_records
from audits.subject import Domain, Subject


class BimiLookup:
    """The record of the default selector, for domains that send mail; nothing is fetched."""

    name: ClassVar[str] = "bimi"
    about: ClassVar[type[Subject]] = Domain
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({BimiTxt})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({DeclaredDomain})

    def __init__(self, resolver: Resolver, origin: Origin) -> None:
        self._resolver = resolver
        self._origin = origin

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Domain)
        found = await self._record(subject, seen)
        provenance = self._origin.live(self.name)
        return [observation(BimiTxt, subject, found, provenance)]

    async def _record(self, domain: Domain, seen: Snapshot) -> BimiTxt | Silence:
        declared = seen.fact(DeclaredDomain, domain)
        if declared is not None and not declared.sends:
            return Silence(Reason.SKIPPED, "the domain sends no mail")
        reply = await self._resolver.ask(f"default._bimi.{domain.name}", "TXT")
        if isinstance(reply, Silence):
            return reply
        found = texts(reply)
        return BimiTxt(domain, reply.answer, found, bimi_records(found))
