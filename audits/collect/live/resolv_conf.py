"""The resolvers of this system, as resolv.conf(5) names them."""

from ipaddress import ip_address
from pathlib import Path

from audits.errors import UsageError

RESOLV_CONF = Path("/etc/resolv.conf")


def system_addresses() -> tuple[str, ...]:
    """The addresses that RESOLV_CONF names. Raises UsageError where it names none."""
    try:
        text = RESOLV_CONF.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(
            f"{RESOLV_CONF}: {error.strerror}; name a resolver under `resolver: addresses:`"
        ) from error
    addresses = nameservers(text)
    if not addresses:
        raise UsageError(
            f"{RESOLV_CONF}: found no nameserver; name a resolver under `resolver: addresses:`"
        )
    return addresses


def nameservers(resolv_conf: str) -> tuple[str, ...]:
    """The addresses on the `nameserver` lines of a resolv.conf(5), in order."""
    addresses = []
    for line in resolv_conf.splitlines():
        match line.split():
            case ["nameserver", address, *_] if _is_address(address):
                addresses.append(address)
    return tuple(addresses)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
