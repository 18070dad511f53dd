"""Collectors of how the zones of domains and of MX hosts stand towards DNSSEC."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import ClassVar, TypeVar

from dns.rdata import Rdata
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.NSEC3PARAM import NSEC3PARAM

from audits.collect.collector import Origin
from audits.collect.live.dane import MxHosts
from audits.collect.live.dns import ADDRESS_TYPES
from audits.collect.live.resolver import Reply, Resolver
from audits.collect.live.validation import ask_validated
from audits.facts.dane import TlsaSet
from audits.facts.dns import DkimKeys, DmarcWalk, MtaStsTxt, MxSet, SilentType, SpfTree, TlsRptTxt
from audits.facts.dnssec import (
    BogusName,
    DomainSecurity,
    DsRecord,
    HostSecurity,
    Nsec3Parameters,
    Signature,
    ZoneKey,
    ZoneStatus,
)
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Reason,
    Silence,
    Unobserved,
    observation,
    unobserved,
)
from audits.facts.snapshot import Snapshot
from audits.parse.dnssec import ds_record, nsec3_parameters, zone_key
from audits.subject import Domain, MailHost, Subject

R = TypeVar("R", bound=Rdata)

# Types that the way of mail and DANE rest on: how long their signatures last is looked at.
SIGNED_TYPES = ("MX", *ADDRESS_TYPES, "TLSA")

# Where each family of records of a domain starts; `{}` is the domain.
_NAMES: dict[type[Fact], tuple[str, str]] = {
    MxSet: ("{}", "MX"),
    SpfTree: ("{}", "TXT"),
    DmarcWalk: ("_dmarc.{}", "TXT"),
    MtaStsTxt: ("_mta-sts.{}", "TXT"),
    TlsRptTxt: ("_smtp._tls.{}", "TXT"),
}


class DnssecDomain:
    """The zone that a domain is in, and the names for its mail that are bogus."""

    name: ClassVar[str] = "dnssec-domain"
    about: ClassVar[type[Subject]] = Domain
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({DomainSecurity})
    # By then everything else about the domain has been asked for as well.
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({MxSet})

    def __init__(self, resolver: Resolver, origin: Origin) -> None:
        self._resolver = resolver
        self._origin = origin

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Domain)
        zone, names = await asyncio.gather(
            zone_status(self._resolver, subject.name, ((subject.name, "MX"),)),
            self._bogus_names(subject, seen),
        )
        found = _security(subject, zone, names)
        return [observation(DomainSecurity, subject, found, self._origin.live(self.name))]

    async def _bogus_names(self, domain: Domain, seen: Snapshot) -> tuple[BogusName | Silence, ...]:
        """The bogus names, and those on which two resolvers disagree.

        The one resolver is asked nothing that is not asked anyway: the rest is in its cache, or
        will be.
        """
        asked = list(dict.fromkeys((*_failed(domain, seen), *_mx_addresses(domain, seen))))
        replies = await asyncio.gather(*(ask_validated(self._resolver, *each) for each in asked))
        found: list[BogusName | Silence] = []
        for (name, rdtype), (reply, bogus) in zip(asked, replies, strict=True):
            if bogus is not None:
                found.append(BogusName(name, rdtype, bogus))
            elif isinstance(reply, Silence) and reply.reason is Reason.UNVALIDATED:
                found.append(reply)
        return tuple(found)


class DnssecHost:
    """The zone that an MX host's name is in."""

    name: ClassVar[str] = "dnssec-host"
    about: ClassVar[type[Subject]] = MailHost
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({HostSecurity})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({MxSet, TlsaSet})

    def __init__(self, resolver: Resolver, origin: Origin) -> None:
        self._resolver = resolver
        self._origin = origin
        self._mx = MxHosts()

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, MailHost)
        provenance = self._origin.live(self.name)
        if not self._mx.holds(subject, seen):
            words = f"{subject} is no MX host"
            return unobserved([HostSecurity], subject, Reason.SKIPPED, words, provenance)
        answered = [(subject.name, rdtype) for rdtype in ADDRESS_TYPES]
        tlsa = seen.fact(TlsaSet, subject)
        if tlsa is not None:
            answered.append((tlsa.name, "TLSA"))
        zone = await zone_status(self._resolver, subject.name, answered)
        if isinstance(zone, Silence):
            return unobserved([HostSecurity], subject, zone.reason, zone.detail, provenance)
        return [Observed(HostSecurity(subject, zone), provenance)]


async def zone_status(
    resolver: Resolver, name: str, answered: Sequence[tuple[str, str]] = ()
) -> ZoneStatus | Silence:
    """How the zone that `name` is in looks from this resolver.

    The SOA, or its denial, names the zone; its keys are then asked for once for all of its names.
    answered: names and types that were asked for already, whose signatures the resolver still has.
    """
    soa, bogus = await ask_validated(resolver, name, "SOA", dnssec=True)
    if isinstance(soa, Silence):
        return soa
    apex = soa.zone or name
    unchecked = bogus is not None

    async def ask(rdtype: str) -> Reply | Silence:
        return await resolver.ask(apex, rdtype, dnssec=True, checking_disabled=unchecked)

    # Nobody vouches for the root: it has no DS.
    types = ["DNSKEY"] if apex == "." else ["DNSKEY", "DS"]
    replies = dict(zip(types, await asyncio.gather(*map(ask, types)), strict=True))
    keys = _keys(replies["DNSKEY"])
    if keys:
        replies["NSEC3PARAM"] = await ask("NSEC3PARAM")
    return ZoneStatus(
        name=apex,
        answer=soa.answer,
        bogus=bogus,
        ds=_delegation(replies.get("DS")),
        keys=keys,
        nsec3=_nsec3(replies.get("NSEC3PARAM")),
        signatures=tuple(
            dict.fromkeys(
                (*soa.signatures, *_signatures(replies["DNSKEY"]), *await _over(resolver, answered))
            )
        ),
        silent=tuple(
            SilentType(rdtype, reply)
            for rdtype, reply in replies.items()
            if isinstance(reply, Silence)
        ),
    )


async def _over(resolver: Resolver, answered: Sequence[tuple[str, str]]) -> list[Signature]:
    """The signatures that came along with answers, or with their denial.

    None where the resolver was not told to have them along: they would take further questions.
    """
    at_hand = [each for each in answered if each[1] in resolver.signed]
    replies = await asyncio.gather(*(resolver.ask(*each) for each in at_hand))
    return [signature for reply in replies for signature in _signatures(reply)]


def _security(
    domain: Domain, zone: ZoneStatus | Silence, names: tuple[BogusName | Silence, ...]
) -> DomainSecurity | Silence:
    """A disagreement about one name leaves all open, unless something else is bogus for certain."""
    if isinstance(zone, Silence):
        return zone
    bogus = tuple(name for name in names if isinstance(name, BogusName))
    disagreed = [name for name in names if isinstance(name, Silence)]
    if disagreed and not bogus and zone.bogus is None:
        return disagreed[0]
    return DomainSecurity(domain, zone, bogus)


def _failed(domain: Domain, seen: Snapshot) -> Iterator[tuple[str, str]]:
    """Names and types that were looked up for a domain in vain, because of SERVFAIL."""
    for kind, (name, rdtype) in _NAMES.items():
        silent = seen.get(kind, domain)
        if isinstance(silent, Unobserved) and silent.reason is Reason.SERVFAIL:
            yield name.format(domain.name), rdtype
    dkim = seen.fact(DkimKeys, domain)
    for selector in dkim.selectors if dkim is not None else ():
        if selector.silence is not None and selector.silence.reason is Reason.SERVFAIL:
            yield selector.name, "TXT"


def _mx_addresses(domain: Domain, seen: Snapshot) -> Iterator[tuple[str, str]]:
    """The look-ups of addresses that every sender makes for a domain."""
    mx = seen.fact(MxSet, domain)
    for target in mx.targets if mx is not None and mx.records else ():
        for rdtype in ADDRESS_TYPES:
            yield target, rdtype


def _of(reply: Reply | Silence | None, kind: type[R]) -> list[R]:
    rdatas = reply.rdatas if isinstance(reply, Reply) else ()
    return [rdata for rdata in rdatas if isinstance(rdata, kind)]


def _keys(reply: Reply | Silence) -> tuple[ZoneKey, ...]:
    keys = map(zone_key, _of(reply, DNSKEY))
    return tuple(sorted(keys, key=lambda key: (-key.flags, key.algorithm, key.key_tag)))


def _delegation(reply: Reply | Silence | None) -> tuple[DsRecord, ...]:
    records = map(ds_record, _of(reply, DS))
    return tuple(sorted(records, key=lambda ds: (ds.key_tag, ds.algorithm, ds.digest_type)))


def _nsec3(reply: Reply | Silence | None) -> Nsec3Parameters | None:
    return next(map(nsec3_parameters, _of(reply, NSEC3PARAM)), None)


def _signatures(reply: Reply | Silence) -> tuple[Signature, ...]:
    return reply.signatures if isinstance(reply, Reply) else ()
