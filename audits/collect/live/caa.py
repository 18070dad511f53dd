"""The collectors of CAA records (RFC 8659 section 3)."""

from collections.abc import Sequence
from typing import ClassVar

from dns.rdtypes.ANY.CAA import CAA

from audits.collect.collector import Origin
from audits.collect.live.resolver import Resolver
from audits.facts.caa import CaaRecord, CaaSet, PolicyHostCaa
from audits.facts.dns import Answer, MtaStsTxt
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Reason,
    Silence,
    Unobserved,
    observation,
)
from audits.facts.snapshot import Snapshot
from audits.parse.caa import caa_record, climb
from audits.subject import Domain, MailHost, Subject


class CaaClimb:
    """Asks from the name of a host upwards until CAA records are found, the root excluded.

    A name that is silent ends it: what lies above counts only where there is nothing below.
    """

    name: ClassVar[str] = "caa"
    about: ClassVar[type[Subject]] = MailHost
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({CaaSet})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset()

    def __init__(self, resolver: Resolver, origin: Origin) -> None:
        self._resolver = resolver
        self._origin = origin

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, MailHost)
        relevant = await _relevant(self._resolver, subject.name)
        found = relevant if isinstance(relevant, Silence) else CaaSet(subject, *relevant)
        return [observation(CaaSet, subject, found, self._origin.live(self.name))]


class PolicyHostCaaClimb:
    """The same from the host of a domain's MTA-STS policy upwards, where the domain has one."""

    name: ClassVar[str] = "caa-mta-sts"
    about: ClassVar[type[Subject]] = Domain
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({PolicyHostCaa})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({MtaStsTxt})

    def __init__(self, resolver: Resolver, origin: Origin) -> None:
        self._resolver = resolver
        self._origin = origin

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Domain)
        found = await self._climb(subject, seen)
        return [observation(PolicyHostCaa, subject, found, self._origin.live(self.name))]

    async def _climb(self, domain: Domain, seen: Snapshot) -> PolicyHostCaa | Silence:
        announced = seen.get(MtaStsTxt, domain)
        if isinstance(announced, Unobserved):
            return Silence(announced.reason, announced.detail)
        if announced is None or not announced.fact.records:
            return Silence(Reason.ABSENT, f"no MTA-STS record at _mta-sts.{domain}")
        found = await _relevant(self._resolver, f"mta-sts.{domain}")
        return found if isinstance(found, Silence) else PolicyHostCaa(domain, *found)


async def _relevant(
    resolver: Resolver, host: str
) -> tuple[tuple[Answer, ...], tuple[CaaRecord, ...]] | Silence:
    """The answers on the way up, and the records that the last of them holds."""
    answers: list[Answer] = []
    records: list[CaaRecord] = []
    for name in climb(host):
        reply = await resolver.ask(name, "CAA")
        if isinstance(reply, Silence):
            return reply
        answers.append(reply.answer)
        records += [caa_record(r.flags, r.tag, r.value) for r in reply.rdatas if isinstance(r, CAA)]
        if records:
            break
    records.sort(key=lambda record: (record.tag, record.value, record.flags))
    return tuple(answers), tuple(records)
