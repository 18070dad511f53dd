"""DKIM keys that a run saw in more than one place."""

from msgspec import Struct

from audits.facts.fact import Fact
from audits.subject import Vantage


class KeyPlace(Struct, frozen=True):
    """A selector under which a key is in use. owner: as the inventory declares it.

    organizational: the organizational domain of `domain`; None where its tree walk was silent.
    """

    domain: str
    organizational: str | None
    selector: str
    owner: str

    def __str__(self) -> str:
        return f"{self.selector}._domainkey.{self.domain} ({self.owner})"


class SharedKey(Struct, frozen=True):
    """One key and its places, sorted; two at least."""

    key_sha256: str
    places: tuple[KeyPlace, ...]


class DkimKeyOwners(Fact, frozen=True, tag="dkim.key-owners"):
    """All keys under declared, active selectors of a run's domains, laid side by side.

    keys: how many different ones were seen. shared: those that occur more than once, by digest.
    """

    subject: Vantage
    keys: int
    shared: tuple[SharedKey, ...]
