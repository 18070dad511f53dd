"""One collection from start to end: domains, the hosts they lead to, addresses and services."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from nornir.core import Nornir
from nornir.core.configuration import Config, CoreConfig, LoggingConfig
from nornir.core.inventory import Defaults, Groups, Host, Hosts, Inventory
from nornir.core.task import Task

from audits.collect.collector import Collector, Origin
from audits.collect.discovery import (
    egress,
    host_roles,
    key_owners,
    mta_sts_domains,
    mx_hosts,
)
from audits.collect.plan import Plan
from audits.collect.runner import AsyncioRunner
from audits.facts.declared import DeclaredDomain, DeclaredHost, HostRoles
from audits.facts.delivery import RELAY_PORT
from audits.facts.dkim import DkimKeyOwners
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Reason,
    kind_of,
    subject_type,
    unobserved,
)
from audits.facts.https import MtaStsDomains
from audits.facts.snapshot import Snapshot
from audits.facts.tcp import Egress
from audits.settings import LimitSettings
from audits.subject import Address, Domain, MailHost, Path, Service, Subject


class Watcher(Protocol):
    """Whoever wants to know how far a collection is."""

    def stage(self, name: str, total: int) -> None: ...

    def done(self, subject: Subject) -> None: ...

    def seen(self, observations: Sequence[AnyObservation]) -> None: ...


@dataclass(frozen=True)
class Population:
    """What to look at. hosts: those that were selected. inventory: every host that is ours."""

    domains: tuple[Observed[DeclaredDomain], ...]
    hosts: tuple[Observed[DeclaredHost], ...]
    inventory: Mapping[MailHost, Observed[DeclaredHost]]


class Collection:
    """Fills a snapshot by a plan. Whatever is in the snapshot already is not asked for again."""

    def __init__(
        self,
        snapshot: Snapshot,
        plan: Plan,
        collectors: Sequence[Collector],
        population: Population,
        limits: LimitSettings,
        origin: Origin,
        watcher: Watcher,
    ) -> None:
        self._snapshot = snapshot
        self._plan = plan
        self._collectors = collectors
        self._population = population
        self._limits = limits
        self._origin = origin
        self._watcher = watcher
        self._done = {(o.provenance.collector, _asked_about(o.key[1])) for o in snapshot}

    def run(self, loop: asyncio.Runner) -> None:
        """All stages, one after the other; every subject that goes in comes out."""
        population = self._population
        domains = [observed.fact.subject for observed in population.domains]
        self._stage("domains", Domain, domains, loop)
        if DkimKeyOwners in self._plan.facts:
            self._note([key_owners(self._snapshot, self._origin)])
        if not self._plan.beyond_domains:
            return
        selected = [observed.fact.subject for observed in population.hosts]
        hosts = list(dict.fromkeys([*selected, *mx_hosts(self._snapshot)]))
        self._note(population.inventory[h] for h in hosts if h in population.inventory)
        self._stage("hosts", MailHost, hosts, loop)
        roles = host_roles(self._snapshot, hosts, population.inventory, self._origin)
        self._note(roles)
        if MtaStsDomains in self._plan.facts:
            self._note(mta_sts_domains(self._snapshot, roles, self._origin))
        addresses, services = _reachable(observed.fact for observed in roles)
        self._stage("services", Service, services, loop)
        # Only now: who knocks at many ports may be shut out of all of them.
        self._stage("addresses", Address, addresses, loop)
        if Egress in self._plan.facts:
            self._note([egress(self._snapshot, self._origin)])

    def _stage(
        self, name: str, about: type[Subject], subjects: Sequence[Subject], loop: asyncio.Runner
    ) -> None:
        collectors = [c for c in self._collectors if c.about is about]
        if not collectors or not subjects:
            return
        self._watcher.stage(name, len(subjects))

        async def observe(task: Task) -> None:
            subject: Subject = task.host.data["subject"]
            await self._observe(subject, collectors)

        nornir = Nornir(
            inventory=_inventory(subjects),
            config=Config(
                core=CoreConfig(raise_on_error=True), logging=LoggingConfig(enabled=False)
            ),
            runner=AsyncioRunner(loop, self._limits.concurrency),
        )
        nornir.run(observe, name=name)

    async def _observe(self, subject: Subject, collectors: Sequence[Collector]) -> None:
        for collector in collectors:
            if (collector.name, subject) not in self._done:
                observations = await self._ask(collector, subject)
                self._snapshot.add(observations)
                self._watcher.seen(observations)
        self._watcher.done(subject)

    async def _ask(self, collector: Collector, subject: Subject) -> list[AnyObservation]:
        """What one collector saw, and a reason for each kind of fact that it gave no account of."""
        is_domain = isinstance(subject, Domain)
        deadline_s = self._limits.domain_s if is_domain else self._limits.host_s
        reason, detail = Reason.INTERNAL, f"collector {collector.name} gave no account of it"
        observations: list[AnyObservation] = []
        try:
            async with asyncio.timeout(deadline_s):
                observations = list(await collector.collect(subject, self._snapshot))
        except TimeoutError:
            reason, detail = Reason.TIMEOUT, f"not finished within {deadline_s:g} s"
        except Exception as error:  # noqa: BLE001 - a broken collector costs its subject's facts only
            detail = f"collector {collector.name} broke: {type(error).__name__}: {error}"
        told = {observation.key for observation in observations}
        provenance = self._origin.live(collector.name)
        for fact in sorted(collector.provides & self._plan.facts, key=kind_of):
            for about in self._owed(fact, subject):
                if (kind_of(fact), about) not in told:
                    observations += unobserved([fact], about, reason, detail, provenance)
        return observations

    def _owed(self, fact: type[Fact], subject: Subject) -> Sequence[Subject]:
        """What a collector that is asked about this subject has to tell that fact of."""
        if subject_type(fact) is type(subject):
            return (subject,)
        if subject_type(fact) is not Path or not isinstance(subject, Service):
            return ()
        roles = self._snapshot.fact(HostRoles, MailHost(subject.host))
        behind = roles.mx_of if roles is not None and subject.port == RELAY_PORT else ()
        return [Path(name, subject.host, subject.address, subject.port) for name in behind]

    def _note(self, observations: Iterable[Observed[Fact]]) -> None:
        noted = list(observations)
        self._snapshot.add(noted)
        self._watcher.seen(noted)


def _asked_about(subject: Subject) -> Subject:
    """The subject that a collector was asked about when it returned a fact about this one."""
    return subject.service if isinstance(subject, Path) else subject


def _reachable(roles: Iterable[HostRoles]) -> tuple[list[Address], list[Service]]:
    """Addresses of our own hosts, and services of all, each once, in order."""
    addresses: dict[Address, None] = {}
    services: dict[Service, None] = {}
    for host in roles:
        services.update(dict.fromkeys(host.services))
        if host.in_inventory:
            known = (*host.addresses, *host.sends_from)
            addresses.update(dict.fromkeys(map(Address, known)))
    return list(addresses), list(services)


def _inventory(subjects: Sequence[Subject]) -> Inventory:
    """Subjects as Nornir hosts; the name is only a key, the subject travels in the data."""
    hosts = {str(subject): Host(str(subject), data={"subject": subject}) for subject in subjects}
    return Inventory(hosts=Hosts(hosts), groups=Groups(), defaults=Defaults())
