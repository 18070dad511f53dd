"""Where DMARC reports would go, and whether they would be sent and arrive."""

from typing import Literal

from msgspec import Struct

from audits.facts.dns import Answer, DmarcRecord
from audits.facts.fact import Fact, Silence
from audits.subject import Domain


class ReportUri(Struct, frozen=True):
    """A `mailto` URI of a policy record. tag: where it stands. uri: as published."""

    tag: Literal["rua", "ruf"]
    uri: str


class Authorisation(Struct, frozen=True):
    """TXT at `<policy domain>._report._dmarc.<destination>` (RFC 7489 section 7.1).

    texts: all that was found. records: those that claim to be DMARC; one is enough.
    """

    answer: Answer
    texts: tuple[str, ...]
    records: tuple[DmarcRecord, ...]


class MailExchange(Struct, frozen=True):
    """The MX records of a destination. exchanges: sorted; `.` is a null MX (RFC 7505)."""

    answer: Answer
    exchanges: tuple[str, ...]


class DmarcDestination(Struct, frozen=True):
    """One domain that reports would be sent to, and what the DNS says of it.

    organizational: its organizational domain by tree walk (RFC 9989 section 4.10.2); None where
    that is silent. authorisation: None where it was not asked for, as the destination belongs to
    the same organizational domain, or was silent. mx: None where it was silent, or `name` is no
    domain name; silences: whatever could not be asked.
    """

    name: str
    uris: tuple[ReportUri, ...]
    organizational: str | None
    authorisation: Authorisation | None
    mx: MailExchange | None
    silences: tuple[Silence, ...]


class DmarcDestinations(Fact, frozen=True, tag="dns.dmarc-destinations"):
    """The mail domains that the record which governs a domain sends its reports to, in order.

    Ten at most are looked at; receivers need only serve two (RFC 7489 section 6.2). Unobserved as
    absent where no record governs. policy_domain: the name below which that record stands at
    `_dmarc`. organizational: of that name.
    """

    subject: Domain
    policy_domain: str
    organizational: str
    destinations: tuple[DmarcDestination, ...]
