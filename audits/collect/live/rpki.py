"""The collector of route origins, from a file of VRPs that the operator keeps."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import ClassVar

from audits.collect.collector import Origin
from audits.errors import ParseError, UsageError
from audits.facts.fact import (
    AnyObservation,
    Fact,
    Reason,
    Silence,
    observation,
)
from audits.facts.rpki import RouteOrigin
from audits.facts.snapshot import Snapshot
from audits.parse.address import is_local
from audits.parse.vrp import Network, VrpTable, vrp_table
from audits.settings import RpkiSettings
from audits.subject import Address, Subject


class RouteCheck:
    """Who announces an address by the configuration, and which VRPs cover that; nobody is asked.

    base: the folder that the file is named from. Raises UsageError for a file that can't be read,
    or an origin that is no prefix.
    """

    name: ClassVar[str] = "rpki"
    about: ClassVar[type[Subject]] = Address
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({RouteOrigin})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset()

    def __init__(self, origin: Origin, settings: RpkiSettings, base: Path) -> None:
        self._origin = origin
        self._file = settings.vrp_file
        self._table = _table(base / settings.vrp_file) if settings.vrp_file else None
        self._origins = _origins(settings)

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, Address)
        found = self._route(subject)
        provenance = self._origin.live(self.name)
        return [observation(RouteOrigin, subject, found, provenance)]

    def _route(self, address: Address) -> RouteOrigin | Silence:
        if self._table is None or self._file is None:
            return Silence(Reason.SKIPPED, "no file of VRPs is configured")
        if is_local(address.address):
            return Silence(Reason.SKIPPED, f"{address} is no public address")
        parsed = ip_address(address.address)
        announced = [network for network in self._origins if parsed in network]
        if not announced:
            return Silence(Reason.NOT_DECLARED, f"no origin is declared for {address}")
        prefix = max(announced, key=lambda network: network.prefixlen)
        covering = self._table.covering(prefix)
        return RouteOrigin(address, str(prefix), self._origins[prefix], covering, self._file)


def _table(path: Path) -> VrpTable:
    try:
        return vrp_table(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror}") from error
    except ParseError as error:
        raise UsageError(f"{path}: {error}") from error


def _origins(settings: RpkiSettings) -> dict[Network, int]:
    try:
        return {ip_network(prefix): asn for prefix, asn in settings.origins.items()}
    except ValueError as error:
        raise UsageError(f"rpki.origins: expected prefixes: {error}") from error
