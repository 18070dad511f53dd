"""A waiver: a failure that somebody has accepted, for a reason and until a day."""

from datetime import date, datetime

from msgspec import Struct

from audits.facts.declared import DeclaredDomain, DeclaredHost
from audits.selector import Selection
from audits.subject import Subject

MAX_DAYS = 365


class Waiver(Struct, frozen=True):
    """An accepted failure of one audit. expires: the last day on which it covers, in UTC.

    where: `file:line` of the waiver.
    """

    id: str
    audit: str
    scope: Selection
    reason: str
    risk: str
    owner: str
    approved_by: str
    approved_on: date
    expires: date
    ticket: str | None
    where: str

    def meant_for(
        self,
        audit: str,
        subject: Subject,
        domain: DeclaredDomain | None,
        host: DeclaredHost | None,
    ) -> bool:
        """Whether it speaks of this audit on this subject, lapsed or not."""
        return self.audit == audit and self.scope.covers(subject, domain, host)

    def covers_on(self, instant: datetime) -> bool:
        """Whether it is in force: from the day of approval to the last day, both included."""
        return self.approved_on <= instant.date() <= self.expires
