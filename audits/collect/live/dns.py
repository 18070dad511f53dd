"""Collectors of DNS facts: about a domain, about a mail host, about an address."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import ClassVar

import dns.reversename
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from audits.collect.collector import Origin
from audits.collect.live.dmarc import dmarc_walk
from audits.collect.live.resolver import Reply, Resolver
from audits.collect.live.txt import texts
from audits.facts.declared import DeclaredDomain, DeclaredSelector
from audits.facts.dns import (
    Answer,
    ApexAddresses,
    DkimKeys,
    DkimSelector,
    DmarcWalk,
    ForwardName,
    ForwardNames,
    HostAddresses,
    MtaStsTxt,
    MxRecord,
    MxSet,
    PtrNames,
    SilentType,
    SpfNode,
    SpfTree,
    TlsRptTxt,
)
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Reason,
    Silence,
    observation,
    unobserved,
)
from audits.facts.snapshot import Snapshot
from audits.parse.dns_message import name_text
from audits.parse.mta_sts import sts_records
from audits.parse.spf import MAX_DEPTH, MAX_NODES, spf_records, spf_targets, spf_tree
from audits.parse.tlsrpt import tlsrpt_records
from audits.subject import Address, Domain, MailHost, Subject

ADDRESS_TYPES = ("A", "AAAA")

# RFC 7208 section 5.5 looks at no more than ten PTR names, and so do we.
_MAX_PTR_NAMES = 10

Wanted = frozenset[type[Fact]]
Found = Fact | Silence


class DnsDomain:
    """What the DNS says of a domain.

    `wanted`: the kinds to return; no query is made for any other.
    """

    name: ClassVar[str] = "dns-domain"
    about: ClassVar[type[Subject]] = Domain
    provides: ClassVar[Wanted] = frozenset(
        {MxSet, ApexAddresses, SpfTree, DkimKeys, DmarcWalk, MtaStsTxt, TlsRptTxt}
    )
    requires: ClassVar[Wanted] = frozenset({DeclaredDomain})

    def __init__(self, resolver: Resolver, origin: Origin, wanted: Wanted = provides) -> None:
        self._resolver = resolver
        self._origin = origin
        self._wanted = wanted

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Domain)
        declared = seen.fact(DeclaredDomain, subject)
        searches: Mapping[type[Fact], Callable[[], Coroutine[None, None, Found]]] = {
            MxSet: lambda: self._mx(subject),
            ApexAddresses: lambda: self._apex(subject),
            SpfTree: lambda: self._spf(subject),
            DkimKeys: lambda: self._dkim(subject, declared),
            DmarcWalk: lambda: dmarc_walk(self._resolver, subject.name),
            MtaStsTxt: lambda: self._mta_sts(subject),
            TlsRptTxt: lambda: self._tlsrpt(subject),
        }
        kinds = [kind for kind in searches if kind in self._wanted]
        found = await asyncio.gather(*(searches[kind]() for kind in kinds))
        return [
            observation(kind, subject, each, self._origin.live(self.name))
            for kind, each in zip(kinds, found, strict=True)
        ]

    async def _mx(self, domain: Domain) -> Found:
        reply = await self._resolver.ask(domain.name, "MX")
        if isinstance(reply, Silence):
            return reply
        records = [
            MxRecord(rdata.preference, name_text(rdata.exchange))
            for rdata in reply.rdatas
            if isinstance(rdata, MX)
        ]
        records.sort(key=lambda record: (record.preference, record.exchange))
        return MxSet(domain, reply.answer, tuple(records))

    async def _apex(self, domain: Domain) -> Found:
        replies = await ask_addresses(self._resolver, domain.name)
        silent = silent_types(replies)
        if len(silent) == len(replies):
            return silent[0].silence
        return ApexAddresses(domain, _answers(replies), addresses_in(replies), silent)

    async def _spf(self, domain: Domain) -> Found:
        """Fetch the names of the tree level by level, then put them in order."""
        found: dict[str, SpfNode] = {}
        level = [domain.name]
        for _ in range(MAX_DEPTH + 1):
            names = level[: MAX_NODES - len(found)]
            nodes = await asyncio.gather(*map(self._spf_node, names))
            found.update((node.name, node) for node in nodes)
            targets = (target for node in nodes for _, target in spf_targets(node.records))
            level = [target for target in dict.fromkeys(targets) if target not in found]
            if not level:
                break
        root = found[domain.name]
        return root.silence or SpfTree(domain, spf_tree(domain.name, found))

    async def _spf_node(self, name: str) -> SpfNode:
        reply = await self._resolver.ask(name, "TXT")
        if isinstance(reply, Silence):
            return SpfNode(name, (), None, (), reply)
        return SpfNode(name, (), reply.answer, spf_records(texts(reply)), None)

    async def _dkim(self, domain: Domain, declared: DeclaredDomain | None) -> Found:
        if declared is None:
            return Silence(Reason.NOT_DECLARED, "the inventory does not know the domain")
        active = [each for each in declared.dkim if each.active]
        if active:
            keys = await asyncio.gather(*(self._selector(domain, each) for each in active))
            return DkimKeys(domain, tuple(keys), None)
        reply = await self._resolver.ask(f"_domainkey.{domain.name}", "TXT")
        return reply if isinstance(reply, Silence) else DkimKeys(domain, (), reply.answer)

    async def _selector(self, domain: Domain, declared: DeclaredSelector) -> DkimSelector:
        selector = declared.selector
        name = f"{selector}._domainkey.{domain.name}"
        reply = await self._resolver.ask(name, "TXT")
        if isinstance(reply, Silence):
            return DkimSelector(selector, name, (), None, (), reply)
        # What reads keys is much to load, where a policy asks for none.
        from audits.parse.dkim import dkim_key

        keys = tuple(map(dkim_key, texts(reply)))
        return DkimSelector(selector, name, reply.alias_chain, reply.answer, keys, None)

    async def _mta_sts(self, domain: Domain) -> Found:
        reply = await self._resolver.ask(f"_mta-sts.{domain.name}", "TXT")
        if isinstance(reply, Silence):
            return reply
        found = texts(reply)
        return MtaStsTxt(domain, reply.answer, found, sts_records(found))

    async def _tlsrpt(self, domain: Domain) -> Found:
        reply = await self._resolver.ask(f"_smtp._tls.{domain.name}", "TXT")
        if isinstance(reply, Silence):
            return reply
        found = texts(reply)
        return TlsRptTxt(domain, reply.answer, found, tlsrpt_records(found))


class DnsHost:
    """The addresses of a mail host."""

    name: ClassVar[str] = "dns-host"
    about: ClassVar[type[Subject]] = MailHost
    provides: ClassVar[Wanted] = frozenset({HostAddresses})
    requires: ClassVar[Wanted] = frozenset()

    def __init__(self, resolver: Resolver, origin: Origin, wanted: Wanted = provides) -> None:
        self._resolver = resolver
        self._origin = origin
        self._wanted = wanted

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, MailHost)
        if HostAddresses not in self._wanted:
            return []
        found = await self._addresses(subject)
        return [observation(HostAddresses, subject, found, self._origin.live(self.name))]

    async def _addresses(self, host: MailHost) -> Found:
        replies = await ask_addresses(self._resolver, host.name)
        silent = silent_types(replies)
        if len(silent) == len(replies):
            return silent[0].silence
        answered = [reply for reply in replies.values() if isinstance(reply, Reply)]
        return HostAddresses(
            subject=host,
            answers=_answers(replies),
            alias_chain=max((reply.alias_chain for reply in answered), key=len),
            addresses=addresses_in(replies),
            silent=silent,
        )


class DnsAddress:
    """The names of an address, and where they lead."""

    name: ClassVar[str] = "dns-address"
    about: ClassVar[type[Subject]] = Address
    provides: ClassVar[Wanted] = frozenset({PtrNames, ForwardNames})
    requires: ClassVar[Wanted] = frozenset()

    def __init__(self, resolver: Resolver, origin: Origin, wanted: Wanted = provides) -> None:
        self._resolver = resolver
        self._origin = origin
        self._wanted = wanted & self.provides

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Address)
        ptr = await self._ptr(subject)
        if isinstance(ptr, Silence):
            provenance = self._origin.live(self.name)
            return unobserved(self._wanted, subject, ptr.reason, ptr.detail, provenance)
        observations = []
        if PtrNames in self._wanted:
            observations.append(observation(PtrNames, subject, ptr, self._origin.live(self.name)))
        if ForwardNames in self._wanted:
            found = await self._forward(subject, ptr.names)
            observations.append(
                observation(ForwardNames, subject, found, self._origin.live(self.name))
            )
        return observations

    async def _ptr(self, address: Address) -> PtrNames | Silence:
        name = name_text(dns.reversename.from_address(address.address))
        reply = await self._resolver.ask(name, "PTR")
        if isinstance(reply, Silence):
            return reply
        names = {name_text(r.target) for r in reply.rdatas if isinstance(r, PTR)}
        return PtrNames(address, reply.answer, tuple(sorted(names)))

    async def _forward(self, address: Address, names: Sequence[str]) -> ForwardNames:
        """Of the address' own family, as iprev asks (RFC 8601 section 3)."""
        rdtype = "A" if ip_address(address.address).version == 4 else "AAAA"
        asked = names[:_MAX_PTR_NAMES]
        replies = await asyncio.gather(*(self._resolver.ask(name, rdtype) for name in asked))
        found = (
            ForwardName(name, (), reply)
            if isinstance(reply, Silence)
            else ForwardName(name, addresses_in({rdtype: reply}), None)
            for name, reply in zip(asked, replies, strict=True)
        )
        return ForwardNames(address, tuple(found))


Replies = Mapping[str, Reply | Silence]


async def ask_addresses(resolver: Resolver, name: str) -> Replies:
    """What A and AAAA of a name gave, by type."""
    replies = await asyncio.gather(*(resolver.ask(name, rdtype) for rdtype in ADDRESS_TYPES))
    return dict(zip(ADDRESS_TYPES, replies, strict=True))


def _answers(replies: Replies) -> tuple[Answer, ...]:
    return tuple(reply.answer for reply in replies.values() if isinstance(reply, Reply))


def silent_types(replies: Replies) -> tuple[SilentType, ...]:
    """The types that were not answered."""
    return tuple(
        SilentType(rdtype, reply) for rdtype, reply in replies.items() if isinstance(reply, Silence)
    )


def addresses_in(replies: Replies) -> tuple[str, ...]:
    """All addresses in canonical text, IPv4 first, sorted, so that no resolver shuffles them."""
    found: set[IPv4Address | IPv6Address] = {
        ip_address(rdata.address)
        for reply in replies.values()
        if isinstance(reply, Reply)
        for rdata in reply.rdatas
        if isinstance(rdata, A | AAAA)
    }
    return tuple(str(each) for each in sorted(found, key=lambda each: (each.version, int(each))))
