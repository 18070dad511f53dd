"""SPF records: selection, grammar, and the tree that include and redirect span (RFC 7208)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import AddressValueError, IPv6Address

from msgspec.structs import replace

from audits.facts.dns import SpfNode, SpfRecord, SpfTerm
from audits.parse.tag_list import first, quoted

MAX_NODES = 40
MAX_DEPTH = 10

# RFC 7208 section 4.5: exactly "v=spf1", then SP or the end; ABNF strings ignore case.
_VERSION = re.compile(r"v=spf1(?= |$)", re.IGNORECASE | re.ASCII)

# RFC 7208 section 12, with section 7.3: a digit transformer is not zero.
# macro-expand = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
# macro-literal = %x21-24 / %x26-7E
_EXPAND = r"%\{{[{letters}](?:0*[1-9][0-9]*)?r?[.\-+,/_=]*\}}|%%|%_|%-"
_LITERAL = r"[\x21-\x24\x26-\x7E]"
# Section 7.2: c, r and t belong into explanation texts, not into a domain-spec.
_DOMAIN_EXPAND = _EXPAND.format(letters="slodiphv")
_ANY_EXPAND = _EXPAND.format(letters="slodiphvcrt")
_MACRO_STRING = re.compile(rf"(?:{_ANY_EXPAND}|{_LITERAL})*", re.IGNORECASE | re.ASCII)
_DOMAIN_MACROS = re.compile(rf"(?:{_DOMAIN_EXPAND}|{_LITERAL})*", re.IGNORECASE | re.ASCII)
_ENDS_IN_EXPAND = re.compile(rf"(?:{_LITERAL}|{_DOMAIN_EXPAND})*(?:{_DOMAIN_EXPAND})", re.I | re.A)
# toplabel = ( *alphanum ALPHA *alphanum ) /
#            ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
_TOPLABEL = re.compile(
    r"[a-z0-9]*[a-z][a-z0-9]*|[a-z0-9]+-[a-z0-9-]*[a-z0-9]", re.IGNORECASE | re.ASCII
)

# name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." )
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9\-_.]*)=(.*)", re.DOTALL)
_DIRECTIVE = re.compile(r"([+\-?~]?)([A-Za-z0-9]+)(.*)", re.DOTALL)

# ip4-cidr-length = "/" ("0" / %x31-39 0*1DIGIT)
# ip6-cidr-length = "/" ("0" / %x31-39 0*2DIGIT)
# dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]
_IP4_LENGTH = r"/(?:0|[1-9][0-9]?)"
_IP6_LENGTH = r"/(?:0|[1-9][0-9]{0,2})"
_DUAL_LENGTH = re.compile(rf"({_IP4_LENGTH})?(/{_IP6_LENGTH})?", re.ASCII)
_DUAL_LENGTH_AT_END = re.compile(
    rf"(?:{_IP4_LENGTH}/{_IP6_LENGTH}|/{_IP6_LENGTH}|{_IP4_LENGTH})\Z", re.ASCII
)
_QNUM = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9][0-9]|[0-9])"
_IP4 = re.compile(rf"{_QNUM}(?:\.{_QNUM}){{3}}({_IP4_LENGTH})?", re.ASCII)
_IP6 = re.compile(rf"([0-9A-Fa-f:.]+)({_IP6_LENGTH})?", re.ASCII)

_UNIQUE_MODIFIERS = ("redirect", "exp")
# RFC 7208 section 6.2: explain-string = *( macro-string / SP )
_EXPLANATION = re.compile(rf"(?:{_ANY_EXPAND}|{_LITERAL}| )*", re.IGNORECASE | re.ASCII)


def spf_records(texts: Iterable[str]) -> tuple[SpfRecord, ...]:
    """The SPF records among TXT records, strings already joined (RFC 7208 sections 3.3, 4.5)."""
    return tuple(spf_record(text) for text in texts if _VERSION.match(text))


def spf_record(text: str) -> SpfRecord:
    """One SPF record that begins with its version (RFC 7208 sections 4.6 and 12)."""
    terms: list[SpfTerm] = []
    faults: list[str] = []
    for word in filter(None, text[len("v=spf1") :].split(" ")):
        term = _term(word)
        fault = "not a term of SPF" if term is None else _term_fault(term)
        if fault is not None:
            faults.append(f"{quoted(word)}: {fault}")
        elif term is not None:
            if term.name in _UNIQUE_MODIFIERS and any(t.name == term.name for t in terms):
                faults.append(f"{quoted(word)}: modifier {term.name} is given twice")
            terms.append(term)
    return SpfRecord(text, tuple(terms), first(faults))


def spf_targets(records: Sequence[SpfRecord]) -> Iterator[tuple[SpfTerm, str]]:
    """The terms of the record at a name that lead to other names, and those names.

    None where there is not exactly one record: it is then not evaluated (RFC 7208 section 4.5).
    A redirect counts only where no `all` stands anywhere (section 6.1); a name with macros
    depends on the message and is left out.
    """
    if len(records) != 1:
        return
    terms = records[0].terms
    has_all = any(term.name == "all" and term.qualifier for term in terms)
    for term in terms:
        followed = term.name == "include" or (term.name == "redirect" and not has_all)
        if followed and "%" not in term.value:
            yield term, term.value.lower().removesuffix(".")


def spf_tree(domain: str, found: Mapping[str, SpfNode]) -> tuple[SpfNode, ...]:
    """The tree below `domain`, depth first in order of terms, out of what is at each name.

    A name is repeated where it is included again. A loop ends at the name that closes it;
    the tree ends at MAX_NODES, and at names that are not in `found`.
    """
    nodes: list[SpfNode] = []
    _span(domain, (), (), found, nodes)
    return tuple(nodes)


def _span(
    name: str,
    path: tuple[str, ...],
    above: tuple[str, ...],
    found: Mapping[str, SpfNode],
    nodes: list[SpfNode],
) -> None:
    node = found.get(name)
    if node is None or len(nodes) >= MAX_NODES:
        return
    nodes.append(replace(node, path=path))
    if name in above or len(path) >= MAX_DEPTH:
        return
    for term, target in spf_targets(node.records):
        _span(target, (*path, term.text), (*above, name), found, nodes)


def address_parts(term: SpfTerm) -> tuple[str, int, int]:
    """The domain-spec of an `a` or `mx`, empty for none, and its prefix lengths (section 5.6)."""
    length = _DUAL_LENGTH_AT_END.search(term.value)
    if length is None:
        return term.value, 32, 128
    parts = _DUAL_LENGTH.fullmatch(length[0])
    four, six = (parts[1], parts[2]) if parts else (None, None)
    return (
        term.value[: length.start()],
        int(four[1:]) if four else 32,
        int(six[2:]) if six else 128,
    )


def ipv4_prefix_length(term: SpfTerm) -> int | None:
    """The prefix length that a term gives IPv4 addresses; None for terms that have none."""
    if term.name in ("a", "mx") and term.qualifier:
        return address_parts(term)[1]
    if term.name == "ip4" and term.qualifier:
        return int(term.value.partition("/")[2] or 32)
    return None


def is_explanation(text: str) -> bool:
    """Whether a text can be expanded as an explanation (RFC 7208 section 6.2)."""
    return _EXPLANATION.fullmatch(text) is not None


def _term(word: str) -> SpfTerm | None:
    """The parts of a term. A `=` before any `:` or `/` makes it a modifier."""
    if modifier := _MODIFIER.fullmatch(word):
        return SpfTerm(word, "", modifier[1].lower(), modifier[2])
    directive = _DIRECTIVE.fullmatch(word)
    if directive is None or directive[3][:1] not in ("", ":", "/"):
        return None
    value = directive[3].removeprefix(":")
    return SpfTerm(word, directive[1] or "+", directive[2].lower(), value)


def _term_fault(term: SpfTerm) -> str | None:
    """Why a term breaks the grammar, or None."""
    if not term.qualifier:
        return _modifier_fault(term)
    has_colon = ":" in term.text and term.text.index(":") == len(term.text) - len(term.value) - 1
    match term.name:
        case "all":
            return "all takes no value" if has_colon or term.value else None
        case "include" | "exists":
            return _domain_fault(term.value) if has_colon else f"{term.name} needs a domain"
        case "a" | "mx":
            return _address_fault(term.value, has_colon)
        case "ptr":
            if has_colon:
                return _domain_fault(term.value)
            return "ptr takes no prefix length" if term.value else None
        case "ip4":
            return _ip4_fault(term.value) if has_colon else "ip4 needs an address"
        case "ip6":
            return _ip6_fault(term.value) if has_colon else "ip6 needs an address"
        case _:
            return f"unknown mechanism {quoted(term.name)}"


def _modifier_fault(term: SpfTerm) -> str | None:
    if term.name in _UNIQUE_MODIFIERS:
        return _domain_fault(term.value)
    # Unknown modifiers are ignored, but only well-formed ones (RFC 7208 section 6).
    return None if _MACRO_STRING.fullmatch(term.value) else "not a macro-string"


def _address_fault(value: str, has_colon: bool) -> str | None:
    """Faults of what follows `a` or `mx`: [ ":" domain-spec ] [ dual-cidr-length ]."""
    if not has_colon:
        return _length_fault(value)
    length = _DUAL_LENGTH_AT_END.search(value)
    if length is None:
        return _domain_fault(value)
    return _domain_fault(value[: length.start()]) or _length_fault(length[0])


def _length_fault(text: str) -> str | None:
    parts = _DUAL_LENGTH.fullmatch(text)
    if parts is None:
        return f"{quoted(text)} is not a prefix length"
    return _range_fault(parts[1], 32) or _range_fault(parts[2], 128)


def _range_fault(length: str | None, longest: int) -> str | None:
    if length and int(length.strip("/")) > longest:
        return f"prefix length {length.strip('/')} is over {longest}"
    return None


def _ip4_fault(value: str) -> str | None:
    match = _IP4.fullmatch(value)
    return _range_fault(match[1], 32) if match else "not an IPv4 network"


def _ip6_fault(value: str) -> str | None:
    match = _IP6.fullmatch(value)
    if match is None:
        return "not an IPv6 network"
    try:
        IPv6Address(match[1])
    except AddressValueError:
        return "not an IPv6 network"
    return _range_fault(match[2], 128)


def _domain_fault(text: str) -> str | None:
    """Why `text` is not a domain-spec: macro-string domain-end.

    domain-end = ( "." toplabel [ "." ] ) / macro-expand
    """
    if not text:
        return "the domain is missing"
    if not _DOMAIN_MACROS.fullmatch(text):
        return "not a domain-spec"
    if "%" in text and _ENDS_IN_EXPAND.fullmatch(text):
        return None
    head, dot, top = text.removesuffix(".").rpartition(".")
    if not dot:
        # Section 4.8 leaves the result to the receiver; the ABNF of section 12 excludes it.
        return "a single label is no domain-spec, and receivers differ on it"
    if not _TOPLABEL.fullmatch(top):
        return f"{quoted(top)} is not a top-level label"
    return None if "%" in head else _name_fault(f"{head}.{top}")


def _name_fault(name: str) -> str | None:
    """Sections 4.3 and 4.8: a name that can't be in the DNS has no policy."""
    if len(name) > 253:
        return "the domain is longer than 253 characters"
    labels = name.split(".")
    if not all(labels):
        return "the domain has an empty label"
    return "a label is longer than 63 characters" if max(map(len, labels)) > 63 else None
