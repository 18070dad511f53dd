"""What block lists say of an address."""

from msgspec import Struct

from audits.facts.dns import Answer
from audits.facts.fact import Fact, Silence
from audits.subject import Address


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


class Listings(Fact, frozen=True, tag="dns.dnsbl"):
    """The answers of all lists that the configuration names, in its order."""

    subject: Address
    lists: tuple[Listing, ...]
