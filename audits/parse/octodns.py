"""Zones as octoDNS keeps them: one YAML file a zone, names relative to its apex."""

from collections.abc import Iterator, Mapping
from typing import Any

import dns.name
import dns.rdataclass
import dns.rdatatype
from dns.rdata import Rdata
from dns.rdtypes.ANY.TXT import TXT

from audits.errors import ParseError
from audits.facts.place import Place
from audits.parse.config_tree import ConfigText
from audits.parse.dns_message import ascii_name
from audits.parse.located_yaml import Document, Key, parse_yaml
from audits.parse.zone import Zone, ZoneEntry, check_zone, read_rdata

_DEFAULT_TTL_S = 3600
_TEXTS = ("TXT", "SPF")
_NAMES = ("CNAME", "DNAME", "NS", "PTR", "ALIAS")
# The fields of records that have several, in the order of their presentation form.
_FIELDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "MX": (("preference", "priority"), ("exchange", "value")),
    "SRV": (("priority",), ("weight",), ("port",), ("target",)),
    "CAA": (("flags",), ("tag",), ("value",)),
    "TLSA": (
        ("certificate_usage",),
        ("selector",),
        ("matching_type",),
        ("certificate_association_data",),
    ),
}
_STRING_OCTETS = 255


def read_octodns(text: ConfigText, origin: str) -> Zone:
    """The zone in a file of octoDNS; what is for its providers alone is passed over."""
    zone = Zone(origin, text.shown)
    try:
        document = parse_yaml(text.text, text.shown)
    except ParseError as error:
        where, _, said = str(error).partition(": ")
        line = where.removeprefix(f"{text.shown}:").split(":")[0]
        place = Place(text.shown, int(line) if line.isdecimal() else 1)
        zone.whole = zone.wrong(said or str(error), "YAML", place)
        return zone
    if not isinstance(document.root, dict):
        place = Place(text.shown, 1)
        zone.whole = zone.wrong("found no mapping", "names with their records", place)
        return zone
    for label, value in document.root.items():
        _node(zone, document, str(label), value)
    check_zone(zone, Place(text.shown, 1), needs_soa=False)
    return zone


def _node(zone: Zone, document: Document, label: str, value: Any) -> None:
    place = Place(document.name, document.line((label,)) or 1)
    try:
        name = ascii_name(f"{label}.{zone.origin}" if label else zone.origin)
    except ParseError as error:
        zone.wrong(str(error), "a domain name", place)
        return
    records = value if isinstance(value, list) else [value]
    for number, record in enumerate(records):
        path: tuple[Key, ...] = (label, number) if isinstance(value, list) else (label,)
        here = Place(document.name, document.line(path) or 1)
        rdtype = str(record.get("type", "")).upper() if isinstance(record, dict) else ""
        if not rdtype:
            zone.unread[name, None] = zone.wrong(f"found no type at {name}", "`type: TXT`", here)
        else:
            _record(zone, document, name, rdtype, record, path)


def _record(
    zone: Zone,
    document: Document,
    name: str,
    rdtype: str,
    record: dict[str, Any],
    path: tuple[Key, ...],
) -> None:
    here = Place(document.name, document.line(path) or 1)
    if rdtype not in (*_TEXTS, *_NAMES, *_FIELDS, "A", "AAAA") or rdtype == "ALIAS":
        zone.notes.append(f"{here}: {rdtype} of {name} is passed over")
        return
    ttl = record.get("ttl", _DEFAULT_TTL_S)
    if not isinstance(ttl, int) or isinstance(ttl, bool) or ttl < 0:
        zone.wrong(f"found the TTL {ttl!r}", "seconds", here)
        ttl = _DEFAULT_TTL_S
    many = "values" in record
    values = record["values"] if many else [record.get("value", _whole(rdtype, record))]
    if not isinstance(values, list):
        zone.unread[name, rdtype] = zone.wrong("found `values` that is no list", "a list", here)
        return
    for number, value in enumerate(values):
        steps: tuple[Key, ...] = ("values", number) if many else ("value",)
        place = Place(document.name, document.line((*path, *steps)) or here.line)
        try:
            rdata = _rdata(rdtype, value, zone.origin)
        except ParseError as error:
            found = f"found {rdtype} of {name} that can't be read: {error}"
            zone.unread[name, rdtype] = zone.wrong(found, f"data of {rdtype}", place)
        else:
            zone.entries.append(ZoneEntry(name, rdtype, ttl, rdata, place))


def _whole(rdtype: str, record: dict[str, Any]) -> Any:
    """Older files have the fields of a single record beside its type."""
    return record if rdtype in _FIELDS else None


def _rdata(rdtype: str, value: Any, origin: str) -> Rdata:
    apex = dns.name.from_text(origin)
    if rdtype in _FIELDS:
        return read_rdata(rdtype, " ".join(_fields(rdtype, value)), apex)
    if not isinstance(value, str):
        raise ParseError(f"found {value!r}, expected text")
    if rdtype in _TEXTS:
        return TXT(dns.rdataclass.IN, dns.rdatatype.from_text(rdtype), _strings(value))
    return read_rdata(rdtype, _absolute(value) if rdtype in _NAMES else value, apex)


def _fields(rdtype: str, value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        raise ParseError(f"found {value!r}, expected a mapping")
    for names in _FIELDS[rdtype]:
        found = next((value[name] for name in names if name in value), None)
        if found is None:
            raise ParseError(f"found no {names[0]}")
        text = str(found)
        if names[0] in ("exchange", "target"):
            yield _absolute(text)
        else:
            yield f'"{text}"' if rdtype == "CAA" and names[0] == "value" else text


def _absolute(text: str) -> str:
    """octoDNS takes names that end in a dot alone."""
    if not text.endswith("."):
        raise ParseError(f"found {text!r} without a final dot")
    return text


def _strings(value: str) -> list[bytes]:
    """A text, with `\\;` for each semicolon, cut to strings; quoted parts are strings already."""
    octets = value.replace("\\;", ";").encode()
    if value.startswith('"') and value.endswith('"') and len(value) > 1:
        octets = b"".join(part for place, part in enumerate(octets.split(b'"')) if place % 2)
    return [octets[i : i + _STRING_OCTETS] for i in range(0, len(octets), _STRING_OCTETS)] or [b""]
