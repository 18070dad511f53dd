"""What a domain publishes about its logo (BIMI, an Internet-Draft)."""

from msgspec import Struct

from audits.facts.dns import Answer, Tag
from audits.facts.fact import Fact
from audits.subject import Domain


class BimiRecord(Struct, frozen=True):
    """One BIMI assertion record. tags: in order, names lower case."""

    text: str
    tags: tuple[Tag, ...]
    malformed: str | None

    def value(self, name: str) -> str | None:
        """The value of the first tag of that name, or None."""
        return next((tag.value for tag in self.tags if tag.name == name), None)

    @property
    def declines(self) -> bool:
        """It says that there is no logo: `l=` is there and empty, and `a=` names none."""
        return self.malformed is None and self.value("l") == "" and not self.value("a")


class BimiTxt(Fact, frozen=True, tag="dns.bimi"):
    """TXT at `default._bimi.<domain>`: all texts, and the records among them that claim BIMI."""

    subject: Domain
    answer: Answer
    texts: tuple[str, ...]
    records: tuple[BimiRecord, ...]
