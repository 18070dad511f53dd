"""Addresses: which of them the Internet can reach, and which of a host's are not known."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from audits.facts.declared import DeclaredHost
from audits.facts.dns import HostAddresses
from audits.facts.fact import Observed, Silence, Unobserved

# RFC 1918, RFC 6598, RFC 1122 section 3.2.1.3, RFC 3927, RFC 4193, RFC 4291 sections 2.5.3, 2.5.6
_LOCAL = tuple(
    map(
        ip_network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "fc00::/7",
            "::1/128",
            "fe80::/10",
        ),
    )
)


def is_literal(name: str) -> bool:
    """Whether what stands for a host name is an IP address, in brackets or not."""
    try:
        ip_address(name.strip("[]").removeprefix("ipv6:"))
    except ValueError:
        return False
    return True


def is_local(address: str) -> bool:
    """Whether an address belongs to a private network, to one link or to the host itself.

    Documentation prefixes are not local: whoever declares one means a public address.
    """
    return any(ip_address(address) in network for network in _LOCAL)


def is_reachable(address: str, also: Iterable[str] = ()) -> bool:
    """Whether an address is global unicast, or in one of the CIDR prefixes of `also`."""
    parsed = ip_address(address)
    if any(parsed in ip_network(prefix, strict=False) for prefix in also):
        return True
    return parsed.is_global and not parsed.is_multicast


def left_open(declared: DeclaredHost, seen: Observed[HostAddresses] | Unobserved) -> Silence | None:
    """What was silent about a host's addresses, where the inventory leaves them to the DNS."""
    if declared.addresses:
        return None
    if isinstance(seen, Unobserved):
        return None if seen.reason.nothing_there else Silence(seen.reason, seen.detail)
    for part in seen.fact.silent:
        return Silence(part.silence.reason, f"{part.rdtype}: {part.silence.detail}")
    return None
