"""How the live collectors of a plan are put together for one run."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from audits.collect.collector import Collector, Origin
from audits.collect.live.beyond import UP_TO_RCPT, Beyond
from audits.collect.live.pace import Pace
from audits.collect.live.preflight import preflight
from audits.collect.live.resolver import Resolver
from audits.collect.plan import Plan
from audits.facts.dns import ResolverReport
from audits.facts.dnssec import DomainSecurity, HostSecurity
from audits.facts.fact import Fact, Observed, Reason
from audits.facts.tls import CertificateChain
from audits.facts.tls_offer import TlsQuestions
from audits.parse.zone import ZoneSet
from audits.settings import Settings

if TYPE_CHECKING:  # a run imports what its plan needs
    from audits.collect.candidate.assembly import CandidateFiles
    from audits.collect.candidate.mta_files import ProgramFiles
    from audits.collect.live.login import Account
    from audits.collect.live.ssh_login import SshAccess

# Those that judge chains whatever they are asked for; the walk does where its chain is wanted.
_JUDGE_CHAINS = frozenset({"OtherChainWalk", "LoginWalk"})

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
        return self._loop.run(preflight(self.resolver, self._origin))


@contextmanager
def assembled(
    chosen: Plan,
    settings: Settings,
    base: Path,
    origin: Origin,
    loop: asyncio.Runner,
    questions: TlsQuestions = NO_QUESTIONS,
    *,
    accounts: "Mapping[str, Account] | None" = None,
    beyond: Beyond = UP_TO_RCPT,
    ssh: "SshAccess | None" = None,
    review: "CandidateFiles | None" = None,
    pinned: "Mapping[str, Sequence[ProgramFiles]] | None" = None,
) -> Iterator[Live]:
    """The collectors of a plan, told what is wanted of them; the resolver is closed at the end.

    base: the folder that the inventory names files from. accounts: to log in
    with, by host name. beyond: what relay probes may do beyond RCPT.
    questions: what services are to be offered in TLS. ssh: how hosts are logged in to.
    review: files that stand in front of what is live. pinned: those that hosts are to run, by name.
    Raises UsageError for a resolver or a trust file that can't be used.
    """
    plain = Resolver(settings.resolver, signed=_signed_types(chosen))
    zones = review.zones if review is not None else ZoneSet(())
    resolver = _in_front_of(plain, settings, zones) if zones.zones else plain
    pace = Pace(settings.limits)
    wanted = chosen.facts
    trust = None
    if CertificateChain in wanted or _JUDGE_CHAINS & {c.__name__ for c in chosen.collectors}:
        from audits.collect.live.trust import TrustStore

        trust = TrustStore(settings.trust.ca_file, base)
    # A zone is signed after its review: how, the servers alone tell.
    told: dict[str, tuple[object, ...]] = {
        "DnsDomain": (resolver, origin, wanted),
        "DmarcReportMailboxes": (resolver, origin),
        "BimiLookup": (resolver, origin),
        "DnssecDomain": (plain, origin),
        "SpfDomain": (resolver, origin, wanted),
        "SpfHost": (resolver, origin),
        "DnsHost": (resolver, origin, wanted),
        "DaneHost": (resolver, origin),
        "DnssecHost": (plain, origin),
        "DnsAddress": (resolver, origin, wanted),
        "MtaStsFetch": (resolver, origin, wanted, settings),
        "TlsRptMailboxes": (resolver, origin),
        "CaaClimb": (resolver, origin),
        "PolicyHostCaaClimb": (resolver, origin),
        "HeloLookup": (resolver, origin),
        "SshHost": (origin, wanted, settings.ssh, settings.limits, ssh),
        "PinnedFiles": (origin, {} if review else pinned or {}, base),
        "ZoneFiles": (origin, zones, Reason.SKIPPED),
        "SrvLookup": (resolver, origin),
        "AutoconfigFetch": (resolver, origin, settings),
        "ListLookup": (resolver, origin, settings.reputation),
        "DomainListLookup": (resolver, origin, settings.reputation),
        "RouteCheck": (origin, settings.rpki, base),
        "PortSweep": (origin, settings, pace),
        "ServiceWalk": (origin, wanted, settings, pace, trust),
        "OtherChainWalk": (origin, settings, pace, trust),
        "TlsProbe": (origin, settings, pace, questions),
        "ConductWalk": (origin, wanted, settings, pace),
        "SmugglingProbe": (origin, settings, pace),
        "RelayWalk": (origin, wanted, settings, pace, beyond),
        "LoginWalk": (origin, wanted, settings, pace, trust, accounts or {}),
    }
    made = (_made(collector, told[collector.__name__]) for collector in chosen.collectors)
    collectors = tuple(_reviewed(each, review, origin, wanted) for each in made)
    try:
        yield Live(collectors, resolver, pace, origin, loop)
    finally:
        loop.run(resolver.aclose())
        loop.run(plain.aclose())


def _made(collector: Callable[..., Collector], told: tuple[object, ...]) -> Collector:
    return collector(*told)


def _signed_types(chosen: Plan) -> Sequence[str]:
    """What is asked for with signatures by everybody."""
    if not {DomainSecurity, HostSecurity} & chosen.facts:
        return ()
    from audits.collect.live.dnssec import SIGNED_TYPES

    return SIGNED_TYPES


def _in_front_of(plain: Resolver, settings: Settings, zones: ZoneSet) -> Resolver:
    """A resolver that has what zones under review say, and asks on for all else."""
    from audits.collect.candidate.zones import ReviewedZones

    resolver = Resolver(settings.resolver, front=ReviewedZones(zones, alone=False))
    resolver.traffic = plain.traffic
    return resolver


def _reviewed(
    collector: Collector,
    review: "CandidateFiles | None",
    origin: Origin,
    wanted: frozenset[type[Fact]],
) -> Collector:
    """The files of hosts under review, and the running hosts behind them; of others as it is."""
    if review is None or not review.hosts or collector.name != "ssh":
        return collector
    from audits.collect.candidate.mta_files import MtaFiles

    files = replace(origin, source="files under review")
    return MtaFiles(files, wanted, review.hosts, review.base, behind=collector)
