"""What an SPF tree means as a whole: the `all` in effect, and who is authorised (RFC 7208)."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from msgspec import Struct
from msgspec.structs import replace

from audits.facts.dns import SpfNode, SpfRecord, SpfTerm, SpfTree
from audits.facts.fact import Reason, Silence
from audits.parse.spf import spf_targets

# Prefix lengths of `a` and `mx`: half of IPv4, or half of 2000::/3, which is all of IPv6 in use.
_WIDE = re.compile(r"/[01](?://|\Z)|//[0-4]\Z")


class Place(Struct, frozen=True):
    """One term of a tree, by the index of its node and its own in that node's only record."""

    node: int
    term: int

    @property
    def pointer(self) -> str:
        """Where the term stands in the fact (RFC 6901)."""
        return f"/nodes/{self.node}/records/0/terms/{self.term}"


def own_record(tree: SpfTree) -> SpfRecord | None:
    """The record at the domain itself; None unless there is exactly one (RFC 7208 section 4.5)."""
    records = tree.nodes[0].records
    return records[0] if len(records) == 1 else None


def why_no_record(tree: SpfTree) -> str:
    """Why `own_record` gives none, in one clause."""
    count = len(tree.nodes[0].records)
    return f"{count} SPF records, of which none takes effect" if count else "no SPF record"


def way(node: SpfNode) -> str:
    """How a name of the tree is reached, as the end of a clause; empty for the domain itself."""
    return f" (by {', '.join(node.path)})" if node.path else ""


def distinct_nodes(tree: SpfTree) -> Iterator[tuple[int, SpfNode]]:
    """Every name of the tree once, with the index of the node where it is first met."""
    met: set[str] = set()
    for place, node in enumerate(tree.nodes):
        if node.name not in met:
            met.add(node.name)
            yield place, node


def first_silence(tree: SpfTree) -> tuple[int, Silence] | None:
    """The first node that was silent, by index, and its silence."""
    for place, node in enumerate(tree.nodes):
        if node.silence is not None:
            return place, node.silence
    return None


def pruned(tree: SpfTree, targets: tuple[str, ...]) -> SpfTree:
    """The tree without the records at `targets`, and without what is below them."""
    named = {target.lower().removesuffix(".") for target in targets}
    cut = {node.path for node in tree.nodes[1:] if node.name in named}
    kept = (n for n in tree.nodes if not any(n.path[: len(path)] == path for path in cut))
    return replace(tree, nodes=tuple(kept))


def effective_all(tree: SpfTree) -> Place | Silence | None:
    """The `all` that decides where nothing else matched, redirects followed (section 6.1).

    None where there is none: the result is then neutral (section 4.7). Silence where a redirect
    leads to a name that was silent or that depends on the message.
    """
    at = 0
    while True:
        terms = _evaluated(tree.nodes[at])
        decides = _place(terms, "all", modifier=False)
        if decides is not None:
            return Place(at, decides)
        leads = _place(terms, "redirect", modifier=True)
        if leads is None:
            return None
        if "%" in terms[leads].value:
            return Silence(Reason.NOT_COLLECTED, f"{terms[leads].text} depends on the message")
        below = _child(tree, at, terms[leads])
        if below is None:
            # A loop, or deeper than the ten look-ups that a receiver makes (section 4.6.4).
            return None
        if tree.nodes[below].silence is not None:
            return tree.nodes[below].silence
        at = below


def authorising_terms(tree: SpfTree, at: int = 0) -> Iterator[tuple[Place, SpfTerm]]:
    """Terms whose match is a pass, in order, as far as the first `all` of each record.

    What an included record passes is a match of the include (section 5.2): below one only passing
    terms count, and only where the include itself passes. `at`: the node to begin with.
    """
    terms = _evaluated(tree.nodes[at])
    followed = {term for term, _ in spf_targets(tree.nodes[at].records)}
    for place, term in enumerate(terms):
        if term in followed and term.qualifier in ("+", ""):
            below = _child(tree, at, term)
            if below is not None:
                yield from authorising_terms(tree, below)
        elif term.qualifier == "+":
            yield Place(at, place), term
        if term.name == "all" and term.qualifier:
            return


def spans_half(term: SpfTerm) -> bool:
    """Whether `a` or `mx` spans half of the Internet, whichever address it leads to."""
    return term.name in ("a", "mx") and _WIDE.search(term.value) is not None


def authorised_addresses(tree: SpfTree) -> tuple[int, int]:
    """How many IPv4 and IPv6 addresses ip4 and ip6 terms authorise, overlaps counted once."""
    named = [t for _, t in authorising_terms(tree) if t.name in ("ip4", "ip6")]
    found = [ip_network(term.value, strict=False) for term in named]
    four = collapse_addresses(n for n in found if isinstance(n, IPv4Network))
    six = collapse_addresses(n for n in found if isinstance(n, IPv6Network))
    return sum(n.num_addresses for n in four), sum(n.num_addresses for n in six)


def _evaluated(node: SpfNode) -> tuple[SpfTerm, ...]:
    """The terms at a name; none unless it has exactly one record."""
    return node.records[0].terms if len(node.records) == 1 else ()


def _place(terms: tuple[SpfTerm, ...], name: str, *, modifier: bool) -> int | None:
    named = (i for i, t in enumerate(terms) if t.name == name and modifier is (not t.qualifier))
    return next(named, None)


def _child(tree: SpfTree, at: int, term: SpfTerm) -> int | None:
    """The node that a term leads to, or None where the tree ends."""
    path = (*tree.nodes[at].path, term.text)
    places = range(at + 1, len(tree.nodes))
    return next((place for place in places if tree.nodes[place].path == path), None)
