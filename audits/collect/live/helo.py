"""The collector of what HELO names resolve to."""

from collections.abc import Sequence
from typing import ClassVar

from audits.collect.collector import Origin
from audits.collect.live.dns import addresses_in, ask_addresses, silent_types
from audits.collect.live.resolver import Reply, Resolver
from audits.facts.declared import DeclaredHost
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
        replies = await ask_addresses(self._resolver, name)
        silent = silent_types(replies)
        if len(silent) == len(replies):
            return silent[0].silence
        answers = tuple(reply.answer for reply in replies.values() if isinstance(reply, Reply))
        return HeloName(host, name, answers, addresses_in(replies), silent)
