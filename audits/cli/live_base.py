"""The base of a change as it would be live: its files in front of what was seen for the change."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from audits.cli.clock import now
from audits.cli.review import BaseFacts, Nobody, Review
from audits.collect.candidate.assembly import OFFLINE
from audits.collect.candidate.mta_files import MtaFiles
from audits.collect.candidate.zones import ReviewedZones, ZoneFiles
from audits.collect.collector import Collector, Origin
from audits.collect.configured import KINDS
from audits.collect.plan import STATED, Plan
from audits.collect.stages import Collection, Population
from audits.facts.declared import DeclaredDomain, DeclaredHost, FleetScope
from audits.facts.dns import ResolverReport
from audits.facts.fact import AnyObservation, F, Fact, Observed, Reason, kind_of
from audits.facts.review import ReviewScope
from audits.facts.snapshot import Snapshot
from audits.facts.zone import ZoneRecords
from audits.settings import LimitSettings

if TYPE_CHECKING:
    from audits.collect.live.assembly import Live

# What a run says of itself; of the resolver it says the same for both.
_OF_RUNS: tuple[type[Fact], ...] = (*STATED, ReviewScope, ZoneRecords)
_STATED = frozenset(kind_of(fact) for fact in _OF_RUNS if fact is not ResolverReport)
_OF_HOSTS = frozenset(map(kind_of, KINDS))


def live_base(
    snapshot: Snapshot,
    base: BaseFacts,
    chosen: Plan,
    live: "Live",
    limits: LimitSettings,
    loop: asyncio.Runner,
) -> Snapshot:
    """The facts of a base for a change whose facts are in a snapshot, by the same plan.

    No host is asked again. Names are looked up anew, with the zones of the base in front; what
    servers said of them is known. Of a host that the base alone leads to no more is known.
    """
    origin = Origin(snapshot.header.vantage, now)
    again = list(_again(live, base, origin))
    of_names = {kind_of(fact) for collector in again for fact in collector.provides}
    own = Snapshot(base.snapshot.header, _stated(base, origin))
    own.add(o for o in snapshot if _holds_for(o, of_names, snapshot, base))
    own.add(o for o in base.snapshot if o.key[0] in _OF_HOSTS and str(o.key[1]) in base.files.hosts)
    live.resolver.stand_in_front(ReviewedZones(base.files.zones, alone=False))
    population = _population(base, snapshot)
    own.add((*population.domains, *population.hosts))
    Collection(own, chosen, again, population, limits, origin, Nobody()).run(loop)
    return own


def _again(live: "Live", base: BaseFacts, origin: Origin) -> Iterator[Collector]:
    """The collectors that look at zones, which are others in the base."""
    for collector in live.collectors:
        if isinstance(collector, ZoneFiles):
            yield ZoneFiles(origin, base.files.zones, Reason.SKIPPED)
        elif type(collector) in OFFLINE and not isinstance(collector, MtaFiles):
            yield collector


def _stated(base: BaseFacts, origin: Origin) -> Iterator[AnyObservation]:
    yield from Review(base.files, live=True).stated(origin)
    yield from base.snapshot.observations(FleetScope)


def _holds_for(
    observation: AnyObservation, of_names: set[str], snapshot: Snapshot, base: BaseFacts
) -> bool:
    """Whether something that was seen with the files of the change is so without them, too."""
    kind, subject = observation.key
    if kind in _OF_HOSTS:
        reviewed = snapshot.fact(ReviewScope, snapshot.vantage)
        return str(subject) not in (*base.files.hosts, *(reviewed.hosts if reviewed else ()))
    return kind not in of_names and kind not in _STATED


def _population(base: BaseFacts, snapshot: Snapshot) -> Population:
    """What the base declares; of it what the run is limited to, if it is."""
    scope = snapshot.fact(FleetScope, snapshot.vantage)
    limited = scope is not None and scope.limit is not None

    def selected(fact: type[F]) -> tuple[Observed[F], ...]:
        found = base.snapshot.observations(fact)
        seen = (each for each in found if isinstance(each, Observed))
        return tuple(
            o for o in seen if not limited or snapshot.get(fact, o.fact.subject) is not None
        )

    inventory = {
        each.fact.subject: each
        for each in base.snapshot.observations(DeclaredHost)
        if isinstance(each, Observed)
    }
    return Population(selected(DeclaredDomain), selected(DeclaredHost), inventory)
