"""Clients that a mail program trusts for their address, in the order in which it asks them."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from audits.facts.mta import ConfigLine

Network = IPv4Network | IPv6Network

# Half of all IPv4 addresses, and the block that every public IPv6 address is from (RFC 4291).
_MOST_IPV4 = 2**31
_ALL_PUBLIC_IPV6 = 3


@dataclass(frozen=True)
class Trusted:
    """A network in the list, or one that is taken out of what follows it."""

    network: Network
    excluded: bool
    line: ConfigLine | None


@dataclass(frozen=True)
class TrustList:
    """The list in its order. open: why it may be longer or wider than this, else None."""

    networks: tuple[Trusted, ...]
    open: str | None

    @property
    def everybody(self) -> tuple[Trusted, ...]:
        """The networks through which strangers are trusted; empty where they are not."""
        within = [trusted for trusted in self.networks if not trusted.excluded]
        wide4 = sorted(
            (trusted for trusted in within if trusted.network.version == 4),
            key=lambda trusted: trusted.network.prefixlen,
        )
        out = self._excluded_before(wide4[0]) if wide4 else []
        if _size(wide4) - _size_of(out) >= _MOST_IPV4:
            least = list[Trusted]()
            for trusted in wide4:
                if _size(least) >= _MOST_IPV4:
                    break
                least.append(trusted)
            return tuple(least)
        return tuple(
            trusted
            for trusted in within
            if trusted.network.version == 6
            and trusted.network.prefixlen <= _ALL_PUBLIC_IPV6
            and not any(out.prefixlen <= _ALL_PUBLIC_IPV6 for out in self._excluded_before(trusted))
        )

    def _excluded_before(self, wide: Trusted) -> list[Network]:
        """What was taken out already; the first match counts, so later exclusions do nothing."""
        before = self.networks[: self.networks.index(wide)]
        return [
            trusted.network
            for trusted in before
            if trusted.excluded and trusted.network.version == wide.network.version
        ]


def _size(trusted: list[Trusted]) -> int:
    return _size_of([each.network for each in trusted])


def _size_of(networks: list[Network]) -> int:
    ours = (network for network in networks if isinstance(network, IPv4Network))
    return sum(network.num_addresses for network in collapse_addresses(ours))
