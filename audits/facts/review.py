"""What a run over files under review was made of."""

from msgspec import Struct

from audits.facts.fact import Fact
from audits.facts.zone import ZoneProblem
from audits.subject import Vantage


class ReviewedZone(Struct, frozen=True):
    """A zone under review. notes: records that were passed over, each with its place."""

    origin: str
    file: str
    records: int
    problems: tuple[ZoneProblem, ...]
    notes: tuple[str, ...]


class ReviewScope(Fact, frozen=True, tag="review.scope"):
    """Which files are judged. live: everything else was asked live, else nothing was.

    kinds: of fact that the files can give, sorted; any, where everything else is live. hosts:
    names of those whose configuration is under review. base: the commit that the files are compared
    with, or None.
    """

    subject: Vantage
    live: bool
    kinds: tuple[str, ...]
    zones: tuple[ReviewedZone, ...]
    hosts: tuple[str, ...]
    base: str | None
