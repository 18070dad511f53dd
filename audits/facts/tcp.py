"""What a TCP connection attempt met."""

from typing import ClassVar, Literal

from msgspec import Struct

from audits.facts.fact import Fact, Silence, Step
from audits.subject import Address, Service, Vantage

# SMTP, submission, LMTP and what stands for them behind proxies; POP, IMAP, Sieve; spamd, milters
# and content filters, which are for the host itself.
SURVEYED = (24, 25, 110, 143, 465, 587, 783, 993, 995, 2525, 4190, 8891, 10024, 10025)


class PortState(Fact, frozen=True, tag="tcp.port"):
    """How a service answered a connection attempt.

    state: `open` (SYN-ACK), `closed` (RST), `filtered` (silence or an ICMP prohibition).
    dialled: `address:port` that was really connected to. detail: the system's words if not open.
    """

    STEP: ClassVar[Step] = Step.TCP

    subject: Service
    state: Literal["open", "closed", "filtered"]
    dialled: str
    detail: str
    elapsed_s: float


class SurveyedPort(Struct, frozen=True):
    """One port that was knocked at, and left without a word.

    state: as in PortState; None where the attempt says nothing of the port, and `silence` why.
    """

    port: int
    state: Literal["open", "closed", "filtered"] | None
    dialled: str
    silence: Silence | None


class PortSurvey(Fact, frozen=True, tag="tcp.survey"):
    """Ports of an address beside those of its declared services.

    ports: in order of number; empty where all that are looked at are declared.
    """

    STEP: ClassVar[Step] = Step.TCP

    subject: Address
    ports: tuple[SurveyedPort, ...]


class Egress(Fact, frozen=True, tag="tcp.egress"):
    """Whether this vantage reached port 25 of anybody in this run.

    tried: addresses asked. reached: services that answered on port 25, IPv4 before IPv6, up to
    three of each.
    """

    STEP: ClassVar[Step] = Step.TCP

    subject: Vantage
    tried: int
    reached: tuple[Service, ...]
