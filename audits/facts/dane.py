"""TLSA records: which certificates a mail host vouches for in the DNS (RFC 6698, RFC 7672)."""

from typing import ClassVar

from msgspec import Struct

from audits.facts.dns import Answer
from audits.facts.fact import Fact, Step
from audits.subject import MailHost


class TlsaRecord(Struct, frozen=True):
    """One TLSA record (RFC 6698 section 2.1). data: lower hex.

    malformed: why no client can use it; None for what is well formed, whatever SMTP makes of it.
    """

    usage: int
    selector: int
    matching: int
    data: str
    malformed: str | None

    @property
    def parameters(self) -> str:
        """Usage, selector and matching type as they are written: `3 1 1`."""
        return f"{self.usage} {self.selector} {self.matching}"

    @property
    def text(self) -> str:
        """The record in presentation form (RFC 6698 section 2.2), long data cut short."""
        shown = self.data if len(self.data) <= _SHOWN else f"{self.data[:_SHOWN]}..."
        return f"{self.parameters} {shown}"


_SHOWN = 128


class TlsaSet(Fact, frozen=True, tag="dns.tlsa"):
    """The TLSA records for port 25 of a mail host, sorted, each once.

    name: where they were looked for: below the host's name, or below the end of its alias chain
    where that is secure (RFC 7672 section 2.2.3). alias_chain: CNAMEs of that name itself.
    bogus: why a validating resolver refuses the answer, though it gives it with checking disabled;
    `answer` and `records` are then what it gives.
    """

    STEP: ClassVar[Step] = Step.TLS

    subject: MailHost
    name: str
    alias_chain: tuple[str, ...]
    answer: Answer
    records: tuple[TlsaRecord, ...]
    bogus: str | None

    @property
    def base(self) -> str:
        """The TLSA base domain (RFC 7672 section 2.2.3): the name without port and transport."""
        return self.name.split(".", 2)[2]

    @property
    def secure(self) -> bool:
        """Authenticated, by a resolver that has to be known to validate."""
        return self.bogus is None and self.answer.authenticated
