"""Names, addresses and networks as people write them, in the one form that facts hold."""

import re
from ipaddress import ip_address, ip_network

import dns.exception
import dns.name

from audits.errors import ParseError
from audits.subject import endpoint

# sub-domain = Let-dig [Ldh-str], RFC 5321 section 4.1.2, at least two of them; the last one is
# never all digits (RFC 3696 section 2). `_` is let through: some domains of old have it.
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+(?![0-9]+\Z){_LABEL}")


def declared_name(text: str) -> str:
    """A domain or host name: lower case, A-labels (RFC 5891), no final dot.

    Raises ParseError on anything but a fully qualified name.
    """
    name = text.removesuffix(".").lower()
    if not name.isascii():
        try:
            encoded = dns.name.from_text(name, idna_codec=dns.name.IDNA_2008_UTS_46)
            name = encoded.to_text(omit_final_dot=True).lower()
        except (dns.exception.DNSException, UnicodeError):
            name = ""
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise ParseError(f"found {text!r}, expected a fully qualified name such as mx1.example.net")
    return name


def declared_address(text: str) -> str:
    """An IPv4 or IPv6 address in canonical form. Raises ParseError."""
    try:
        if "%" in text:
            raise ValueError("a zone means something on one machine only")
        return str(ip_address(text))
    except ValueError as error:
        raise ParseError(f"found {text!r}, expected an IPv4 or IPv6 address") from error


def declared_network(text: str) -> str:
    """A CIDR prefix in canonical form; a lone address is a prefix of full length.

    Raises ParseError, on bits behind the prefix as well.
    """
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise ParseError(f"found {text!r}, expected a prefix such as 192.0.2.0/24") from error


def declared_endpoint(text: str) -> str:
    """`192.0.2.1:2525` or `[2001:db8::1]:2525` in canonical form. Raises ParseError."""
    address, _, port = text.rpartition(":")
    bracketed = address.startswith("[") and address.endswith("]")
    try:
        canonical = declared_address(address[1:-1] if bracketed else address)
    except ParseError:
        canonical = ""
    right_port = re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) < 65536
    if not canonical or not right_port or bracketed != (":" in canonical):
        raise ParseError(
            f"found {text!r}, expected address:port such as 127.0.0.1:2525 or [::1]:2525"
        )
    return endpoint(canonical, int(port))
