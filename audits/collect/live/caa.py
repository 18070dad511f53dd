"""The collector of CAA records (RFC 8659 section 3)."""

from collections.abc import Sequence
from typing import ClassVar

from dns.rdtypes.ANY.CAA import CAA

from audits.collect.collector import Origin
from audits.collect.live.resolver import Resolver
from audits.facts.caa import CaaRecord, CaaSet
from audits.facts.dns import Answer
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Silence,
    observation,
)
from audits.facts.snapshot import Snapshot
from audits.parse.caa import caa_record, climb
from audits.subject import MailHost, Subject


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
        found = await self._climb(subject)
        provenance = self._origin.live(self.name)
        return [observation(CaaSet, subject, found, provenance)]

    async def _climb(self, host: MailHost) -> CaaSet | Silence:
        answers: list[Answer] = []
        records: list[CaaRecord] = []
        for name in climb(host.name):
            reply = await self._resolver.ask(name, "CAA")
            if isinstance(reply, Silence):
                return reply
            answers.append(reply.answer)
            records += [
                caa_record(r.flags, r.tag, r.value) for r in reply.rdatas if isinstance(r, CAA)
            ]
            if records:
                break
        records.sort(key=lambda record: (record.tag, record.value, record.flags))
        return CaaSet(host, tuple(answers), tuple(records))
