"""Two other evaluators of SPF, asked about the same world: pyspf and spftrace."""

import socket
from collections.abc import Iterator
from typing import Any

import spf
import spftrace

from tests.parse.spf_worlds import SpfWorld


def pyspf_result(world: SpfWorld) -> str:
    """What pyspf says, in its strict mode. It asks a function of its module, which is replaced."""

    def lookup(name: str, rdtype: str, *_: Any) -> Iterator[tuple[tuple[str, str], Any]]:
        if name.lower() in world.silent:
            raise spf.TempError("DNS timeout")
        for value in world.zone.get(name.lower(), {}).get(rdtype, []):
            yield (name, rdtype), _as_pyspf(rdtype, value)

    kept, spf.DNSLookup = spf.DNSLookup, lookup
    try:
        query = spf.query(i=world.client, s=world.sender, h=world.helo, strict=True)
        return str(query.check()[0])
    finally:
        spf.DNSLookup = kept


def _as_pyspf(rdtype: str, value: str) -> Any:
    match rdtype:
        case "TXT":
            return (value.encode(),)
        case "AAAA":
            return socket.inet_pton(socket.AF_INET6, value)
        case "MX":
            return (10, value)
        case _:
            return value


def spftrace_result(world: SpfWorld) -> str:
    """What spftrace says."""
    zone: dict[str, object] = {
        name: [(rdtype, value) for rdtype, values in found.items() for value in values]
        for name, found in world.zone.items()
    }
    zone |= dict.fromkeys(world.silent, spftrace.resolver.TIMEOUT)
    resolver = spftrace.ZoneResolver(zone)
    sender = world.sender or f"postmaster@{world.helo}"
    return str(spftrace.check(world.client, sender, world.helo, resolver=resolver).verdict)
