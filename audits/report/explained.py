"""One result in full for the terminal: what was seen, by which parameters, and the trees behind."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree as RichTree

from audits.evaluate.audit import Audit
from audits.evaluate.result import Result
from audits.evaluate.verdict import Evidence, Outcome
from audits.facts.snapshot import Snapshot
from audits.report.finding import source_of, stage
from audits.report.prose import prose
from audits.report.sanitise import visible
from audits.report.text import STYLES, in_ascii
from audits.report.tree import Tree, trees_behind
from audits.report.words import LAYERS, OUTCOMES


def explained(
    result: Result,
    audit: Audit,
    parameters: Mapping[str, object],
    snapshot: Snapshot,
    *,
    plain: bool = False,
) -> RenderableType:
    """What `Console.print` shows of one result. plain: ASCII alone. The text is never markup.

    parameters: those in force for the subject, by name.
    """
    parts = [*_head(result, audit), *_observed(result)]
    for tree in trees_behind(result, audit, snapshot):
        parts += [Text(), drawn(tree, plain=plain)]
    parts += _parameters(parameters)
    if result.remediation:
        parts.append(_heading("Remedy"))
        parts += [_line("".join(span.text for span in b.spans)) for b in prose(result.remediation)]
    if result.references:
        parts += [_heading("References"), _line(visible(", ".join(result.references)))]
    return Group(*map(in_ascii, parts) if plain else parts)


def drawn(tree: Tree, *, plain: bool = False) -> RichTree:
    """The tree with guides, which are ASCII where the console's encoding has no more."""
    root = RichTree(_node(tree, plain=plain), guide_style="bright_black")
    _grow(root, tree.children, plain=plain)
    return root


def _grow(at: RichTree, children: Sequence[Tree], *, plain: bool) -> None:
    for child in children:
        _grow(at.add(_node(child, plain=plain)), child.children, plain=plain)


def _node(tree: Tree, *, plain: bool) -> RenderableType:
    node = Text(tree.label, style="bold" if tree.children else "", overflow="fold")
    if tree.note:
        node.append(f"  {tree.note}", style="not bold bright_black")
    return in_ascii(node) if plain else node


def _head(result: Result, audit: Audit) -> Iterator[RenderableType]:
    yield Text.assemble((visible(str(result.subject)), "bold"), f": {audit.id}")
    yield Text(audit.documentation.title)
    failed = result.outcome is Outcome.FAIL
    said = f"{OUTCOMES[result.outcome]}, {result.severity}" if failed else OUTCOMES[result.outcome]
    yield Text.assemble((said, f"bold {STYLES[result.outcome]}"), f", {stage(result)}")


def _observed(result: Result) -> Iterator[RenderableType]:
    if result.violations:
        yield _heading("Observed")
        for violation in result.violations:
            milder = f" ({violation.severity})" if violation.severity is not None else ""
            yield _line(f"{visible(violation.message)}{milder}")
            yield from _quotes(violation.evidence)
        wanted = [violation.expected or result.expected for violation in result.violations]
        yield _heading("Expected")
        yield from (_line(visible(each)) for each in dict.fromkeys(wanted))
    elif result.evidence:
        yield _heading("Observed")
        yield from _quotes(result.evidence)
    if result.unknown:
        yield _heading("Not observed")
        for unseen in result.unknown:
            yield _line(f"{visible(str(unseen.subject))}: {LAYERS[unseen.reason]}")
            yield _line(visible(unseen.detail), 4)
    if result.note:
        yield _heading("Note")
        yield from (_line(visible(line)) for line in result.note.splitlines())
    if result.waiver is not None:
        waiver = result.waiver
        yield _heading("Waiver")
        yield _line(visible(f"{waiver.id}, until {waiver.expires}, {waiver.owner}"))
        yield _line(visible(waiver.reason), 4)


def _quotes(evidence: Sequence[Evidence]) -> Iterator[RenderableType]:
    for piece in evidence:
        yield _line(visible(piece.quote), 4)
        yield _line(source_of(piece), 6, style="bright_black")


def _parameters(parameters: Mapping[str, object]) -> Iterator[RenderableType]:
    if parameters:
        yield _heading("Parameters in force")
        yield from (_line(f"{name} = {visible(_value(v))}") for name, v in parameters.items())


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _line(text: str, indent: int = 2, style: str = "") -> Padding:
    return Padding(Text(text, style=style, overflow="fold"), (0, 0, 0, indent), expand=False)
