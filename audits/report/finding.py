"""Findings: failures grouped so that one mistake on a thousand subjects reads as one finding."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from msgspec import Struct

from audits.evaluate.result import Result
from audits.evaluate.verdict import Evidence, Outcome, Severity, Violation
from audits.facts.delivery import relay_path, service_path
from audits.facts.fact import Step
from audits.report.anchor import Named, slug
from audits.report.figure import Figure, figure
from audits.report.material import Material
from audits.report.prose import Prose, first_sentence, prose
from audits.report.sanitise import visible
from audits.report.tree import Tree, trees_behind
from audits.report.words import clock, counted, day, listed, number
from audits.subject import Address, Domain, MailHost, Path, Service, Subject, endpoint, sort_key

# An audit that fails in more different words than this has its failures in one finding, as rows.
_MAX_VARIANTS = 6
# How many subjects of one finding are shown with path and evidence, and how many as rows.
_FULL: Final = 2
_PAGE_ROWS: Final = 12
_ROWS: Final = 40

_BESIDE_THE_LOOP = (Step.DNS, Step.MX, Step.ADDRESS)

# A run of characters that a host name, a domain name or an address can be made of.
_WORD = re.compile(r"[\w.:-]+")
_BARE: Final = frozenset({"yes", "no", "none"})
_RFC = re.compile(r"RFC (\d+)(?: section ([\d.]+))?")


class Link(Struct, frozen=True):
    """A reference as text, and where it is published; href empty where that is not known."""

    text: str
    href: str


class Quote(Struct, frozen=True):
    """What stood in a fact. source: `kind of subject, pointer` within facts.jsonl.

    Quotes from one fact in a row have their source once, with all pointers, on the last of them.
    """

    text: str
    source: str


class Seen(Struct, frozen=True):
    """One violation. severity: only where milder than the finding's.

    where: `address:port`, or what was asked; at: the time; both may be empty. place: the line of a
    file, where it was read there; empty else.
    """

    message: str
    severity: Severity | None
    where: str
    at: str
    quotes: tuple[Quote, ...]
    place: str


class Instance(Struct, frozen=True):
    """A finding on one subject. note: such as that a waiver has lapsed.

    expected: what should have been seen, each once. trees: records that lead to one another.
    spoken: the finding's sentence already says all that there is to say of it.
    """

    subject: Named
    expected: tuple[str, ...]
    seen: tuple[Seen, ...]
    figure: Figure | None
    trees: tuple[Tree, ...]
    note: str | None
    spoken: bool


class Finding(Struct, frozen=True):
    """One audit that failed in one way, on one subject or many.

    headline: who, `mx2.example.net:587` or `12 domains`; sentence: what is wrong.
    full: the instances drawn in full; rows: further ones in a line each; names: the rest;
    rows_words, names_words: how many these are.
    step: where in the delivery loop; beside: where else, if it is not about what is said on the
    way; stage: either in words. hint: the remedy in one sentence;
    hint_clause: without its full stop. remedy_at: anchor of an
    earlier finding that has the same remedy in full; empty where it stands here.
    long: it may not fit a printed page.
    """

    anchor: str
    long: bool
    severity: Severity
    audit: str
    headline: str
    headline_anchor: str
    sentence: str
    step: Step
    beside: str
    stage: str
    expected: str
    full: tuple[Instance, ...]
    rows: tuple[Instance, ...]
    rows_words: str
    names: tuple[Named, ...]
    names_words: str
    subjects: int
    remedy: Prose
    remedy_at: str
    hint: str
    hint_clause: str
    references: tuple[Link, ...]
    frameworks: tuple[str, ...]


def findings(material: Material) -> tuple[tuple[Finding, ...], dict[tuple[str, Subject], str]]:
    """All findings, gravest first, and the anchor of the one that each failed result is in."""
    built: list[Finding] = []
    places: dict[tuple[str, Subject], str] = {}
    used: Counter[str] = Counter()
    remedies: dict[tuple[str, str | None], str] = {}
    groups = sorted(_groups(material), key=lambda g: (-g[0].severity.rank, -len(g), g[0].audit))
    for group in groups:
        audit = group[0].audit
        used[audit] += 1
        anchor = f"finding-{slug(audit)}" + (f"-{used[audit]}" if used[audit] > 1 else "")
        first = remedies.setdefault((audit, group[0].remediation), anchor)
        remedy_at = first if first != anchor else ""
        built.append(_finding(anchor, group, material, remedy_at))
        places |= {(r.audit, r.subject): anchor for r in group}
    return tuple(built), places


def _groups(material: Material) -> Iterator[list[Result]]:
    """Failures alike in audit, severity and words; where the words are too many, in audit alone."""
    alike: dict[tuple[str, Severity], dict[tuple[str, ...], list[Result]]] = {}
    for result in material.results:
        if result.outcome is Outcome.FAIL:
            variants = alike.setdefault((result.audit, result.severity), {})
            variants.setdefault(_said(result), []).append(result)
    for variants in alike.values():
        if len(variants) <= _MAX_VARIANTS:
            yield from variants.values()
        else:
            merged = [result for results in variants.values() for result in results]
            yield sorted(merged, key=lambda r: sort_key(r.subject))


def _said(result: Result) -> tuple[str, ...]:
    return tuple(_anonymous(v.message, result.subject) for v in result.violations)


def _anonymous(message: str, subject: Subject) -> str:
    """The message with the subject's own names taken out, so that equal mistakes read equal."""
    names = dict(_names(subject))

    def stand_in(found: re.Match[str]) -> str:
        word = found[0].rstrip(".:")
        for name, instead in names.items():
            if word == name or word.endswith(f".{name}"):
                return f"{word.removesuffix(name)}{instead}{found[0][len(word) :]}"
        return found[0]

    return _WORD.sub(stand_in, message)


def _names(subject: Subject) -> Iterator[tuple[str, str]]:
    match subject:
        case Domain(name):
            yield name, "<domain>"
        case MailHost(name):
            yield name, "<host>"
        case Service(host, address, _) | Path(_, host, address, _):
            yield host, "<host>"
            yield address or "no address", "<address>"
        case _:
            return


def _finding(anchor: str, group: Sequence[Result], material: Material, remedy_at: str) -> Finding:
    first = group[0]
    audit = material.audits.get(first.audit)
    remediation = first.remediation or ""
    single = len(group) == 1
    # Many subjects are rows of a table; two are drawn if they have a path to draw.
    drawn = single or (len(group) == _FULL and first.step not in _BESIDE_THE_LOOP)
    full = group if drawn else []
    rows = group[len(full) : len(full) + _ROWS]
    names = group[len(full) + len(rows) :]
    alone = material.named(first.subject)
    title = audit.documentation.title if audit else first.audit
    spoken = len({_said(r) for r in group}) == 1
    return Finding(
        anchor=anchor,
        long=len(rows) > _PAGE_ROWS or len(full) > 1,
        severity=first.severity,
        audit=first.audit,
        headline=alone.text if single else _population(group),
        headline_anchor=alone.anchor if single else "",
        sentence=_sentence(group, title),
        step=first.step,
        beside=_beside(first),
        stage=stage(first),
        expected=_plain(first.expected),
        full=tuple(
            _instance(r, f"{anchor}-path-{n}", material, spoken=spoken)
            for n, r in enumerate(full, 1)
        ),
        rows=tuple(_instance(r, "", material, spoken=spoken) for r in rows),
        rows_words=f"Observed{_out_of(len(rows), len(group))}",
        names=tuple(material.named(r.subject) for r in names),
        names_words=f"{number(len(names))} more, by name; results.jsonl has what was observed",
        subjects=len(group),
        remedy=prose(remediation),
        remedy_at=remedy_at,
        hint=first_sentence(remediation),
        hint_clause=first_sentence(remediation).rstrip(".!"),
        references=tuple(map(reference, first.references)),
        frameworks=_frameworks(first),
    )


def stage(result: Result) -> str:
    """Where a result belongs: `at step rcpt` of the delivery loop, or beside it."""
    return _beside(result) or f"at step {result.step}"


def _beside(result: Result) -> str:
    """In which files, or in the DNS; empty on the way itself."""
    violated = [piece for violation in result.violations for piece in violation.evidence]
    families = {piece.kind.partition(".")[0] for piece in violated or result.evidence}
    if families == {"mta"}:
        return "in the configuration"
    return "in the DNS" if result.step is Step.DNS else ""


def _frameworks(result: Result) -> tuple[str, ...]:
    """Framework clauses, without those that stand among the references already."""
    named = (
        f"{framework} {clause}".strip()
        for framework, clauses in sorted(result.frameworks.items())
        for clause in clauses
    )
    return tuple(visible(clause) for clause in named if clause not in result.references)


def _out_of(shown: int, total: int) -> str:
    return f", {number(shown)} of {number(total)}" if shown < total else ""


def _population(group: Sequence[Result]) -> str:
    nouns = Counter(_NOUNS.get(type(r.subject), "subject") for r in group)
    return listed([counted(count, noun) for noun, count in sorted(nouns.items())])


_NOUNS: dict[type[Subject], str] = {
    Domain: "domain",
    MailHost: "host",
    Service: "service",
    Path: "path",
    Address: "address",
}


def _sentence(group: Sequence[Result], title: str) -> str:
    first = group[0]
    if len(group) == 1:
        message = first.violations[0].message
    else:
        said = {_anonymous(r.violations[0].message, r.subject) for r in group}
        message = said.pop() if len(said) == 1 else f"not so: {title[:1].lower()}{title[1:]}"
    more = len(first.violations) - 1 if len(group) == 1 else 0
    return visible(message) + (f", and {counted(more, 'more violation')}" if more else "")


def _instance(result: Result, anchor: str, material: Material, *, spoken: bool) -> Instance:
    """anchor: of the figure; empty where neither it nor trees are to be drawn."""
    return Instance(
        material.named(result.subject),
        tuple(dict.fromkeys(_plain(v.expected or result.expected) for v in result.violations)),
        tuple(_seen(v, result, material) for v in result.violations),
        path_of(result, anchor, material) if anchor else None,
        trees_behind(result, material.audits.get(result.audit), material.snapshot)
        if anchor
        else (),
        visible(result.note) if result.note else None,
        spoken and len(result.violations) == 1 and bool(result.violations[0].evidence),
    )


def _seen(violation: Violation, result: Result, material: Material) -> Seen:
    severity = violation.severity
    where, at = "", ""
    if violation.evidence:
        first = violation.evidence[0]
        where, at = _where(first, material), _when(first, material)
    return Seen(
        visible(violation.message),
        severity if severity is not None and severity.rank < result.severity.rank else None,
        where,
        at,
        tuple(_quotes(violation.evidence)),
        next((visible(str(e.place)) for e in violation.evidence if e.place is not None), ""),
    )


def _plain(words: str) -> str:
    """Words of an audit without the backticks that its page sets code in."""
    return visible(words.replace("`", ""))


def _quotes(evidence: Sequence[Evidence]) -> Iterator[Quote]:
    for _, pieces in groupby(evidence, key=lambda e: (e.kind, e.subject)):
        *others, last = pieces
        yield from (Quote(_quoted(e), "") for e in others)
        yield Quote(_quoted(last), source_of(last, [e.pointer for e in others]))


def _quoted(evidence: Evidence) -> str:
    """The quote; a bare `no` says nothing without the name of what it answers."""
    bare = evidence.quote in _BARE and evidence.pointer
    name = evidence.pointer.rpartition("/")[2].replace("_", " ")
    return visible(f"{name}: {evidence.quote}" if bare else evidence.quote)


def source_of(evidence: Evidence, before: Sequence[str] = ()) -> str:
    """How the evidence is found in the run's files; before: other pointers into the same fact."""
    pointers = ", ".join(pointer or "/" for pointer in (*before, evidence.pointer))
    return visible(f"facts.jsonl, {evidence.kind} of {evidence.subject}, {pointers}")


def _where(evidence: Evidence, material: Material) -> str:
    if evidence.place is not None:
        return visible(str(evidence.place))
    found = material.provenance(evidence.kind, evidence.subject)
    if found is not None and found.source not in ("live", "none"):
        return visible(found.source)
    match evidence.subject:
        case Service(_, address, port) | Path(_, _, address, port) if address:
            return endpoint(address, port)
        case _:
            return f"by {visible(found.collector)}" if found is not None else ""


def _when(evidence: Evidence, material: Material) -> str:
    found = material.provenance(evidence.kind, evidence.subject)
    if found is None:
        return ""
    same_day = found.at.date() == material.run.started.date()
    return clock(found.at) if same_day else f"{day(found.at)}, {clock(found.at)}"


def path_of(result: Result, anchor: str, material: Material) -> Figure | None:
    """The delivery path that a result is about, broken at its step; None beside the loop."""
    if result.step in _BESIDE_THE_LOOP:
        return None
    for piece in (e for v in result.violations for e in v.evidence):
        if isinstance(piece.subject, Path | Service) and piece.step is result.step:
            at = piece.subject
            if isinstance(result.subject, Domain) and isinstance(at, Service):
                at = Path(result.subject.name, at.host, at.address, at.port)
            drawn = draw(at, anchor, material, piece)
            return drawn if drawn.stops else None
    return None


def draw(
    at: Path | Service, anchor: str, material: Material, broken: Evidence | None = None
) -> Figure:
    """The way of mail through one service, of one domain's mail where it is a path."""
    if isinstance(at, Path):
        way = relay_path(material.snapshot, at)
    else:
        way = service_path(material.snapshot, at)
    return figure(anchor, str(at), at.port, way, broken)


def reference(text: str) -> Link:
    """A reference with its address where it is an RFC."""
    found = _RFC.fullmatch(text)
    if found is None:
        return Link(visible(text), "")
    section = f"#section-{found[2]}" if found[2] else ""
    return Link(
        text.replace(" section ", " §"), f"https://www.rfc-editor.org/rfc/rfc{found[1]}{section}"
    )
