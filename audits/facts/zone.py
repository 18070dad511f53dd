"""What the zone files under review say, and what is wrong with them."""

from msgspec import Struct

from audits.facts.fact import Fact
from audits.facts.place import Place
from audits.subject import Domain, Vantage


class ZoneProblem(Struct, frozen=True):
    """Something because of which a name server would refuse a zone, or serve another one.

    message: what was found. expected: what should stand there.
    """

    message: str
    expected: str
    place: Place


class ZoneFile(Fact, frozen=True, tag="zone.file"):
    """The zone file under review that a domain is in. origin: of the zone; file: its first one."""

    subject: Domain
    origin: str
    file: str
    records: int
    problems: tuple[ZoneProblem, ...]


class ZoneRecord(Struct, frozen=True):
    """A record of a zone file. name: its owner; text: its data as the file's reader prints it."""

    name: str
    rdtype: str
    text: str
    place: Place


class ZoneRecords(Fact, frozen=True, tag="zone.records"):
    """All records of the zones under review, in the order of the files: where each one stands."""

    subject: Vantage
    records: tuple[ZoneRecord, ...]
