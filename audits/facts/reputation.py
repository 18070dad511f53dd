"""What block lists say of addresses and of domains."""

from collections.abc import Collection

from msgspec import Struct

from audits.facts.dns import Answer
from audits.facts.fact import Fact, Silence
from audits.subject import Address, Domain


class Listing(Struct, frozen=True):
    """The answer of one list (RFC 5782 section 2.1).

    codes: the addresses that it answered with, sorted; empty where it does not list.
    silence: why the answer says nothing: none came, or the list refuses us.
    """

    zone: str
    name: str
    answer: Answer | None
    codes: tuple[str, ...]
    silence: Silence | None

    def complaints(self, ignored: Collection[str]) -> tuple[str, ...]:
        """The codes that are a listing, without those that say nothing bad to a policy."""
        if self.silence is not None:
            return ()
        return tuple(code for code in self.codes if code not in ignored)


class Listings(Fact, frozen=True, tag="dns.dnsbl"):
    """The answers of all lists that the configuration names, in its order."""

    subject: Address
    lists: tuple[Listing, ...]


class DomainListings(Fact, frozen=True, tag="dns.dnsbl-domain"):
    """The answers of all lists of domains that the configuration names, in its order."""

    subject: Domain
    lists: tuple[Listing, ...]
