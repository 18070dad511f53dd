"""SPF trees for tests, from a zone of TXT records."""

from audits.facts.dns import SpfNode, SpfTree
from audits.facts.fact import Reason, Silence
from audits.parse.spf import spf_records, spf_tree
from audits.subject import Domain
from tests.build import answer

SUBJECT = Domain("example.net")
SILENT = Silence(Reason.SERVFAIL, "SERVFAIL from 192.0.2.53")


def spf(*own: str, rcode: str = "NOERROR", **other: tuple[str, ...] | str | Silence) -> SpfTree:
    """The tree of example.net, which publishes `own`.

    other: by first label what is at `<label>.example`: a text, several, an rcode or silence.
    """
    found = {"example.net": _node("example.net", own, rcode)}
    for label, content in other.items():
        name = f"{label}.example"
        match content:
            case Silence():
                found[name] = SpfNode(name, (), None, (), content)
            case str() if content.startswith("v="):
                found[name] = _node(name, (content,))
            case str():
                found[name] = _node(name, (), content)
            case _:
                found[name] = _node(name, content)
    return SpfTree(SUBJECT, spf_tree("example.net", found))


def _node(name: str, texts: tuple[str, ...], rcode: str = "NOERROR") -> SpfNode:
    return SpfNode(name, (), answer(name, rcode), spf_records(texts), None)
