"""What a trace is made with: whose message it is, and in which surroundings."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from audits.collect.collector import Origin
from audits.collect.live.login import Account
from audits.collect.live.pace import Pace
from audits.collect.live.resolver import Resolver
from audits.collect.live.service import domain_of
from audits.collect.live.trust import TrustStore
from audits.facts.declared import DeclaredHost
from audits.facts.trace import TraceStep
from audits.settings import Settings
from audits.subject import Domain

Tell = Callable[[TraceStep], None]


class Errand(Struct, frozen=True):
    """Who writes to whom. every: walk all MX hosts, where a sender would be done before.

    message: is really sent, with CRLF at the end of each line; without one the walk ends after
    RCPT. account: whose login is made at a submission service.
    """

    sender: str
    recipient: str
    every: bool = False
    message: bytes | None = None
    account: Account | None = None

    @property
    def domain(self) -> Domain:
        return Domain(domain_of(self.recipient))


class Surroundings(Struct, frozen=True):
    """What a walk is made with. hosts: what the inventory says of hosts, by name."""

    resolver: Resolver
    settings: Settings
    pace: Pace
    trust: TrustStore
    origin: Origin
    hosts: Mapping[str, DeclaredHost]
