"""Where reports on TLS would go."""

from msgspec import Struct

from audits.facts.dns import Answer
from audits.facts.fact import Fact, Silence
from audits.subject import Domain


class ReportDestination(Struct, frozen=True):
    """The domain of a `mailto` URI. exchanges: of its MX records, `.` for a null MX.

    answer: None where silent.
    """

    name: str
    answer: Answer | None
    exchanges: tuple[str, ...]
    silence: Silence | None


class TlsRptDestinations(Fact, frozen=True, tag="dns.tlsrpt-destinations"):
    """The mail domains that a domain's TLS-RPT record sends reports to, each once, in order.

    Unobserved as absent where no single valid record is published.
    """

    subject: Domain
    destinations: tuple[ReportDestination, ...]
