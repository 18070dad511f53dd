"""Plans and stages: only what is needed is asked, and every subject comes out."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import pytest

from audits.collect.collector import Origin
from audits.collect.plan import Plan, plan
from audits.collect.stages import Collection, Population
from audits.errors import UsageError
from audits.facts.declared import DeclaredDomain, HostRoles
from audits.facts.dns import DmarcWalk, HostAddresses, MxSet
from audits.facts.fact import AnyObservation, Fact, Observed, Reason, Unobserved
from audits.facts.smtp import Greeting, RoleRecipient
from audits.facts.snapshot import Snapshot
from audits.facts.tcp import Egress, PortState
from audits.settings import LimitSettings
from audits.subject import Domain, MailHost, Path, Role, Service, Subject
from tests.build import AS_OF, PROVENANCE, addresses, domain, host, mx, snapshot

ORIGIN = Origin("here", lambda: AS_OF)


class Names:
    """Answers MX for every domain but those that are to break, hang or be forgotten."""

    name: ClassVar[str] = "names"
    about: ClassVar[type[Subject]] = Domain
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({MxSet})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset()

    def __init__(self) -> None:
        self.asked: list[Subject] = []

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        self.asked.append(subject)
        match str(subject):
            case "breaks.example":
                raise ValueError("a fault of ours")
            case "hangs.example":
                await asyncio.sleep(60)
            case "forgets.example":
                return []
        fact = mx((10, "mx1.example.net"), (20, "theirs.example"), name=str(subject))
        return [Observed(fact, ORIGIN.live(self.name))]


class Hosts:
    name: ClassVar[str] = "hosts"
    about: ClassVar[type[Subject]] = MailHost
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({HostAddresses})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset()

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        return [Observed(addresses(str(subject), "192.0.2.99"), ORIGIN.live(self.name))]


class Ports:
    name: ClassVar[str] = "ports"
    about: ClassVar[type[Subject]] = Service
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({PortState, Greeting})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({HostRoles})

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Service)
        assert seen.fact(HostRoles, MailHost(subject.host)) is not None
        fact = PortState(subject, "open", str(subject), "", 0.01)
        return [Observed(fact, ORIGIN.live(self.name))]


class Walk:
    name: ClassVar[str] = "walk"
    about: ClassVar[type[Subject]] = Domain
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({DmarcWalk})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset()

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        return []


class Mailboxes:
    """Breaks, whatever it is asked about."""

    name: ClassVar[str] = "mailboxes"
    about: ClassVar[type[Subject]] = Service
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({RoleRecipient})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset({HostRoles})

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        raise ValueError("a fault of ours")


AVAILABLE = (Ports, Hosts, Names, Walk, Mailboxes)


class Silent:
    """Watches without a word."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []
        self.kept: list[AnyObservation] = []

    def stage(self, name: str, total: int) -> None:
        self.stages.append((name, total))

    def done(self, subject: Subject) -> None:
        pass

    def seen(self, observations: Sequence[AnyObservation]) -> None:
        self.kept += observations


def collect(
    seen: Snapshot, chosen: Plan, names: Names, *domains: DeclaredDomain, deadline_s: float = 5
) -> Silent:
    watcher = Silent()
    ours = Observed(host(roles=(Role.MX, Role.MSA)), PROVENANCE)
    population = Population(
        tuple(Observed(d, PROVENANCE) for d in domains), (), {ours.fact.subject: ours}
    )
    made = {Names: names}
    collectors = [made.get(c) or c() for c in chosen.collectors]  # type: ignore[call-overload]
    limits = LimitSettings(domain_s=deadline_s)
    with asyncio.Runner() as loop:
        Collection(seen, chosen, collectors, population, limits, ORIGIN, watcher).run(loop)
    return watcher


def test_domain_policy_opens_no_connection() -> None:
    chosen = plan({DmarcWalk, DeclaredDomain}, AVAILABLE)
    assert chosen.collectors == (Walk,)
    assert not chosen.beyond_domains


def test_service_fact_brings_everything_that_leads_to_services() -> None:
    chosen = plan({Greeting}, AVAILABLE)
    assert set(chosen.collectors) == {Names, Hosts, Ports}
    assert chosen.facts >= {Greeting, HostRoles, MxSet, HostAddresses}


def test_fact_that_nobody_provides_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"smtp\.greeting"):
        plan({Greeting}, (Names,))


def test_domains_lead_to_hosts_of_ours_and_of_others() -> None:
    seen = snapshot()
    watcher = collect(seen, plan({Greeting, Egress}, AVAILABLE), Names(), domain())
    ours = seen.fact(HostRoles, MailHost("mx1.example.net"))
    theirs = seen.fact(HostRoles, MailHost("theirs.example"))
    assert ours is not None
    assert theirs is not None
    assert (ours.in_inventory, theirs.in_inventory) == (True, False)
    assert ours.addresses == ("192.0.2.10",)
    assert theirs.services == (Service("theirs.example", "192.0.2.99", 25),)
    assert watcher.stages == [("domains", 1), ("hosts", 2), ("services", 2)]
    reached = next(seen.facts(Egress))
    assert (reached.tried, len(reached.reached)) == (2, 2)


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [
        ("breaks.example", Reason.INTERNAL, "ValueError: a fault of ours"),
        ("hangs.example", Reason.TIMEOUT, "not finished within 0.2 s"),
        ("forgets.example", Reason.INTERNAL, "gave no account"),
    ],
)
def test_faulty_collection_costs_its_subject_only(name: str, reason: Reason, words: str) -> None:
    seen = snapshot()
    chosen = plan({MxSet}, AVAILABLE)
    collect(seen, chosen, Names(), domain(name), domain("good.example"), deadline_s=0.2)
    broken = seen.get(MxSet, Domain(name))
    assert isinstance(broken, Unobserved)
    assert broken.reason is reason
    assert words in broken.detail
    assert seen.fact(MxSet, Domain("good.example")) is not None


def test_broken_collector_of_a_service_is_told_of_every_domain_behind_it() -> None:
    seen = snapshot()
    chosen = plan({RoleRecipient}, AVAILABLE)
    collect(seen, chosen, Names(), domain("a.example"), domain("b.example"))
    for name in ("a.example", "b.example"):
        path = Path(name, "mx1.example.net", "192.0.2.10", 25)
        lost = seen.get(RoleRecipient, path)
        assert isinstance(lost, Unobserved)
        assert lost.reason is Reason.INTERNAL
        assert "ValueError: a fault of ours" in lost.detail


def test_what_is_in_the_snapshot_is_not_asked_again() -> None:
    seen, names = snapshot(), Names()
    chosen = plan({MxSet}, AVAILABLE)
    first = collect(seen, chosen, names, domain("a.example"))
    assert len(first.kept) == 1
    collect(seen, chosen, names, domain("a.example"), domain("b.example"))
    assert list(map(str, names.asked)) == ["a.example", "b.example"]
