"""What the repository says that a host runs."""

from typing import ClassVar

from audits.facts.fact import Fact, Step
from audits.facts.mta import Program
from audits.subject import MailHost


class PinnedPrograms(Fact, frozen=True, tag="mta.pinned"):
    """The mail programs of a host as the files of the repository configure them."""

    STEP: ClassVar[Step] = Step.GREETING

    subject: MailHost
    programs: tuple[Program, ...]
