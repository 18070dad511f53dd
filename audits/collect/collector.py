"""What a collector is: it takes one subject and returns observations, and never raises."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from audits.facts.fact import AnyObservation, Fact, Provenance
from audits.facts.snapshot import Snapshot
from audits.subject import Subject


@dataclass(frozen=True)
class Origin:
    """Where and when observations are made; `clock` gives aware UTC. source: as in Provenance."""

    vantage: str
    clock: Callable[[], datetime]
    source: str = "live"

    def live(self, collector: str) -> Provenance:
        """The provenance of something that this collector sees now."""
        return Provenance(collector, self.vantage, self.clock(), self.source)


class Collector(Protocol):
    """One source of facts.

    about: the type of subject that it is asked about. provides: every kind of fact that it may
    return, though it may be told to return fewer. requires: kinds that must have been asked for
    before; they are in `seen`, observed or not.

    A collector accounts for each kind that it was told to return: an observation or the reason
    why there is none. It never raises for anything that the world does.
    """

    name: ClassVar[str]
    about: ClassVar[type[Subject]]
    provides: ClassVar[frozenset[type[Fact]]]
    requires: ClassVar[frozenset[type[Fact]]]

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]: ...
