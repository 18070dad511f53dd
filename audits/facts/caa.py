"""Which certification authorities may issue for the names of hosts (RFC 8659)."""

from msgspec import Struct

from audits.facts.dns import Answer, Tag
from audits.facts.fact import Fact
from audits.subject import Domain, MailHost


class CaaRecord(Struct, frozen=True):
    """One CAA property (RFC 8659 section 4.1).

    tag: lower case. issuer: the CA's domain of an issue property, empty where it names nobody,
    which a malformed value does too; None for properties that name no issuer.
    """

    flags: int
    tag: str
    value: str
    issuer: str | None
    parameters: tuple[Tag, ...]
    malformed: str | None

    @property
    def critical(self) -> bool:
        """A CA that does not know the property must not issue."""
        return bool(self.flags & 0x80)


class CaaSet(Fact, frozen=True, tag="dns.caa"):
    """The relevant CAA records of a host name (RFC 8659 section 3).

    answers: of every name asked for, from the host upwards; the records are those of the last one.
    """

    subject: MailHost
    answers: tuple[Answer, ...]
    records: tuple[CaaRecord, ...]

    def tagged(self, tag: str) -> tuple[CaaRecord, ...]:
        return tuple(record for record in self.records if record.tag == tag)


class PolicyHostCaa(Fact, frozen=True, tag="dns.caa-mta-sts"):
    """The same for `mta-sts.<domain>`, the host of a domain's MTA-STS policy."""

    subject: Domain
    answers: tuple[Answer, ...]
    records: tuple[CaaRecord, ...]
