"""Every live collector, and how a plan's collectors are put together for one run."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from audits.collect.candidate.assembly import CandidateFiles
from audits.collect.candidate.mta_files import MtaFiles, ProgramFiles
from audits.collect.candidate.pinned import PinnedFiles
from audits.collect.candidate.zones import ReviewedZones, ZoneFiles
from audits.collect.collector import Collector, Origin
from audits.collect.live.autoconfig import AutoconfigFetch
from audits.collect.live.bimi import BimiLookup
from audits.collect.live.caa import CaaClimb, PolicyHostCaaClimb
from audits.collect.live.conduct import ConductWalk
from audits.collect.live.dane import DaneHost
from audits.collect.live.dmarc import DmarcReportMailboxes
from audits.collect.live.dns import DnsAddress, DnsDomain, DnsHost
from audits.collect.live.dnsbl import DomainListLookup, ListLookup
from audits.collect.live.dnssec import SIGNED_TYPES, DnssecDomain, DnssecHost
from audits.collect.live.helo import HeloLookup
from audits.collect.live.https import MtaStsFetch
from audits.collect.live.login import Account, LoginWalk
from audits.collect.live.other_chain import OtherChainWalk
from audits.collect.live.pace import Pace
from audits.collect.live.ports import PortSweep
from audits.collect.live.relay import UP_TO_RCPT, Beyond, RelayWalk
from audits.collect.live.resolver import Resolver
from audits.collect.live.rpki import RouteCheck
from audits.collect.live.smtp import ServiceWalk
from audits.collect.live.smuggling import SmugglingProbe
from audits.collect.live.spf import SpfDomain, SpfHost
from audits.collect.live.srv import SrvLookup
from audits.collect.live.ssh import SshHost
from audits.collect.live.ssh_login import SshAccess
from audits.collect.live.tls_probe import TlsProbe
from audits.collect.live.tlsrpt import TlsRptMailboxes
from audits.collect.live.trust import TrustStore
from audits.collect.plan import Plan
from audits.facts.dns import ResolverReport
from audits.facts.dnssec import DomainSecurity, HostSecurity
from audits.facts.fact import Fact, Observed, Reason
from audits.facts.tls_offer import TlsQuestions
from audits.parse.zone import ZoneSet
from audits.settings import Settings

AVAILABLE: tuple[type[Collector], ...] = (
    DnsDomain,
    DmarcReportMailboxes,
    BimiLookup,
    MtaStsFetch,
    TlsRptMailboxes,
    DnssecDomain,
    SpfDomain,
    DnsHost,
    SpfHost,
    DaneHost,
    DnssecHost,
    DnsAddress,
    CaaClimb,
    PolicyHostCaaClimb,
    HeloLookup,
    SshHost,
    PinnedFiles,
    ZoneFiles,
    SrvLookup,
    AutoconfigFetch,
    ListLookup,
    DomainListLookup,
    RouteCheck,
    PortSweep,
    ServiceWalk,
    TlsProbe,
    OtherChainWalk,
    ConductWalk,
    SmugglingProbe,
    RelayWalk,
    LoginWalk,
)

NO_QUESTIONS = TlsQuestions()


@dataclass(frozen=True)
class Live:
    """The collectors of one run, on one event loop, and the resolver and pace that they share."""

    collectors: tuple[Collector, ...]
    resolver: Resolver
    pace: Pace
    _origin: Origin
    _loop: asyncio.Runner

    def preflight(self) -> Observed[ResolverReport]:
        """What the resolver is worth, asked before anything else."""
        return self._loop.run(self.resolver.preflight(self._origin))


@contextmanager
def assembled(
    chosen: Plan,
    settings: Settings,
    base: Path,
    origin: Origin,
    loop: asyncio.Runner,
    questions: TlsQuestions = NO_QUESTIONS,
    *,
    accounts: Mapping[str, Account] | None = None,
    beyond: Beyond = UP_TO_RCPT,
    ssh: SshAccess | None = None,
    review: CandidateFiles | None = None,
    pinned: Mapping[str, Sequence[ProgramFiles]] | None = None,
) -> Iterator[Live]:
    """The collectors of a plan, told what is wanted of them; the resolver is closed at the end.

    base: the folder that the inventory names files from. accounts: to log in
    with, by host name. beyond: what relay probes may do beyond RCPT.
    questions: what services are to be offered in TLS. ssh: how hosts are logged in to.
    review: files that stand in front of what is live. pinned: those that hosts are to run, by name.
    Raises UsageError for a resolver or a trust file that can't be used.
    """
    watched = {DomainSecurity, HostSecurity} & chosen.facts
    plain = Resolver(settings.resolver, signed=SIGNED_TYPES if watched else ())
    zones = review.zones if review is not None else ZoneSet(())
    resolver = plain
    if zones.zones:
        resolver = Resolver(settings.resolver, front=ReviewedZones(zones, alone=False))
        resolver.traffic = plain.traffic
    pace = Pace(settings.limits)
    trust = TrustStore(settings.trust.ca_file, base)
    wanted = chosen.facts
    make: dict[type[Collector], Callable[[], Collector]] = {
        DnsDomain: lambda: DnsDomain(resolver, origin, wanted),
        DmarcReportMailboxes: lambda: DmarcReportMailboxes(resolver, origin),
        BimiLookup: lambda: BimiLookup(resolver, origin),
        # A zone is signed after its review: how, the servers alone tell.
        DnssecDomain: lambda: DnssecDomain(plain, origin),
        SpfDomain: lambda: SpfDomain(resolver, origin, wanted),
        SpfHost: lambda: SpfHost(resolver, origin),
        DnsHost: lambda: DnsHost(resolver, origin, wanted),
        DaneHost: lambda: DaneHost(resolver, origin),
        DnssecHost: lambda: DnssecHost(plain, origin),
        DnsAddress: lambda: DnsAddress(resolver, origin, wanted),
        MtaStsFetch: lambda: MtaStsFetch(resolver, origin, wanted, settings),
        TlsRptMailboxes: lambda: TlsRptMailboxes(resolver, origin),
        CaaClimb: lambda: CaaClimb(resolver, origin),
        PolicyHostCaaClimb: lambda: PolicyHostCaaClimb(resolver, origin),
        HeloLookup: lambda: HeloLookup(resolver, origin),
        SshHost: lambda: _in_front(
            SshHost(origin, wanted, settings.ssh, settings.limits, ssh), review, origin, wanted
        ),
        PinnedFiles: lambda: PinnedFiles(origin, {} if review else pinned or {}, base),
        ZoneFiles: lambda: ZoneFiles(origin, zones, Reason.SKIPPED),
        SrvLookup: lambda: SrvLookup(resolver, origin),
        AutoconfigFetch: lambda: AutoconfigFetch(resolver, origin, settings),
        ListLookup: lambda: ListLookup(resolver, origin, settings.reputation),
        DomainListLookup: lambda: DomainListLookup(resolver, origin, settings.reputation),
        RouteCheck: lambda: RouteCheck(origin, settings.rpki, base),
        PortSweep: lambda: PortSweep(origin, settings, pace),
        ServiceWalk: lambda: ServiceWalk(origin, wanted, settings, pace, trust),
        OtherChainWalk: lambda: OtherChainWalk(origin, settings, pace, trust),
        TlsProbe: lambda: TlsProbe(origin, settings, pace, questions),
        ConductWalk: lambda: ConductWalk(origin, wanted, settings, pace),
        SmugglingProbe: lambda: SmugglingProbe(origin, settings, pace),
        RelayWalk: lambda: RelayWalk(origin, wanted, settings, pace, beyond),
        LoginWalk: lambda: LoginWalk(origin, wanted, settings, pace, trust, accounts or {}),
    }
    collectors = tuple(make[collector]() for collector in chosen.collectors)
    try:
        yield Live(collectors, resolver, pace, origin, loop)
    finally:
        loop.run(resolver.aclose())
        loop.run(plain.aclose())


def _in_front(
    ssh: SshHost, review: CandidateFiles | None, origin: Origin, wanted: frozenset[type[Fact]]
) -> Collector:
    """The files under review, and the running hosts behind them."""
    if review is None or not review.hosts:
        return ssh
    files = replace(origin, source="files under review")
    return MtaFiles(files, wanted, review.hosts, review.base, behind=ssh)
