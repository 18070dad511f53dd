"""What a domain tells mail programs about its servers by SRV records (RFC 6186, RFC 8314)."""

from msgspec import Struct

from audits.facts.dns import Answer
from audits.facts.fact import Fact, Silence
from audits.subject import Domain


class SrvRecord(Struct, frozen=True):
    """One SRV record (RFC 2782). target: `.` says that the service is not offered."""

    priority: int
    weight: int
    port: int
    target: str


class SrvService(Struct, frozen=True):
    """The records of one service. service: such as `_submissions`. answer: None where silent."""

    service: str
    name: str
    answer: Answer | None
    records: tuple[SrvRecord, ...]
    silence: Silence | None

    @property
    def offered(self) -> tuple[SrvRecord, ...]:
        """The records that lead somewhere, by priority, lowest first."""
        return tuple(record for record in self.records if record.target != ".")


class SrvTarget(Struct, frozen=True):
    """A host that SRV records lead to. alias_chain: targets of CNAMEs that were followed, in order.

    addresses: IPv4 first. silence: why there are none, where that was not learnt.
    """

    name: str
    alias_chain: tuple[str, ...]
    addresses: tuple[str, ...]
    silence: Silence | None


class ClientServices(Fact, frozen=True, tag="dns.srv"):
    """The services for mail programs that a domain was asked for, in a fixed order.

    targets: where their records lead, by name, each once.
    """

    subject: Domain
    services: tuple[SrvService, ...]
    targets: tuple[SrvTarget, ...]

    def service(self, label: str) -> tuple[int, SrvService]:
        """One of them, and its index."""
        return next((i, each) for i, each in enumerate(self.services) if each.service == label)
