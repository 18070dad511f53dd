"""What is asked of files under review: all about DNS of the zones, and what mail programs say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audits.collect.candidate.mta_files import MtaFiles, ProgramFiles
from audits.collect.candidate.zones import PolicyHost, ReviewedZones, ZoneFiles
from audits.collect.collector import Collector, Origin
from audits.collect.configured import KINDS
from audits.collect.live.bimi import BimiLookup
from audits.collect.live.caa import CaaClimb, PolicyHostCaaClimb
from audits.collect.live.dane import DaneHost
from audits.collect.live.dmarc import DmarcReportMailboxes
from audits.collect.live.dns import DnsAddress, DnsDomain, DnsHost
from audits.collect.live.helo import HeloLookup
from audits.collect.live.resolver import Resolver
from audits.collect.live.spf import SpfDomain, SpfHost
from audits.collect.live.srv import SrvLookup
from audits.collect.live.tlsrpt import TlsRptMailboxes
from audits.collect.plan import STATED, Plan
from audits.facts.dns import ResolverReport
from audits.facts.fact import Fact, Observed, Reason
from audits.facts.review import ReviewedZone
from audits.facts.tcp import Egress
from audits.facts.zone import ZoneRecords
from audits.parse.zone import ZoneSet
from audits.settings import ResolverSettings
from audits.subject import Vantage

_OF_ZONES: tuple[type[Collector], ...] = (
    ZoneFiles,
    DnsDomain,
    DmarcReportMailboxes,
    BimiLookup,
    PolicyHost,
    TlsRptMailboxes,
    SpfDomain,
    DnsHost,
    SpfHost,
    DaneHost,
    DnsAddress,
    CaaClimb,
    PolicyHostCaaClimb,
    HeloLookup,
    SrvLookup,
)
OFFLINE: tuple[type[Collector], ...] = (*_OF_ZONES, MtaFiles)
# Facts that a run states from what others saw, and that files say nothing of.
_UNSTATED: frozenset[type[Fact]] = frozenset({ResolverReport, Egress})


@dataclass(frozen=True)
class CandidateFiles:
    """The files under review. base: the folder from which everything names them."""

    zones: ZoneSet
    hosts: Mapping[str, Sequence[ProgramFiles]]
    base: Path

    @property
    def kinds(self) -> frozenset[type[Fact]]:
        """Every kind of fact that they can give."""
        kinds = set(STATED) - _UNSTATED
        if self.hosts:
            kinds |= KINDS
        if self.zones.zones:
            kinds |= {fact for collector in _OF_ZONES for fact in collector.provides}
        return frozenset(kinds)

    def reviewed(self) -> tuple[ReviewedZone, ...]:
        """The zones as reports name them, by origin."""
        return tuple(
            ReviewedZone(z.origin, z.file, len(z.entries), tuple(z.problems), tuple(z.notes))
            for z in sorted(self.zones.zones, key=lambda zone: zone.origin)
        )

    def records(self, origin: Origin) -> Observed[ZoneRecords]:
        """Where every record stands."""
        found = tuple(record for zone in self.zones.zones for record in zone.records())
        fact = ZoneRecords(Vantage(origin.vantage), found)
        return Observed(fact, origin.live("zone-files"))


def offline(chosen: Plan, files: CandidateFiles, origin: Origin) -> tuple[Collector, ...]:
    """The collectors of a plan, none of which opens a socket."""
    resolver = Resolver(ResolverSettings(), front=ReviewedZones(files.zones, alone=True))
    wanted = chosen.facts
    outside = Reason.NOT_UNDER_REVIEW
    make: dict[type[Collector], Callable[[], Collector]] = {
        ZoneFiles: lambda: ZoneFiles(origin, files.zones, outside),
        DnsDomain: lambda: DnsDomain(resolver, origin, wanted),
        DmarcReportMailboxes: lambda: DmarcReportMailboxes(resolver, origin),
        BimiLookup: lambda: BimiLookup(resolver, origin),
        PolicyHost: lambda: PolicyHost(resolver, origin),
        TlsRptMailboxes: lambda: TlsRptMailboxes(resolver, origin),
        SpfDomain: lambda: SpfDomain(resolver, origin, wanted),
        DnsHost: lambda: DnsHost(resolver, origin, wanted),
        SpfHost: lambda: SpfHost(resolver, origin),
        DaneHost: lambda: DaneHost(resolver, origin),
        DnsAddress: lambda: DnsAddress(resolver, origin, wanted),
        CaaClimb: lambda: CaaClimb(resolver, origin),
        PolicyHostCaaClimb: lambda: PolicyHostCaaClimb(resolver, origin),
        HeloLookup: lambda: HeloLookup(resolver, origin),
        SrvLookup: lambda: SrvLookup(resolver, origin),
        MtaFiles: lambda: MtaFiles(origin, wanted, files.hosts, files.base, outside=outside),
    }
    return tuple(make[collector]() for collector in chosen.collectors)
