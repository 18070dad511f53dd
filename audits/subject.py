"""What a fact or a result is about: domains, mail hosts, their addresses and services."""

from enum import StrEnum

from msgspec import Struct


class Role(StrEnum):
    """What a host does in the mail system (RFC 5598 section 4: MTA, MSA; relay: outbound MTA)."""

    MX = "mx"
    MSA = "msa"
    RELAY = "relay"
    MAILSTORE = "mailstore"
    NONE = "none"


class Domain(Struct, frozen=True, tag_field="type", tag="domain", cache_hash=True):
    """A domain name that mail is addressed to or sent from; lower case, A-labels, no final dot."""

    name: str

    def __str__(self) -> str:
        return self.name


class MailHost(Struct, frozen=True, tag_field="type", tag="host", cache_hash=True):
    """A host of the mail system by its name; lower case, A-labels, no final dot."""

    name: str

    def __str__(self) -> str:
        return self.name


class Address(Struct, frozen=True, tag_field="type", tag="address", cache_hash=True):
    """One IPv4 or IPv6 address in its canonical text form."""

    address: str

    def __str__(self) -> str:
        return self.address


class Service(Struct, frozen=True, tag_field="type", tag="service", cache_hash=True):
    """One TCP port on one address of a host.

    address: empty while the address of a declared service is not known (its look-up was silent).
    """

    host: str
    address: str
    port: int

    def __str__(self) -> str:
        at = f" [{self.address}]" if self.address else ""
        return f"{self.host}:{self.port}{at}"


class Path(Struct, frozen=True, tag_field="type", tag="path", cache_hash=True):
    """One way of mail into a domain: through port 25 on one address of one of its MX hosts."""

    domain: str
    host: str
    address: str
    port: int

    @property
    def service(self) -> Service:
        return Service(self.host, self.address, self.port)

    def __str__(self) -> str:
        return f"{self.domain} via {self.service}"


class Vantage(Struct, frozen=True, tag_field="type", tag="vantage", cache_hash=True):
    """The place a run observes from, by the name that the configuration gives it."""

    name: str

    def __str__(self) -> str:
        return self.name


Subject = Domain | MailHost | Address | Service | Path | Vantage

_ORDER = {
    kind: place for place, kind in enumerate((Vantage, Domain, MailHost, Address, Service, Path))
}


def endpoint(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets (RFC 3986 section 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def sort_key(subject: Subject) -> tuple[int, str, str, str, int]:
    """Orders subjects by kind, then name, then address, then port; total and stable."""
    order = _ORDER[type(subject)]
    match subject:
        case Domain(name) | MailHost(name) | Vantage(name):
            return (order, name, "", "", 0)
        case Address(address):
            return (order, address, "", "", 0)
        case Service(host, address, port):
            return (order, host, "", address, port)
        case Path(domain, host, address, port):
            return (order, domain, host, address, port)
