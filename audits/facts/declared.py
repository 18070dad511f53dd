"""What the inventory says of a domain or a host, and what that makes of a host in this run."""

from bisect import bisect_left
from datetime import date
from typing import ClassVar

from msgspec import Struct

from audits.facts.fact import Fact, Step
from audits.subject import Domain, MailHost, Role, Service, Vantage


class DeclaredSelector(Struct, frozen=True):
    """A declared DKIM selector. owner: `self` or the sender that signs with it."""

    selector: str
    owner: str
    created: date | None
    active: bool


class DeclaredSender(Struct, frozen=True):
    """A host that sends for a domain.

    addresses: its declared outbound addresses, else all declared ones; empty where DNS decides.
    """

    host: str
    addresses: tuple[str, ...]


class DeclaredDomain(Fact, frozen=True, tag="declared.domain"):
    """What the inventory says of a domain. Neither `sends` nor `receives`: parked.

    mx: the MX host names that are expected, or None where whatever is published is taken.
    submission, senders: host names. mail_class: transactional, general-users, mixed or None.
    sending: the senders with their addresses, whatever the run is limited to.
    """

    subject: Domain
    groups: tuple[str, ...]
    sends: bool
    receives: bool
    mx: tuple[str, ...] | None
    submission: tuple[str, ...]
    senders: tuple[str, ...]
    dkim: tuple[DeclaredSelector, ...]
    mail_class: str | None
    sending: tuple[DeclaredSender, ...]

    @property
    def parked(self) -> bool:
        return not self.sends and not self.receives


class DeclaredService(Struct, frozen=True):
    """A port that a host serves. connect: `address:port` that a probe dials instead, or None."""

    port: int
    connect: str | None


class Attestation(Struct, frozen=True):
    """What somebody answers for because it can't be seen from outside.

    about: such as `submission_mfa`. by: who says so. on, expires: UTC days, both inclusive.
    """

    about: str
    value: str
    evidence_uri: str
    by: str
    on: date
    expires: date


class DeclaredHost(Fact, frozen=True, tag="declared.host"):
    """What the inventory says of a host.

    addresses: as declared; empty where DNS decides. domains: those it accepts mail for.
    sends_from: its outbound addresses. behind_gateway: CIDR prefixes that stand in front of it.
    tls_mandatory: it takes mail on port 25 inside TLS only.
    private_ca: path of a PEM file, as written. login: user name only; the secret stays a reference.
    """

    subject: MailHost
    groups: tuple[str, ...]
    roles: tuple[Role, ...]
    addresses: tuple[str, ...]
    services: tuple[DeclaredService, ...]
    domains: tuple[str, ...]
    helo_name: str | None
    sends_from: tuple[str, ...]
    behind_gateway: tuple[str, ...]
    tls_mandatory: bool
    private_ca: str | None
    login: str | None
    attestations: tuple[Attestation, ...]


class HostRoles(Fact, frozen=True, tag="fleet.host"):
    """The place of a host in this run, once DNS has said who is an MX host of whom.

    in_inventory: False for a host that only DNS led to: somebody else's.
    roles: the declared ones, and `mx` where a domain's MX names the host.
    mx_of: the domains whose MX names it, sorted. services: every address and port to look at;
    a declared port stands there with an empty address while its addresses are not known.
    addresses: where it is reached. sends_from: its declared outbound addresses.
    """

    STEP: ClassVar[Step] = Step.ADDRESS

    subject: MailHost
    in_inventory: bool
    roles: tuple[Role, ...]
    mx_of: tuple[str, ...]
    addresses: tuple[str, ...]
    sends_from: tuple[str, ...]
    services: tuple[Service, ...]

    @property
    def outbound(self) -> tuple[str, ...]:
        """Addresses that it sends to other domains from; a relay's own where none is declared."""
        return self.sends_from or (self.addresses if Role.RELAY in self.roles else ())


class FleetScope(Fact, frozen=True, tag="fleet.scope"):
    """What a run set out to look at. hosts: names of the inventory's hosts, sorted, for look-up."""

    subject: Vantage
    hosts: tuple[str, ...]
    limit: str | None

    def lists(self, host: str) -> bool:
        """Whether the inventory has a host of that name."""
        place = bisect_left(self.hosts, host)
        return place < len(self.hosts) and self.hosts[place] == host
