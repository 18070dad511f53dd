"""Names and answers of block lists (RFC 5782)."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

# RFC 5782 section 5: every list has the first, and none the second; so have lists of domains.
TEST_LISTED = "127.0.0.2"
TEST_FREE = "127.0.0.1"
TEST_DOMAIN_LISTED = "test"
TEST_DOMAIN_FREE = "invalid"

_CODES = ip_network("127.0.0.0/8")
# Large lists answer so whoever asks too much, or through a public resolver.
_REFUSALS = (ip_network("127.255.255.0/24"), ip_network("127.0.0.1/32"))


def list_name(address: str, zone: str) -> str:
    """The name to ask a list of addresses for, reversed (RFC 5782 sections 2.1, 2.4)."""
    reverse = ip_address(address).reverse_pointer
    for suffix in (".in-addr.arpa", ".ip6.arpa"):
        reverse = reverse.removesuffix(suffix)
    return f"{reverse}.{zone}"


def domain_list_name(domain: str, zone: str) -> str:
    """The name to ask a list of domains for, labels as they stand (RFC 5782 section 4)."""
    return f"{domain}.{zone}"


def refusal(codes: Iterable[str]) -> str | None:
    """Why an answer is no listing, in one clause; None for one, and for no codes at all."""
    for code in codes:
        parsed = ip_address(code)
        if parsed not in _CODES:
            return f"{code} is no answer of a list"
        if any(parsed in network for network in _REFUSALS):
            return f"{code}: the list refuses to answer us"
    return None
