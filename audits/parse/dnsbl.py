"""Names and answers of block lists (RFC 5782)."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

# RFC 5782 section 5: every list has the first, and none the second.
TEST_LISTED = "127.0.0.2"
TEST_FREE = "127.0.0.1"

_CODES = ip_network("127.0.0.0/8")
# Large lists answer so whoever asks too much, or through a public resolver.
_REFUSALS = ip_network("127.255.255.0/24")


def list_name(address: str, zone: str) -> str:
    """The name to ask a list for, octets or nibbles reversed (RFC 5782 sections 2.1, 2.4)."""
    reverse = ip_address(address).reverse_pointer
    for suffix in (".in-addr.arpa", ".ip6.arpa"):
        reverse = reverse.removesuffix(suffix)
    return f"{reverse}.{zone}"


def refusal(codes: Iterable[str]) -> str | None:
    """Why an answer is no listing, in one clause; None for one, and for no codes at all."""
    for code in codes:
        parsed = ip_address(code)
        if parsed not in _CODES:
            return f"{code} is no answer of a list"
        if parsed in _REFUSALS:
            return f"{code}: the list refuses to answer us"
    return None
