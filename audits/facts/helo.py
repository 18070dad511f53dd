"""The name that a host gives itself, and where it leads."""

from typing import ClassVar

from audits.facts.dns import Answer, SilentType
from audits.facts.fact import Fact, Step
from audits.subject import MailHost


class HeloName(Fact, frozen=True, tag="dns.helo"):
    """The name that a host says in HELO or EHLO: as declared, or else its own.

    answers: empty for what is no host name, which nobody is asked for.
    """

    STEP: ClassVar[Step] = Step.EHLO

    subject: MailHost
    name: str
    answers: tuple[Answer, ...]
    addresses: tuple[str, ...]
    silent: tuple[SilentType, ...]
