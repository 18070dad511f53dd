"""Facts that are trees by nature, as trees to draw: SPF, the DMARC walk, what TLSA records fit."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from audits.evaluate.audit import Audit
from audits.evaluate.result import Result
from audits.facts.dane import TlsaRecord, TlsaSet
from audits.facts.declared import HostRoles
from audits.facts.dns import DmarcStep, DmarcWalk, SpfNode, SpfTerm, SpfTree
from audits.facts.fact import Fact, kind_of, subject_type
from audits.facts.snapshot import Snapshot
from audits.facts.spf import SpfEvaluation, SpfHelo, SpfQuery, SpfStep, SpfWorstCase
from audits.facts.tls import Certificate, CertificateChain
from audits.report.sanitise import visible
from audits.report.words import counted
from audits.subject import Subject

# A tree with more lines than this is cut, and says so.
_MAX_LINES = 150
_TEXT = 300
_SMTP = 25


class Tree(Struct, frozen=True):
    """label: what stands there, note: what is to be said of it. Both are safe to show."""

    label: str
    note: str = ""
    children: tuple["Tree", ...] = ()

    @property
    def lines(self) -> int:
        return 1 + sum(child.lines for child in self.children)


def trees_behind(result: Result, audit: Audit | None, snapshot: Snapshot) -> tuple[Tree, ...]:
    """The trees among the facts that a result rests on, each fact once.

    Those are the facts about the subject that the audit takes, and those that it cites.
    """
    keys: dict[tuple[str, Subject], None] = {}
    for fact in sorted(audit.facts(), key=kind_of) if audit is not None else ():
        if subject_type(fact) is type(result.subject):
            keys[kind_of(fact), result.subject] = None
    cited = [*result.evidence, *(e for v in result.violations for e in v.evidence)]
    keys |= dict.fromkeys((evidence.kind, evidence.subject) for evidence in cited)
    facts = (snapshot.by_kind(kind, subject) for kind, subject in keys)
    return tuple(tree for fact in facts if fact is not None for tree in trees_of(fact, snapshot))


def trees_of(fact: Fact, snapshot: Snapshot) -> Iterator[Tree]:
    """The trees that a fact is drawn as; none for most facts."""
    match fact:
        case SpfTree():
            yield _cut(_spf_node(fact, fact.nodes[0], f"SPF of {fact.subject}"))
        case SpfEvaluation() | SpfHelo():
            for check in fact.checks:
                note = f"{check.result}: {check.why}"
                yield _cut(_tree(f"SPF for {check.address}", note, _steps(check.steps)))
        case SpfWorstCase():
            for cost in fact.costs:
                note = f"{counted(cost.lookups, 'look-up')}, {cost.voids} of them void"
                yield _cut(_tree(f"SPF at worst, IPv{cost.family}", note, _steps(cost.steps)))
        case DmarcWalk():
            yield _cut(_dmarc(fact))
        case TlsaSet():
            yield _cut(_tlsa(fact, snapshot))
        case _:
            return


def _spf_node(tree: SpfTree, node: SpfNode, label: str) -> Tree:
    """The record that a term leads to, with its terms below it (RFC 7208 section 4.6)."""
    if node.silence is not None:
        return _tree(label, f"not observed: {node.silence.detail}")
    if not node.records:
        rcode = f", {node.answer.rcode}" if node.answer is not None else ""
        return _tree(label, f"no SPF record at {node.name}{rcode}")
    if len(node.records) > 1:
        found = f"{counted(len(node.records), 'record')}, of which none takes effect"
        return _tree(label, found, [_tree(record.text) for record in node.records])
    record = node.records[0]
    terms = [_spf_term(tree, node, term) for term in record.terms]
    if record.malformed is not None:
        terms.append(_tree("malformed", record.malformed))
    return _tree(label, record.text, terms)


def _spf_term(tree: SpfTree, node: SpfNode, term: SpfTerm) -> Tree:
    if term.name not in ("include", "redirect"):
        return _tree(term.text)
    path = (*node.path, term.text)
    below = next((each for each in tree.nodes if each.path == path), None)
    if below is not None:
        return _spf_node(tree, below, term.text)
    why = "depends on the message" if "%" in term.value else "not followed any further"
    return _tree(term.text, why)


def _steps(steps: Sequence[SpfStep]) -> list[Tree]:
    """The steps of an evaluation in order, those of an included record below the include."""
    trees: list[Tree] = []
    place = 0
    while place < len(steps):
        depth = len(steps[place].path)
        after = range(place + 1, len(steps))
        end = next((i for i in after if len(steps[i].path) <= depth), len(steps))
        trees.append(_step(steps[place], _steps(steps[place + 1 : end])))
        place = end
    return trees


def _step(step: SpfStep, below: list[Tree]) -> Tree:
    if not step.term:
        texts = [text for query in step.queries for text in query.values]
        return _tree(f"{step.domain}: {' | '.join(texts) or 'nothing'}", step.result, below)
    label = f"{step.term} and {step.more} more" if step.more else step.term
    said = [step.result, *map(_query, step.queries)]
    if step.queries:
        said.append(f"{counted(step.lookups, 'look-up')} so far")
    return _tree(label, "; ".join(said), below)


def _query(query: SpfQuery) -> str:
    found = ", ".join(query.values) or query.rcode
    more = f" and {query.count - len(query.values)} more" if query.count > len(query.values) else ""
    return f"{query.rdtype} {query.name}: {found}{more}{' (void)' if query.void else ''}"


def _dmarc(walk: DmarcWalk) -> Tree:
    """Every query of the walk, and what it found (RFC 9989 section 4.10)."""
    governs = walk.found_at
    steps = [_dmarc_step(step, governs == place) for place, step in enumerate(walk.steps)]
    note = f"organizational domain {walk.organizational}"
    if governs is None:
        note += ", no record governs"
    return _tree(f"DMARC of {walk.subject}", note, steps)


def _dmarc_step(step: DmarcStep, governs: bool) -> Tree:
    records = [
        _tree(record.text, "" if record.malformed is None else f"malformed: {record.malformed}")
        for record in step.records
    ]
    known = {record.text for record in step.records}
    other = [_tree(text, "no DMARC record, ignored") for text in step.texts if text not in known]
    if governs:
        note = "governs"
    elif len(step.records) > 1:
        note = f"{counted(len(step.records), 'record')}, all of them discarded"
    elif step.records:
        note = "does not govern"
    else:
        note = f"no record, {step.answer.rcode}"
    return _tree(step.answer.name, note, [*records, *other])


def _tlsa(tlsa: TlsaSet, snapshot: Snapshot) -> Tree:
    """Every TLSA record, and the served certificates that it is of (RFC 6698 section 2.1)."""
    roles = snapshot.fact(HostRoles, tlsa.subject)
    services = roles.services if roles is not None else ()
    at_25 = (snapshot.fact(CertificateChain, s) for s in services if s.port == _SMTP)
    chains = [chain for chain in at_25 if chain is not None]
    records = []
    for record in tlsa.records:
        fits = [each for chain in chains for each in _fitting(record, chain)]
        note = record.malformed or (
            "" if fits or not chains else "of no certificate that is served"
        )
        records.append(_tree(record.text, note, fits))
    said = "secure" if tlsa.secure else "bogus" if tlsa.bogus is not None else "not secure"
    return _tree(tlsa.name, said if records else f"no record, {tlsa.answer.rcode}", records)


def _fitting(record: TlsaRecord, chain: CertificateChain) -> Iterator[Tree]:
    for place, certificate in enumerate(chain.certificates):
        if record.data in _data(record, certificate):
            yield _tree(str(chain.subject), f"certificate {place}, {certificate.subject}")


def _data(record: TlsaRecord, certificate: Certificate) -> tuple[str, ...]:
    """What the record may hold, were it of this certificate; full data by their digest."""
    sha256, sha512 = certificate.sha256, certificate.sha512
    if record.selector == 1:
        sha256, sha512 = certificate.spki_sha256, certificate.spki_sha512
    if record.matching == 0:
        whole = hashlib.sha256(bytes.fromhex(record.data)).hexdigest()
        return (record.data,) if whole == sha256 else ()
    return (sha256,) if record.matching == 1 else (sha512,)


def _tree(label: str, note: str = "", children: Iterable[Tree] = ()) -> Tree:
    return Tree(visible(label, _TEXT), visible(note, _TEXT), tuple(children))


def _cut(tree: Tree) -> Tree:
    """The tree with its first lines only, depth first, and how many are missing."""
    whole = tree.lines
    if whole <= _MAX_LINES:
        return tree
    kept, _ = _first(tree, _MAX_LINES)
    more = Tree("...", f"{counted(whole - kept.lines, 'more line')}")
    return Tree(kept.label, kept.note, (*kept.children, more))


def _first(tree: Tree, left: int) -> tuple[Tree, int]:
    """A tree of at most `left` lines, and how many are then left."""
    left -= 1
    children: list[Tree] = []
    for child in tree.children:
        if left <= 0:
            break
        kept, left = _first(child, left)
        children.append(kept)
    return Tree(tree.label, tree.note, tuple(children)), left
