"""Collectors of what SPF says of our own addresses, and of what its evaluation costs."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from ipaddress import ip_address
from typing import ClassVar, TypeVar

from dns.rdata import Rdata
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from audits.collect.collector import Origin
from audits.collect.live.resolver import Resolver
from audits.collect.live.txt import texts
from audits.facts.declared import DeclaredDomain, DeclaredHost, DeclaredSender
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Reason,
    Silence,
    Unobserved,
    kind_of,
    observation,
)
from audits.facts.snapshot import Snapshot
from audits.facts.spf import SilentSender, SpfEvaluation, SpfHelo, SpfWorstCase
from audits.parse.dns_message import name_text
from audits.parse.spf_cost import worst_case
from audits.parse.spf_eval import Asking, check_host
from audits.parse.spf_trace import Answer, Question, Records
from audits.subject import Domain, MailHost, Role, Subject

FAMILIES = (4, 6)
# The local part that stands for all of a domain's mail; SPF itself takes it for bounces.
_SENDER = "postmaster"

Wanted = frozenset[type[Fact]]
T = TypeVar("T")


class SpfDomain:
    """SPF as receivers evaluate it, for the addresses that a domain's mail comes from.

    `wanted`: the kinds to return; no query is made for any other.
    """

    name: ClassVar[str] = "spf-domain"
    about: ClassVar[type[Subject]] = Domain
    provides: ClassVar[Wanted] = frozenset({SpfEvaluation, SpfWorstCase})
    requires: ClassVar[Wanted] = frozenset({DeclaredDomain})

    def __init__(self, resolver: Resolver, origin: Origin, wanted: Wanted = provides) -> None:
        self._resolver = resolver
        self._origin = origin
        self._wanted = wanted

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Domain)
        declared = seen.fact(DeclaredDomain, subject)
        senders = declared.sending if declared else ()
        searches: Mapping[type[Fact], Callable[[], Coroutine[None, None, Fact | Silence]]] = {
            SpfEvaluation: lambda: self._evaluation(subject, senders),
            SpfWorstCase: lambda: self._worst(subject, senders),
        }
        kinds = [kind for kind in searches if kind in self._wanted]
        found = await asyncio.gather(*(searches[kind]() for kind in kinds))
        provenance = self._origin.live(self.name)
        return [
            Unobserved(kind_of(kind), subject, each.reason, each.detail, provenance)
            if isinstance(each, Silence)
            else Observed(each, provenance)
            for kind, each in zip(kinds, found, strict=True)
        ]

    async def _evaluation(self, domain: Domain, senders: Sequence[DeclaredSender]) -> SpfEvaluation:
        known = await asyncio.gather(*map(self._addresses, senders))
        silent = tuple(
            SilentSender(sender.host, each)
            for sender, each in zip(senders, known, strict=True)
            if isinstance(each, Silence)
        )
        addresses = dict.fromkeys(
            a for each in known if not isinstance(each, Silence) for a in each
        )
        # One after the other: the first brings the answers that the others find in the cache.
        checks = [
            await evaluated(
                check_host(address, f"{_SENDER}@{domain.name}", domain.name), self._resolver
            )
            for address in addresses
        ]
        return SpfEvaluation(domain, tuple(checks), silent)

    async def _worst(
        self, domain: Domain, senders: Sequence[DeclaredSender]
    ) -> SpfWorstCase | Silence:
        costs = [await evaluated(worst_case(domain.name, f), self._resolver) for f in FAMILIES]
        if costs[0].silence is not None and len(costs[0].steps) == 1:
            return costs[0].silence  # the domain itself is silent
        known = await asyncio.gather(*map(self._addresses, senders))
        addresses = [a for each in known if not isinstance(each, Silence) for a in each]
        families = sorted({ip_address(address).version for address in addresses})
        return SpfWorstCase(domain, tuple(costs), tuple(families))

    async def _addresses(self, sender: DeclaredSender) -> tuple[str, ...] | Silence:
        return sender.addresses or await _host_addresses(self._resolver, sender.host)


class SpfHost:
    """SPF for the name that a host says in HELO, and the addresses that it sends from."""

    name: ClassVar[str] = "spf-host"
    about: ClassVar[type[Subject]] = MailHost
    provides: ClassVar[Wanted] = frozenset({SpfHelo})
    requires: ClassVar[Wanted] = frozenset({DeclaredHost})

    def __init__(self, resolver: Resolver, origin: Origin) -> None:
        self._resolver = resolver
        self._origin = origin

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, MailHost)
        found = await self._helo(subject, seen.fact(DeclaredHost, subject))
        provenance = self._origin.live(self.name)
        return [observation(SpfHelo, subject, found, provenance)]

    async def _helo(self, host: MailHost, declared: DeclaredHost | None) -> SpfHelo | Silence:
        if declared is None:
            return Silence(Reason.SKIPPED, "not a host of the inventory")
        addresses: tuple[str, ...] | Silence = declared.sends_from
        if not addresses and Role.RELAY in declared.roles:
            addresses = declared.addresses or await _host_addresses(self._resolver, host.name)
        if isinstance(addresses, Silence):
            return addresses
        if not addresses:
            return Silence(Reason.SKIPPED, "the host sends no mail to other domains")
        helo = declared.helo_name or host.name
        checks = [
            await evaluated(check_host(address, "", helo), self._resolver) for address in addresses
        ]
        return SpfHelo(host, helo, tuple(checks))


async def evaluated(asking: Asking[T], resolver: Resolver) -> T:
    """The result of an evaluation whose questions a resolver answers."""
    try:
        question = next(asking)
        while True:
            question = asking.send(await _answer(question, resolver))
    except StopIteration as end:
        result: T = end.value
        return result


async def _answer(question: Question, resolver: Resolver) -> Answer:
    # A backslash in a record is no escape: SPF knows none.
    reply = await resolver.ask(question.name.replace("\\", "\\\\"), question.rdtype)
    if isinstance(reply, Silence):
        return reply
    values = texts(reply) if question.rdtype == "TXT" else _values(reply.rdatas)
    return Records(reply.answer.rcode, values)


def _values(rdatas: Sequence[Rdata]) -> tuple[str, ...]:
    """Addresses and names as text; MX hosts by preference, all else in an order of its own."""
    found = sorted({_value(rdata) for rdata in rdatas})
    return tuple(value for _, value in found if value)


def _value(rdata: Rdata) -> tuple[int, str]:
    match rdata:
        case A() | AAAA():
            return 0, str(ip_address(rdata.address))
        case MX():
            return rdata.preference, name_text(rdata.exchange)
        case PTR():
            return 0, name_text(rdata.target)
        case _:
            return 0, ""


async def _host_addresses(resolver: Resolver, name: str) -> tuple[str, ...] | Silence:
    """All addresses of a host; silence where either family could not be asked for."""
    replies = await asyncio.gather(resolver.ask(name, "A"), resolver.ask(name, "AAAA"))
    found: tuple[str, ...] = ()
    for reply in replies:
        if isinstance(reply, Silence):
            return reply
        found += _values(reply.rdatas)
    return found
