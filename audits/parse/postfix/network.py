"""mynetworks: which clients Postfix trusts for their address (postconf(5), match_list(3))."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from itertools import chain

from audits.facts.fact import Silence
from audits.facts.mta import ConfigLine
from audits.parse.config_tree import ConfigTree
from audits.parse.postfix.scope import Scope, split
from audits.parse.postfix.table import is_table, read_table
from audits.parse.trust_list import Network, Trusted, TrustList

_EVERYWHERE = frozenset({"0.0.0.0/0", "[::]/0", "::/0", "static:all"})


def everybody(networks: Iterable[str]) -> bool:
    """Whether a list of networks names all addresses outright."""
    return any(network in _EVERYWHERE for network in networks)


def trusted_networks(scope: Scope, tree: ConfigTree) -> TrustList:
    """The clients that `permit_mynetworks` lets through; raises ParseError.

    Where mynetworks is not set, mynetworks_style and the addresses of the host decide, and files
    can't tell.
    """
    if scope.raw("mynetworks") is None:
        return TrustList((), f"mynetworks_style = {scope.value('mynetworks_style')}")
    reasons: list[str] = []
    found = tuple(_items(scope, tree, reasons))
    return TrustList(found, "; ".join(dict.fromkeys(reasons)) or None)


def _items(scope: Scope, tree: ConfigTree, reasons: list[str]) -> Iterator[Trusted]:
    for word in scope.words("mynetworks"):
        line = scope.line_with("mynetworks", word)
        excluded, pattern = word.startswith("!"), word.lstrip("!")
        if is_table(pattern) and not _is_address(pattern):
            yield from _from_table(pattern, excluded, line, tree, reasons)
        elif pattern.startswith("/"):
            yield from _from_file(pattern, excluded, line, tree, reasons)
        else:
            network = _network(pattern)
            if network is None or beyond_prefix(pattern):
                reasons.append(f"{word!r} in mynetworks is no network")
            else:
                yield Trusted(network, excluded, line)


def _from_table(
    name: str, excluded: bool, line: ConfigLine | None, tree: ConfigTree, reasons: list[str]
) -> Iterator[Trusted]:
    if line is None:
        return
    table = read_table(name, tree, line)
    if table.unread:
        reasons.append(table.unread)
    for entry in table.entries:
        if entry.every:
            yield from (Trusted(ip_network(all_), excluded, entry.line) for all_ in _ALL)
        elif entry.pattern:
            reasons.append(f"the expression {entry.key!r} of {name} can match any address")
        else:
            network = _network(entry.network or entry.key)
            if network is not None:
                yield Trusted(network, excluded or entry.negated, entry.line)


_ALL = ("0.0.0.0/0", "::/0")


def _from_file(
    path: str, excluded: bool, line: ConfigLine | None, tree: ConfigTree, reasons: list[str]
) -> Iterator[Trusted]:
    """A file of patterns, which is read as if its words stood in the list."""
    found = tree.read(path)
    if isinstance(found, Silence):
        reasons.append(f"{path} was not supplied: {found.detail}")
        return
    lines = (text for text in found.text.split("\n") if not text.lstrip().startswith("#"))
    for word in chain.from_iterable(map(split, lines)):
        network = _network(word.lstrip("!"))
        if network is None:
            reasons.append(f"{word!r} in {found.shown} is no network")
        else:
            yield Trusted(network, excluded != word.startswith("!"), line)


def beyond_prefix(word: str) -> str | None:
    """The network that is meant by one with bits beyond its prefix; None for any other word.

    Postfix reads the list up to such a word, and then answers 451 (match_ops(3)).
    """
    network = _network(word)
    written = word.replace("[", "").replace("]", "")
    if network is None or "/" not in written:
        return None
    try:
        ip_network(written)
    except ValueError:
        return str(ip_network(written, strict=False))
    return None


def _is_address(word: str) -> bool:
    return _network(word) is not None


def _network(word: str) -> Network | None:
    """`10.0.0.0/8`, `10.0.0.1`, `[2001:db8::]/32`; None for anything else.

    IPv4 networks that are mapped into IPv6 count as what they stand for (RFC 4291 section 2.5.5.2).
    """
    try:
        network = ip_network(word.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return None
    mapped = network.version == 6 and network.network_address.ipv4_mapped
    if mapped and network.prefixlen >= 96:
        return ip_network((mapped, network.prefixlen - 96))
    return network
