"""DMARC: the tree walk (RFC 9989 section 4.10), and where reports would go (RFC 9990)."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import ClassVar

from dns.rdtypes.ANY.MX import MX

from audits.collect.collector import Origin
from audits.collect.live.resolver import Resolver
from audits.collect.live.txt import texts
from audits.errors import ParseError
from audits.facts.dmarc import (
    Authorisation,
    DmarcDestination,
    DmarcDestinations,
    MailExchange,
    ReportUri,
)
from audits.facts.dns import DmarcStep, DmarcWalk
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Reason,
    Silence,
    Unobserved,
    observation,
)
from audits.facts.snapshot import Snapshot
from audits.parse.declared_name import declared_name
from audits.parse.dmarc import (
    dmarc_records,
    organizational_domain,
    report_uris,
    walk_domains,
    walk_ends,
)
from audits.parse.dns_message import name_text
from audits.subject import Domain, Subject

# A hostile record could name thousands; receivers need only serve two (RFC 7489 section 6.2).
_MAX_DESTINATIONS = 10


async def dmarc_walk(resolver: Resolver, domain: str) -> DmarcWalk | Silence:
    """The walk up from a domain; one that falls silent does not tell the organizational domain.

    Where zones under review alone are asked, it ends with them: what top-level domains say is left
    out, and so is everything above a record of the domain's own.
    """
    steps: list[DmarcStep] = []
    for name in walk_domains(domain):
        reply = await resolver.ask(f"_dmarc.{name}", "TXT")
        if isinstance(reply, Silence):
            outside = reply.reason is Reason.NOT_UNDER_REVIEW and bool(steps)
            if outside and (steps[0].records or "." not in name):
                break
            return reply
        found = texts(reply)
        steps.append(DmarcStep(reply.answer, found, dmarc_records(found)))
        if walk_ends(steps[-1].records):
            break
    return DmarcWalk(Domain(domain), tuple(steps), organizational_domain(domain, steps))


class DmarcReportMailboxes:
    """The domains that a policy record sends reports to: may they get them, and have they an MX?

    Whether a destination is external is told by a walk up from it; names that the domain's own
    walk has asked for cost no query.
    """

    name: ClassVar[str] = "dmarc-destinations"
    about: ClassVar[type[Subject]] = Domain
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({DmarcDestinations})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({DmarcWalk})

    def __init__(self, resolver: Resolver, origin: Origin) -> None:
        self._resolver = resolver
        self._origin = origin

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Domain)
        found = await self._destinations(subject, seen)
        provenance = self._origin.live(self.name)
        return [observation(DmarcDestinations, subject, found, provenance)]

    async def _destinations(self, domain: Domain, seen: Snapshot) -> DmarcDestinations | Silence:
        walk = _walk(domain, seen)
        if isinstance(walk, Silence):
            return walk
        place = walk.found_at
        if place is None:
            return Silence(Reason.ABSENT, "no DMARC record covers the domain")
        steps = walk.steps[place:]
        policy_domain = steps[0].answer.name.removeprefix("_dmarc.")
        organizational = organizational_domain(policy_domain, steps)
        named = _by_domain(report_uris(steps[0].records[0]))
        found = await asyncio.gather(
            *(self._destination(*each, policy_domain, organizational) for each in named.items())
        )
        return DmarcDestinations(domain, policy_domain, organizational, tuple(found))

    async def _destination(
        self, name: str, uris: tuple[ReportUri, ...], policy_domain: str, ours: str
    ) -> DmarcDestination:
        try:
            declared_name(name)
        except ParseError:
            return DmarcDestination(name, uris, None, None, None, ())
        walk, mx = await asyncio.gather(dmarc_walk(self._resolver, name), self._mx(name))
        theirs = walk.organizational if isinstance(walk, DmarcWalk) else None
        asked: list[object] = [walk, mx]
        authorisation = None
        if theirs != ours:
            authorisation = await self._authorisation(policy_domain, name)
            asked.append(authorisation)
        return DmarcDestination(
            name=name,
            uris=uris,
            organizational=theirs,
            authorisation=authorisation if isinstance(authorisation, Authorisation) else None,
            mx=mx if isinstance(mx, MailExchange) else None,
            silences=tuple(each for each in asked if isinstance(each, Silence)),
        )

    async def _authorisation(self, policy_domain: str, name: str) -> Authorisation | Silence:
        reply = await self._resolver.ask(f"{policy_domain}._report._dmarc.{name}", "TXT")
        if isinstance(reply, Silence):
            return reply
        found = texts(reply)
        return Authorisation(reply.answer, found, dmarc_records(found))

    async def _mx(self, name: str) -> MailExchange | Silence:
        reply = await self._resolver.ask(name, "MX")
        if isinstance(reply, Silence):
            return reply
        exchanges = {name_text(rdata.exchange) for rdata in reply.rdatas if isinstance(rdata, MX)}
        return MailExchange(reply.answer, tuple(sorted(exchanges)))


def _walk(domain: Domain, seen: Snapshot) -> DmarcWalk | Silence:
    match seen.get(DmarcWalk, domain):
        case Observed(fact):
            return fact
        case Unobserved(_, _, reason, detail):
            return Silence(reason, detail)
        case None:
            return Silence(Reason.NOT_COLLECTED, f"_dmarc.{domain} was not asked for")


def _by_domain(uris: Sequence[tuple[ReportUri, str]]) -> Mapping[str, tuple[ReportUri, ...]]:
    """The URIs by the domain of their address, in order of first mention, so many and no more."""
    found: dict[str, tuple[ReportUri, ...]] = {}
    for uri, address in uris:
        name = address.rpartition("@")[2].lower().removesuffix(".")
        if name in found or len(found) < _MAX_DESTINATIONS:
            found[name] = (*found.get(name, ()), uri)
    return found
