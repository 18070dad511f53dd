"""Validated ROA payloads as relying parties export them, and which of them cover a prefix."""

import csv
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

import msgspec
from msgspec import Struct

from audits.errors import ParseError
from audits.facts.rpki import Vrp

Network = IPv4Network | IPv6Network


class _Roa(Struct, frozen=True, rename="camel"):
    """As rpki-client, Routinator, FORT and OctoRPKI write it; the AS number with or without AS."""

    asn: int | str
    prefix: str
    max_length: int


class _Export(Struct, frozen=True):
    roas: tuple[_Roa, ...]


class VrpTable:
    """VRPs by prefix."""

    def __init__(self, vrps: Iterable[Vrp]) -> None:
        self._by_prefix: dict[str, list[Vrp]] = {}
        for vrp in vrps:
            self._by_prefix.setdefault(vrp.prefix, []).append(vrp)

    def __len__(self) -> int:
        return sum(map(len, self._by_prefix.values()))

    def covering(self, prefix: Network) -> tuple[Vrp, ...]:
        """Every VRP whose prefix is that one or holds it, the shortest prefix first."""
        found: list[Vrp] = []
        for length in range(prefix.prefixlen + 1):
            found += self._by_prefix.get(str(prefix.supernet(new_prefix=length)), ())
        return tuple(found)


def vrp_table(text: bytes) -> VrpTable:
    """The VRPs of an export in JSON (`roas`) or CSV (`ASN,IP Prefix,Max Length`).

    Raises ParseError for anything else.
    """
    if not text.strip():
        raise ParseError("found nothing, expected VRPs")
    try:
        roas = _json(text) if text.lstrip()[:1] == b"{" else _csv(text)
        return VrpTable(_vrp(*roa) for roa in roas)
    except (msgspec.DecodeError, ValueError, csv.Error) as error:
        raise ParseError(f"found no VRPs in JSON or CSV: {error}") from error


def _json(text: bytes) -> Iterator[tuple[str, str, int]]:
    for roa in msgspec.json.decode(text, type=_Export).roas:
        yield str(roa.asn), roa.prefix, roa.max_length


def _csv(text: bytes) -> Iterator[tuple[str, str, int]]:
    for number, row in enumerate(csv.reader(text.decode().splitlines()), start=1):
        if number == 1 and row and not row[0].upper().removeprefix("AS").isdecimal():
            continue
        if len(row) < 3:
            raise ValueError(f"line {number} has {len(row)} fields")
        yield row[0], row[1], int(row[2] or row[1].rpartition("/")[2])


def _vrp(asn: str, prefix: str, max_length: int) -> Vrp:
    network = ip_network(prefix.strip())
    if not network.prefixlen <= max_length <= network.max_prefixlen:
        raise ValueError(f"{prefix} with maximum length {max_length}")
    return Vrp(str(network), max_length, int(asn.strip().upper().removeprefix("AS")))
