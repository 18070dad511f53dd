"""What a report is made of, gathered once: results by owner, lookups, what has a sheet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from msgspec import Struct

from audits.evaluate.audit import Audit
from audits.evaluate.policy import Policy
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.evaluate.waiver import Waiver
from audits.facts.codec import fact_types
from audits.facts.declared import HostRoles
from audits.facts.fact import Fact, Provenance
from audits.facts.snapshot import Snapshot
from audits.report.anchor import Named, Owner, named, owner_of
from audits.report.matrix import badness
from audits.subject import Domain, MailHost, Subject

# With more subjects of a kind than this, those without anything to report are only named.
_ALL_SHEETS = 60
_TROUBLE = {Outcome.FAIL, Outcome.ERROR, Outcome.UNKNOWN, Outcome.WAIVED}


class Run(Struct, frozen=True):
    """The run that a report is about. fleet: its title. command: the command line, redacted.

    started, ended: aware UTC. complete: False where it was cut off.
    """

    id: str
    started: datetime
    ended: datetime
    vantage: str
    version: str
    fleet: str
    command: str
    complete: bool


@dataclass(frozen=True)
class Material:
    """Everything that the parts of a report draw on."""

    run: Run
    results: Sequence[Result]
    snapshot: Snapshot
    policy: Policy
    audits: Mapping[str, Audit]
    waivers: Sequence[Waiver]
    by_owner: dict[Owner, list[Result]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for result in self.results:
            owner = owner_of(result.subject)
            if owner is not None:
                self.by_owner.setdefault(owner, []).append(result)

    @cached_property
    def topics(self) -> dict[str, str]:
        """The topic of every audit that has a result; from its id where the audit is not here."""
        return {
            r.audit: self.audits[r.audit].topic if r.audit in self.audits else r.audit.split("-")[0]
            for r in self.results
        }

    @cached_property
    def _fact_types(self) -> dict[str, type[Fact]]:
        return fact_types()

    def owners(self, kind: type[Owner]) -> list[Owner]:
        """Every domain or every host of the fleet, worst first, then by name."""
        found = [owner for owner in self.by_owner if isinstance(owner, kind)]
        found = [owner for owner in found if not self.foreign(owner)]
        return sorted(found, key=lambda o: (badness(self.by_owner[o]), o.name))

    def foreign(self, owner: Owner) -> bool:
        """It is a host that only DNS led to."""
        if not isinstance(owner, MailHost):
            return False
        roles = self.snapshot.fact(HostRoles, owner)
        return roles is not None and not roles.in_inventory

    @cached_property
    def sheets(self) -> dict[Owner, None]:
        """Owners that have a sheet: in trouble, or few enough of their kind to show them all."""
        chosen: dict[Owner, None] = {}
        for kind in (MailHost, Domain):
            found = self.owners(kind)
            few = len(found) <= _ALL_SHEETS
            chosen |= {o: None for o in found if few or self.troubled(o)}
        return chosen

    def troubled(self, owner: Owner) -> bool:
        return any(r.outcome in _TROUBLE for r in self.by_owner[owner])

    def named(self, subject: Subject) -> Named:
        return named(subject, self.sheets.__contains__)

    def provenance(self, kind: str, subject: Subject) -> Provenance | None:
        """Where an observation came from, silent ones included."""
        fact = self._fact_types.get(kind)
        found = self.snapshot.get(fact, subject) if fact is not None else None
        return found.provenance if found is not None else None
