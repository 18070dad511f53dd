"""One walk of the delivery loop as a sending MTA makes it, told step by step while it happens."""

import asyncio
from typing import TypeVar

from msgspec.structs import replace

from audits.collect.collector import Collector
from audits.collect.live.dane import DaneHost
from audits.collect.live.dns import DnsDomain, DnsHost
from audits.collect.live.https import MtaStsFetch
from audits.collect.live.preflight import preflight
from audits.collect.live.service import RELAY_PORT
from audits.collect.live.tcp import is_address
from audits.collect.live.trace_errand import Errand, Surroundings, Tell
from audits.collect.live.trace_submission import Submission
from audits.collect.live.trace_visit import Visit, nothing_seen, now, station_at
from audits.facts.dane import TlsaSet
from audits.facts.delivery import RelayFacts, Station, StationState, domain_station
from audits.facts.dns import Answer, HostAddresses, MtaStsTxt, MxSet
from audits.facts.fact import Fact, Observation, Observed, Step
from audits.facts.https import MtaStsPolicy
from audits.facts.snapshot import Header, Snapshot
from audits.facts.trace import TraceStep, Untried, settles
from audits.subject import Domain, MailHost, Path, Subject

# Postfix turns to five addresses of a domain at most; nobody's DNS is to choose how many we do.
MAX_VISITS = 10

_DNS_PORT = 53

F = TypeVar("F", bound=Fact)
T = TypeVar("T")


class _Walk:
    """What all walks share.

    tell: is given every step as soon as its answer is there. untried: the MX hosts that were left
    alone, once the walk is over.
    """

    def __init__(self, around: Surroundings, errand: Errand, tell: Tell) -> None:
        self._around = around
        self._errand = errand
        self._tell = tell
        self._look = _LookUp(around)
        self._visits = 0
        self._settled = False
        self._login_failed = False
        self.untried: list[Untried] = []

    @property
    def _done(self) -> bool:
        """A message that was sent is not sent to another host as well, nor a login tried again."""
        again = self._errand.every and self._errand.message is None
        return self._login_failed or (self._settled and not again)

    def _tell_step(self, step: TraceStep) -> None:
        station = step.station
        if station.step is Step.AUTH and station.state in (
            StationState.BROKEN,
            StationState.SILENT,
        ):
            self._login_failed = True
        if self._errand.message is None or station.step is not Step.RCPT:
            self._settled = self._settled or settles(station) is not None
        # It may have been taken although the server fell silent: once more would be twice.
        in_doubt = station.step is Step.DATA and station.state is StationState.SILENT
        self._settled = self._settled or (in_doubt and not station.answered.startswith("4"))
        self._tell(step)

    def _tell_dns(self, name: str, station: Station, started: float) -> None:
        servers = ", ".join(self._around.resolver.servers)
        took = round(now() - started, 4)
        at = self._around.origin.clock()
        self._tell(TraceStep(self._visits, name, servers, _DNS_PORT, station, took, at))

    async def _addresses(self, path: Path, mx: MxSet) -> tuple[tuple[str, ...], RelayFacts]:
        """The addresses of a host, told as a step, and what is known of the way then."""
        started = now()
        found = await self._look.addresses(MailHost(path.host))
        seen = nothing_seen(path, mx, found)
        station = station_at(Step.ADDRESS, seen)
        addresses = found.fact.addresses if isinstance(found, Observed) else ()
        if addresses:
            station = replace(station, detail=", ".join(addresses))
        self._tell_dns(path.host, station, started)
        return addresses, seen


class RelayTrace(_Walk):
    """The walk from the MX look-up to QUIT, host by host and address by address."""

    async def walk(self) -> None:
        """Walks to the end; never raises for what the world does."""
        started = now()
        seen = await self._look.mx(self._errand.domain)
        self._tell_dns(self._errand.domain.name, domain_station(seen), started)
        if not isinstance(seen, Observed) or not seen.fact.targets:
            return
        # A sender looks for a policy beside the rest, so that nothing waits for it (RFC 8461
        # section 5.1).
        policy = asyncio.create_task(self._look.policy(self._errand.domain))
        try:
            for host in seen.fact.targets:
                if self._done:
                    self.untried.append(Untried(host, "a sender is done before it gets there"))
                elif self._visits >= MAX_VISITS:
                    words = f"{MAX_VISITS} addresses were tried before it"
                    self.untried.append(Untried(host, words))
                else:
                    await self._turn_to(seen.fact, host, policy)
        finally:
            await _dropped(policy)

    async def _turn_to(self, mx: MxSet, name: str, policy: asyncio.Task[Fact | None]) -> None:
        """Every address of one MX host, until one of them settles it."""
        self._visits += 1
        domain = self._errand.domain.name
        addresses, seen = await self._addresses(Path(domain, name, "", RELAY_PORT), mx)
        if not addresses:
            return
        demands = asyncio.create_task(self._look.demands(MailHost(name), policy))
        try:
            for place, address in enumerate(addresses[: MAX_VISITS - self._visits + 1]):
                if self._done:
                    return
                self._visits += bool(place)
                there = replace(seen, path=Path(domain, name, address, RELAY_PORT))
                visit = Visit(self._around, self._errand, self._visits, there, self._tell_step)
                await visit.make(demands)
        finally:
            await _dropped(demands)


class ViaTrace(_Walk):
    """The walk through one host and port that the caller names, whatever the MX records say.

    On port 25 it goes as mail between servers does, on any other as a mail program submits.
    """

    def __init__(
        self, around: Surroundings, errand: Errand, tell: Tell, host: str, port: int
    ) -> None:
        super().__init__(around, errand, tell)
        self._host = host
        self._port = port

    async def walk(self) -> None:
        """Walks to the end; never raises for what the world does."""
        domain, host, port = self._errand.domain, self._host, self._port
        nothing = MxSet(domain, Answer(domain.name, "NOERROR", False, (), 0), ())
        self._visits = 1
        declared = self._around.hosts.get(host)
        seen = nothing_seen(Path(domain.name, host, "", port), nothing, None)
        if is_address(host):
            addresses: tuple[str, ...] = (host,)
        elif declared is not None and declared.addresses:
            addresses = declared.addresses
        else:
            addresses, seen = await self._addresses(seen.path, nothing)
        demands = asyncio.create_task(_nothing_demanded())
        for place, address in enumerate(addresses[:MAX_VISITS]):
            if self._done:
                return
            self._visits += bool(place)
            there = replace(seen, path=Path(domain.name, host, address, port))
            kind = Visit if port == RELAY_PORT else Submission
            visit = kind(self._around, self._errand, self._visits, there, self._tell_step)
            await visit.make(demands)


async def _nothing_demanded() -> tuple[Fact, ...]:
    return ()


class _LookUp:
    """Look-ups by the collectors of a run, each with what was seen before it."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        origin = around.origin
        header = Header("", "", origin.vantage, origin.clock(), "")
        self._seen = Snapshot(header)

    async def mx(self, domain: Domain) -> Observation[MxSet]:
        """The MX records of a domain."""
        return await self._ask(self._dns(MxSet), MxSet, domain)

    async def addresses(self, host: MailHost) -> Observation[HostAddresses]:
        """The addresses of a host."""
        collector = DnsHost(self._around.resolver, self._around.origin)
        return await self._ask(collector, HostAddresses, host)

    async def policy(self, domain: Domain) -> Fact | None:
        """The domain's MTA-STS policy where it is in force (RFC 8461 section 5)."""
        around = self._around
        await self._ask(self._dns(MtaStsTxt), MtaStsTxt, domain)
        wanted: frozenset[type[Fact]] = frozenset({MtaStsPolicy})
        fetch = MtaStsFetch(around.resolver, around.origin, wanted, around.settings)
        found = await self._ask(fetch, MtaStsPolicy, domain)
        if isinstance(found, Observed) and found.fact.mode == "enforce":
            return found.fact
        return None

    async def demands(self, host: MailHost, policy: asyncio.Task[Fact | None]) -> tuple[Fact, ...]:
        """What has senders that heed it insist on TLS with a host; empty where nothing does.

        TLSA records that are secure (RFC 7672 section 2.2), and a policy in force.
        """
        around = self._around
        found: list[Fact] = []
        tlsa = await self._ask(DaneHost(around.resolver, around.origin), TlsaSet, host)
        if isinstance(tlsa, Observed) and tlsa.fact.records and tlsa.fact.secure:
            report = await preflight(around.resolver, around.origin)
            found += [tlsa.fact] if report.fact.validates else []
        # A sender does not hold mail back for a policy host that is silent (RFC 8461 section 5.1).
        ready, _ = await asyncio.wait({policy}, timeout=around.settings.limits.connect_s)
        in_force = policy.result() if ready else None
        return (*found, in_force) if in_force is not None else tuple(found)

    def _dns(self, kind: type[Fact]) -> DnsDomain:
        return DnsDomain(self._around.resolver, self._around.origin, frozenset({kind}))

    async def _ask(self, collector: Collector, kind: type[F], of: Subject) -> Observation[F]:
        self._seen.add(await collector.collect(of, self._seen))
        found = self._seen.get(kind, of)
        assert found is not None
        return found


async def _dropped(task: asyncio.Task[T]) -> None:
    """Ends a task whose result nobody waits for any more."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
