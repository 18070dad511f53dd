"""DKIM keys that a run saw in more than one place."""

from bisect import bisect_left

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
    """One key, in how many places it stands, and examples of them.

    places: one for each sender in each organization, five at most; two where there is one alone.
    """

    key_sha256: str
    count: int
    places: tuple[KeyPlace, ...]


class DkimKeyOwners(Fact, frozen=True, tag="dkim.key-owners"):
    """All keys under declared, active selectors of a run's domains, laid side by side.

    keys: how many different ones were seen. shared: those in several places, sorted by digest.
    """

    subject: Vantage
    keys: int
    shared: tuple[SharedKey, ...]

    def index(self, key_sha256: str) -> int | None:
        """The index of a shared key; None where the key stands in one place."""
        place = bisect_left(self.shared, key_sha256, key=lambda each: each.key_sha256)
        found = place < len(self.shared) and self.shared[place].key_sha256 == key_sha256
        return place if found else None
