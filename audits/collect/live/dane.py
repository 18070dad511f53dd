"""The collector of TLSA records."""

from collections.abc import Sequence
from typing import ClassVar

from dns.rdata import GenericRdata

from audits.collect.collector import Origin
from audits.collect.discovery import mx_hosts
from audits.collect.live.resolver import Reply, Resolver
from audits.collect.live.validation import ask_validated
from audits.facts.dane import TlsaRecord, TlsaSet
from audits.facts.declared import DeclaredHost
from audits.facts.dns import HostAddresses, MxSet
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Reason,
    Silence,
    observation,
)
from audits.facts.snapshot import Snapshot
from audits.parse.tlsa import parse_tlsa
from audits.subject import MailHost, Role, Subject


class DaneHost:
    """The TLSA records of an MX host."""

    name: ClassVar[str] = "dane-host"
    about: ClassVar[type[Subject]] = MailHost
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({TlsaSet})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({MxSet, HostAddresses})

    def __init__(self, resolver: Resolver, origin: Origin) -> None:
        self._resolver = resolver
        self._origin = origin
        self._mx = MxHosts()

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, MailHost)
        found = await self._tlsa(subject, seen)
        provenance = self._origin.live(self.name)
        return [observation(TlsaSet, subject, found, provenance)]

    async def _tlsa(self, host: MailHost, seen: Snapshot) -> TlsaSet | Silence:
        """At the end of a secure alias chain first, else at the name (RFC 7672 section 2.2.3)."""
        if not self._mx.holds(host, seen):
            return Silence(Reason.SKIPPED, f"{host} is no MX host")
        resolved = seen.fact(HostAddresses, host)
        if resolved is not None and not resolved.addresses and not resolved.silent:
            return Silence(Reason.ABSENT, f"{host} has no address")
        if resolved is not None and _secure_alias(resolved):
            expanded = await self._at(host, resolved.alias_chain[-1])
            if isinstance(expanded, Silence) or expanded.records or expanded.bogus:
                return expanded
        return await self._at(host, host.name)

    async def _at(self, host: MailHost, base: str) -> TlsaSet | Silence:
        name = f"_25._tcp.{base}"
        reply, bogus = await ask_validated(self._resolver, name, "TLSA")
        if isinstance(reply, Silence):
            return reply
        return TlsaSet(host, name, reply.alias_chain, reply.answer, _records(reply), bogus)


def _secure_alias(resolved: HostAddresses) -> bool:
    chain = resolved.alias_chain
    return bool(chain) and all(answer.authenticated for answer in resolved.answers)


class MxHosts:
    """Which hosts are MX hosts, once the MX records of all domains are known."""

    def __init__(self) -> None:
        self._by_mx: frozenset[MailHost] | None = None

    def holds(self, host: MailHost, seen: Snapshot) -> bool:
        """Whether the inventory or the MX records of a domain say so."""
        declared = seen.fact(DeclaredHost, host)
        if declared is None or Role.MX in declared.roles:
            return True
        if self._by_mx is None:
            self._by_mx = frozenset(mx_hosts(seen))
        return host in self._by_mx


def _records(reply: Reply) -> tuple[TlsaRecord, ...]:
    found = {parse_tlsa(rdata.data) for rdata in reply.rdatas if isinstance(rdata, GenericRdata)}
    return tuple(sorted(found, key=lambda r: (r.usage, r.selector, r.matching, r.data)))
