"""A zone as its file has it, and what an authoritative server would answer from it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.name import Name
from dns.rdata import GenericRdata, Rdata
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.DNAME import DNAME
from dns.rdtypes.ANY.NS import NS
from dns.rdtypes.ANY.SOA import SOA

from audits.errors import ParseError
from audits.facts.fact import Reason, Silence
from audits.facts.place import Place
from audits.facts.zone import ZoneProblem, ZoneRecord
from audits.parse.dns_message import Response, name_text

_NEGATIVE_TTL_S = 3600
# RFC 4034 section 4 and RFC 2181 section 10.1: what may stand beside a CNAME.
_BESIDE_CNAME = frozenset({"CNAME", "RRSIG", "NSEC"})


@dataclass(frozen=True)
class ZoneEntry:
    """One record. name: its owner, lower case without final dot. column of place: of its data."""

    name: str
    rdtype: str
    ttl: int
    rdata: Rdata
    place: Place


@dataclass
class Zone:
    """One zone under review.

    origin: its apex. file: the one that it begins in. unread: names of which something could not
    be read, by name and type, with the type None where not even that is known. whole: why the file
    as a whole tells nothing.
    """

    origin: str
    file: str
    entries: list[ZoneEntry] = field(default_factory=list)
    problems: list[ZoneProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unread: dict[tuple[str, str | None], Silence] = field(default_factory=dict)
    whole: Silence | None = None

    def __post_init__(self) -> None:
        self._index: dict[str, dict[str, list[ZoneEntry]]] | None = None
        self._inner: set[str] = set()

    @property
    def index(self) -> Mapping[str, Mapping[str, Sequence[ZoneEntry]]]:
        """The records by owner and type."""
        if self._index is None:
            self._index = {}
            for entry in self.entries:
                self._index.setdefault(entry.name, {}).setdefault(entry.rdtype, []).append(entry)
            # Empty non-terminals exist (RFC 8020 section 2), and so do names that were not read.
            known = [*self._index, *(name for name, _ in self.unread)]
            self._inner = {above for name in known for above in _between(name, self.origin)}
            self._inner.update(name for name, _ in self.unread)
        return self._index

    def exists(self, name: str) -> bool:
        """Whether there is a node of that name, with records or only above some."""
        return name in self.index or name in self._inner or name == self.origin

    def wrong(self, message: str, expected: str, place: Place) -> Silence:
        """Notes a problem; returns the reason for which a name is not read."""
        self.problems.append(ZoneProblem(message, expected, place))
        return Silence(Reason.UNREADABLE, f"{at(place)}: {message}, expected {expected}")

    def records(self) -> Iterator[ZoneRecord]:
        """Every record and where it stands."""
        for entry in self.entries:
            yield ZoneRecord(entry.name, entry.rdtype, rdata_text(entry.rdata), entry.place)


def at(place: Place) -> str:
    """`file:line:column`."""
    return f"{place.file}:{place.line}:{place.column}"


def rdata_text(rdata: Rdata) -> str:
    """Data of a record as reports quote it: texts joined, names lower case without final dot."""
    strings = getattr(rdata, "strings", None)
    if strings is not None:
        joined: bytes = b"".join(strings)
        return joined.decode(errors="backslashreplace")
    for part in ("exchange", "target"):
        name = getattr(rdata, part, None)
        if isinstance(name, Name):
            return " ".join([*rdata.to_text().split()[:-1], name_text(name)])
    return rdata.to_text()


def read_rdata(rdtype: str, text: str, origin: Name) -> Rdata:
    """Data of a record from its presentation form. Raises ParseError with what was expected.

    TLSA is taken as it stands, since `parse.tlsa` says what is wrong with it.
    """
    try:
        if rdtype == "TLSA" and not text.startswith("\\#"):
            return _tlsa(text)
        return dns.rdata.from_text("IN", rdtype, text, origin=origin, relativize=False)
    # The last: what dnspython lets through for odd text.
    except (dns.exception.DNSException, ValueError, IndexError, AssertionError) as error:
        raise ParseError(str(error).strip().rstrip(".") or type(error).__name__) from error


def _tlsa(text: str) -> Rdata:
    """RFC 6698 section 2.2: three numbers and hexadecimal data, which may have blanks in it."""
    usage, selector, matching, *data = text.split()
    octets = bytes([int(usage), int(selector), int(matching)]) + bytes.fromhex("".join(data))
    return GenericRdata(dns.rdataclass.IN, dns.rdatatype.TLSA, octets)


def _between(name: str, origin: str) -> Iterator[str]:
    """The names above `name`, as far as the apex, which is left out."""
    _, _, name = name.partition(".")
    while name and name != origin and is_within(name, origin):
        yield name
        _, _, name = name.partition(".")


def is_within(name: str, origin: str) -> bool:
    """Whether a name is an apex or below it."""
    return origin == "." or name == origin or name.endswith(f".{origin}")


def check_zone(zone: Zone, first: Place, *, needs_soa: bool) -> None:
    """Notes what a name server refuses though each record can be read.

    needs_soa: the file is one that a server loads as it is.
    """
    soa = zone.index.get(zone.origin, {}).get("SOA", [])
    whole = zone.whole is None and not zone.unread
    if needs_soa and whole and not soa:
        zone.wrong(f"found no SOA record at {zone.origin}", "one", first)
    for extra in soa[1:]:
        zone.wrong(f"found another SOA record at {zone.origin}", "one", extra.place)
    if needs_soa and whole and "NS" not in zone.index.get(zone.origin, {}):
        zone.wrong(f"found no NS record at {zone.origin}", "one at least", first)
    for name, types in zone.index.items():
        aliases = types.get("CNAME", ())
        beside = sorted(types.keys() - _BESIDE_CNAME)
        if aliases and beside:
            found = f"found CNAME and {', '.join(beside)} at {name}"
            zone.wrong(found, "no other record beside a CNAME", aliases[0].place)
        elif len({entry.rdata for entry in aliases}) > 1:
            zone.wrong(f"found two CNAME records at {name}", "one", aliases[1].place)


@dataclass(frozen=True)
class Outside:
    """A name that no zone under review tells of. why: such as where it is delegated."""

    why: str


class ZoneSet:
    """All zones under review together; a name belongs to the zone with the longest apex."""

    def __init__(self, zones: Iterable[Zone]) -> None:
        self.zones = tuple(zones)
        self._by_origin = {zone.origin: zone for zone in self.zones}

    def zone_of(self, name: str) -> Zone | None:
        """The zone that a name is in."""
        while True:
            if name in self._by_origin:
                return self._by_origin[name]
            _, _, above = name.partition(".")
            if name == ".":
                return None
            name = above or "."

    def answer(self, name: str, rdtype: str) -> Response | Silence | Outside:
        """What an authoritative server says of a name (RFC 1034 section 4.3.2).

        An alias is not followed: its target is for the resolver to ask for. A Silence where a file
        could not be read.
        """
        zone = self.zone_of(name)
        if zone is None:
            return Outside(f"{name} is in no zone under review")
        if zone.whole is not None:
            return zone.whole
        cut = _cut(zone, name, rdtype)
        if cut is not None:
            servers = ", ".join(sorted(name_text(_target(entry)) for entry in cut))
            where = f"{cut[0].name} is delegated to {servers} ({cut[0].place})"
            return Outside(f"{where}, and {name} is in no zone under review")
        return _answer(zone, name, rdtype)


def _cut(zone: Zone, name: str, rdtype: str) -> Sequence[ZoneEntry] | None:
    """The NS records below the apex that hand a name over to other servers."""
    here = [] if rdtype == "DS" and name != zone.origin else [name]
    for node in reversed([*here, *_between(name, zone.origin)]):
        servers = zone.index.get(node, {}).get("NS")
        if servers and node != zone.origin:
            return servers
    return None


def _target(entry: ZoneEntry) -> Name:
    rdata = entry.rdata
    assert isinstance(rdata, NS | CNAME | DNAME)
    return rdata.target


def _answer(zone: Zone, name: str, rdtype: str) -> Response | Silence:
    found = zone.index.get(name)
    if found is None and not zone.exists(name):
        renamed = _renamed(zone, name)
        if renamed is not None:
            return renamed
        found = _wildcard(zone, name)
    here: Mapping[str, Sequence[ZoneEntry]] = found or {}
    silence = zone.unread.get((name, rdtype)) or zone.unread.get((name, None))
    if silence is not None:
        return silence
    if here.get(rdtype):
        entries = here[rdtype]
        # A duplicate is no second record (RFC 2181 section 5).
        rdatas = tuple(dict.fromkeys(entry.rdata for entry in entries))
        return _response(zone, "NOERROR", min(entry.ttl for entry in entries), rdatas=rdatas)
    if here.get("CNAME"):
        alias = here["CNAME"][0]
        return _response(zone, "NOERROR", alias.ttl, alias=name_text(_target(alias)))
    exists = found is not None or zone.exists(name)
    return _response(zone, "NOERROR" if exists else "NXDOMAIN", _negative_ttl(zone))


def _wildcard(zone: Zone, name: str) -> Mapping[str, Sequence[ZoneEntry]] | None:
    """The records of the asterisk below the closest encloser (RFC 4592 section 3.3.1)."""
    _, _, above = name.partition(".")
    while above and not zone.exists(above):
        _, _, above = above.partition(".")
    return zone.index.get(f"*.{above}") if above else None


def _renamed(zone: Zone, name: str) -> Response | None:
    """The alias that a DNAME above the name makes (RFC 6672 section 2.2)."""
    for above in [*_between(name, zone.origin), zone.origin]:
        entries = zone.index.get(above, {}).get("DNAME")
        if entries and above != name:
            target = name.removesuffix(above) + name_text(_target(entries[0]))
            return _response(zone, "NOERROR", entries[0].ttl, alias=target)
    return None


def _response(
    zone: Zone,
    rcode: str,
    ttl_s: int,
    *,
    rdatas: tuple[Rdata, ...] = (),
    alias: str | None = None,
) -> Response:
    return Response(
        rcode=rcode,
        authenticated=False,
        extended_errors=(),
        alias_chain=(alias,) if alias is not None else (),
        rdatas=rdatas,
        ends_in_alias=alias is not None,
        ttl_s=ttl_s,
        zone=zone.origin,
    )


def _negative_ttl(zone: Zone) -> int:
    """The lesser of the SOA's TTL and its last field (RFC 2308 section 5)."""
    for entry in zone.index.get(zone.origin, {}).get("SOA", ()):
        assert isinstance(entry.rdata, SOA)
        return min(entry.ttl, entry.rdata.minimum)
    return _NEGATIVE_TTL_S
