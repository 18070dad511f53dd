"""Macros of SPF: their letters, transformers and the names that they make (RFC 7208 section 7)."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import quote

# macro-expand = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
_EXPAND = re.compile(r"%(?:([%_-])|\{([A-Za-z])([0-9]*)([rR]?)([.\-+,/_=]*)\})", re.ASCII)
_PLAIN = {"%": "%", "_": " ", "-": "%20"}
# Section 7.3: the "unreserved" set of RFC 3986 section 2.3 is left as it is.
_UNRESERVED = "-._~"
_MAX_NAME = 253
_MAX_LABEL = 63


def macro_letters(text: str) -> frozenset[str]:
    """The macro letters in a text, lower case."""
    return frozenset(match[2].lower() for match in _EXPAND.finditer(text) if match[2])


def expanded(text: str, values: Mapping[str, str]) -> str:
    """A text that `audits.parse.spf` found well-formed, with its macros replaced (section 7.3).

    values: by macro letter, lower case; every letter of `macro_letters` is there.
    """

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return _PLAIN[match[1]]
        plain = _transformed(values[match[2].lower()], match[3], bool(match[4]), match[5])
        return quote(plain, safe=_UNRESERVED) if match[2].isupper() else plain

    return _EXPAND.sub(value, text)


def _transformed(value: str, digits: str, backwards: bool, delimiters: str) -> str:
    """The parts between delimiters, reversed, the right-most so many, joined with dots."""
    parts = re.split(f"[{re.escape(delimiters or '.')}]", value)
    if backwards:
        parts.reverse()
    # A number of 20 digits is as good as all parts, and never has to be computed with.
    count = int(digits) if digits and len(digits) < 20 else len(parts)
    return ".".join(parts[-min(count, len(parts)) :])


def target_name(text: str) -> str:
    """A name after expansion: lower case, cut at its left to 253 characters (section 7.3)."""
    name = text.lower().removesuffix(".")
    while len(name) > _MAX_NAME:
        _, dot, name = name.partition(".")
        if not dot:
            return ""
    return name


def can_be_asked(name: str) -> bool:
    """Whether a name can be in the DNS: no empty label and none that is too long (section 4.8)."""
    labels = name.split(".")
    return len(name) <= _MAX_NAME and all(0 < len(label) <= _MAX_LABEL for label in labels)


def dotted(address: IPv4Address | IPv6Address) -> str:
    """`%{i}`: an IPv6 address is written as its nibbles with dots between (section 7.3)."""
    if isinstance(address, IPv4Address):
        return str(address)
    return ".".join(address.exploded.replace(":", "").upper())
