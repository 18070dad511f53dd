"""From the facts that the selected audits need to the collectors that give them, in order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from audits.collect.collector import Collector
from audits.errors import UsageError
from audits.facts.declared import DeclaredDomain, DeclaredHost, FleetScope, HostRoles
from audits.facts.dkim import DkimKeyOwners
from audits.facts.dns import DkimKeys, DmarcWalk, HostAddresses, MtaStsTxt, MxSet, ResolverReport
from audits.facts.fact import Fact, kind_of
from audits.facts.https import MtaStsDomains, MtaStsPolicy
from audits.facts.tcp import Egress, PortState
from audits.subject import Domain, Vantage

# Facts that a run states itself, and what it needs to state them.
STATED: dict[type[Fact], frozenset[type[Fact]]] = {
    DeclaredDomain: frozenset(),
    DeclaredHost: frozenset(),
    FleetScope: frozenset(),
    ResolverReport: frozenset(),
    HostRoles: frozenset({MxSet, HostAddresses}),
    Egress: frozenset({PortState}),
    MtaStsDomains: frozenset({HostRoles, MtaStsTxt, MtaStsPolicy}),
    DkimKeyOwners: frozenset({DeclaredDomain, DkimKeys, DmarcWalk}),
}


@dataclass(frozen=True)
class Plan:
    """facts: everything to be asked for. collectors: in an order that meets their requirements."""

    facts: frozenset[type[Fact]]
    collectors: tuple[type[Collector], ...]

    @property
    def beyond_domains(self) -> bool:
        """Hosts have to be found, and looked at."""
        return HostRoles in self.facts

    @property
    def asks_dns(self) -> bool:
        """Something has to be looked up."""
        return any(kind_of(fact).startswith("dns.") for fact in self.facts)


def plan(wanted: Iterable[type[Fact]], available: Sequence[type[Collector]]) -> Plan:
    """The least set of collectors that gives all wanted facts, and what those collectors need.

    Raises UsageError where nobody provides a fact, and on collectors that need each other.
    """
    providers = {fact: collector for collector in available for fact in collector.provides}
    facts: set[type[Fact]] = set()
    left = list(wanted)
    while left:
        fact = left.pop()
        if fact in facts:
            continue
        facts.add(fact)
        if fact in STATED:
            left += STATED[fact]
        elif fact in providers:
            left += providers[fact].requires
            if providers[fact].about not in (Domain, Vantage):
                left.append(HostRoles)
        else:
            raise UsageError(f"no collector provides {kind_of(fact)}")
    chosen = [c for c in available if c.provides & facts]
    graph = {c: {providers[f] for f in c.requires if f in providers} - {c} for c in chosen}
    try:
        ordered = tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise UsageError(f"collectors need each other: {error.args[1]}") from error
    return Plan(frozenset(facts), ordered)
