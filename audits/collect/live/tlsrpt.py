"""The collector of where reports on TLS would go (RFC 8460 section 3)."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from dns.rdtypes.ANY.MX import MX

from audits.collect.collector import Origin
from audits.collect.live.resolver import Resolver
from audits.facts.dns import TlsRptTxt
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
from audits.facts.tlsrpt import ReportDestination, TlsRptDestinations
from audits.parse.dns_message import name_text
from audits.parse.tlsrpt import mailto_domains
from audits.subject import Domain, Subject


class TlsRptMailboxes:
    """The MX records of every domain that a TLS-RPT record names behind `mailto:`."""

    name: ClassVar[str] = "tlsrpt-destinations"
    about: ClassVar[type[Subject]] = Domain
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({TlsRptDestinations})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({TlsRptTxt})

    def __init__(self, resolver: Resolver, origin: Origin) -> None:
        self._resolver = resolver
        self._origin = origin

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Domain)
        names = _names(subject, seen)
        provenance = self._origin.live(self.name)
        if isinstance(names, Silence):
            kind = kind_of(TlsRptDestinations)
            return [Unobserved(kind, subject, names.reason, names.detail, provenance)]
        found = await asyncio.gather(*map(self._destination, names))
        return [Observed(TlsRptDestinations(subject, tuple(found)), provenance)]

    async def _destination(self, name: str) -> ReportDestination:
        reply = await self._resolver.ask(name, "MX")
        if isinstance(reply, Silence):
            return ReportDestination(name, None, (), reply)
        exchanges = {name_text(r.exchange) for r in reply.rdatas if isinstance(r, MX)}
        return ReportDestination(name, reply.answer, tuple(sorted(exchanges)), None)


def _names(domain: Domain, seen: Snapshot) -> tuple[str, ...] | Silence:
    match seen.get(TlsRptTxt, domain):
        case Observed(fact) if len(fact.records) == 1 and fact.records[0].malformed is None:
            return mailto_domains(fact.records[0].rua)
        case Observed(fact):
            return Silence(Reason.ABSENT, f"no single valid TLS-RPT record at {fact.answer.name}")
        case Unobserved(_, _, reason, detail):
            return Silence(reason, detail)
        case None:
            return Silence(Reason.NOT_COLLECTED, f"_smtp._tls.{domain} was not asked for")
