"""From the facts that the selected audits need to the collectors that give them, in order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from audits.collect.collector import Collector
from audits.collect.listing import Listing
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


def plan(wanted: Iterable[type[Fact]], available: Sequence[type[Collector] | Listing]) -> Plan:
    """The least set of collectors that gives all wanted facts, and what those collectors need.

    Of those that are listed it imports no others. Raises UsageError where nobody provides a fact,
    and on collectors that need each other.
    """
    places = {kind: place for place, each in enumerate(available) for kind in _kinds(each)}
    chosen: dict[int, type[Collector]] = {}
    providers: dict[type[Fact], type[Collector]] = {}
    facts: set[type[Fact]] = set()
    left = list(wanted)
    while left:
        fact = left.pop()
        if fact in facts:
            continue
        facts.add(fact)
        if fact in STATED:
            left += STATED[fact]
        elif (place := places.get(kind_of(fact))) is not None:
            if place not in chosen:
                chosen[place] = _loaded(available[place])
            provider = providers[fact] = chosen[place]
            left += provider.requires
            if provider.about not in (Domain, Vantage):
                left.append(HostRoles)
        else:
            raise UsageError(f"no collector provides {kind_of(fact)}")
    graph = {
        c: {providers[f] for f in c.requires if f in providers} - {c}
        for _, c in sorted(chosen.items())
    }
    try:
        ordered = tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise UsageError(f"collectors need each other: {error.args[1]}") from error
    return Plan(frozenset(facts), ordered)


def _kinds(each: type[Collector] | Listing) -> Iterable[str]:
    return each.kinds.split() if isinstance(each, Listing) else map(kind_of, each.provides)


def _loaded(each: type[Collector] | Listing) -> type[Collector]:
    return each.load() if isinstance(each, Listing) else each
