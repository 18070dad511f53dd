"""The summary of a run for the terminal: verdict, counts, the gravest findings, what was silent."""

from collections.abc import Iterator
from io import StringIO
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from audits.evaluate.verdict import Outcome, Severity
from audits.report.figure import Figure, text_path
from audits.report.finding import Finding, Instance
from audits.report.review import ChangeSheet, Reviewed
from audits.report.silence import Layer
from audits.report.view import Conclusion, ReportView
from audits.report.words import counted, number

_GLYPHS: Final = {
    Outcome.PASS: "✓",
    Outcome.FAIL: "✕",
    Outcome.ERROR: "!",
    Outcome.UNKNOWN: "?",
    Outcome.WAIVED: "⚑",
    Outcome.NOT_APPLICABLE: "·",
}
_PLAIN_GLYPHS: Final = _GLYPHS | {
    Outcome.PASS: "+",
    Outcome.FAIL: "x",
    Outcome.WAIVED: "w",
    Outcome.NOT_APPLICABLE: "-",
}
STYLES: Final = {
    Outcome.PASS: "green",
    Outcome.FAIL: "red",
    Outcome.ERROR: "magenta",
    Outcome.UNKNOWN: "yellow",
    Outcome.WAIVED: "blue",
    Outcome.NOT_APPLICABLE: "bright_black",
}
_CONCLUSIONS: Final = {
    Conclusion.COMPLIANT: Outcome.PASS,
    Conclusion.NOT_COMPLIANT: Outcome.FAIL,
    Conclusion.INCOMPLETE: Outcome.UNKNOWN,
}
_SUBJECTS: Final = 3


def terminal(
    view: ReportView, report: str | None = None, limit: int = 10, *, plain: bool = False
) -> RenderableType:
    """What `Console.print` shows; it follows the console's width and colours.

    `report` says where the HTML is. `limit` bounds findings, silences and waivers, each.
    plain: ASCII alone, where the console's encoding has no more. The text is never markup.
    """
    parts = _parts(view, report, limit, plain=plain)
    return Group(*map(in_ascii, parts) if plain else parts)


def plain_text(
    view: ReportView, report: str | None = None, limit: int = 10, width: int = 80
) -> str:
    """The same without colours, for a log or a mail."""
    out = StringIO()
    console = Console(file=out, width=width, color_system=None, force_terminal=False)
    console.print(terminal(view, report, limit))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _parts(
    view: ReportView, report: str | None, limit: int, *, plain: bool
) -> Iterator[RenderableType]:
    yield from _head(view, plain=plain)
    if view.reviewed is not None:
        yield from _not_covered(view.reviewed, limit)
    if view.change is not None:
        yield from _change(view.change, limit, report)
    if view.findings:
        yield Text("\nFindings", style="bold")
        for finding in view.findings[:limit]:
            yield from _finding(finding, plain=plain)
        yield from _left(len(view.findings) - limit, "finding", report)
    if view.layers:
        yield Text("\nUnknown: neither a pass nor a fail", style="bold")
        for layer in view.layers[:limit]:
            yield from _layer(layer, plain=plain)
        yield from _left(len(view.layers) - limit, "layer", report)
    if view.errors:
        yield Text("\nErrors", style="bold")
        for error in view.errors[:limit]:
            yield _line(f"! {error.audit} on {error.subject.text}: {error.message}", 2)
    alerts = [waiver for waiver in view.waivers if waiver.alert]
    if alerts:
        yield Text("\nWaivers that need attention", style="bold")
        for waiver in alerts[:limit]:
            yield _line(f"{waiver.id} ({waiver.audit}): {waiver.state}", 2)
    if report is not None:
        yield Text.assemble("\nReport: ", (report, "bold"), overflow="fold")


def _head(view: ReportView, *, plain: bool) -> Iterator[Text]:
    outcome = _CONCLUSIONS[view.conclusion]
    glyph = _glyphs(plain=plain)[outcome]
    yield Text(f"{glyph} {view.conclusion.words}", style=f"bold {STYLES[outcome]}")
    yield Text(view.sentence)
    counts = Text(f"{counted(view.total, 'result')}: ")
    shown = [count for count in view.outcomes if count.count]
    for place, count in enumerate(shown):
        counts.append(", " if place else "")
        mark = _glyphs(plain=plain)[count.outcome]
        counts.append(f"{mark} {count.shown} {count.word}", style=STYLES[count.outcome])
    yield counts
    yield Text(f"Hosts: {view.hosts.sentence}. Domains: {view.domains.sentence}.")


def _not_covered(reviewed: Reviewed, limit: int) -> Iterator[RenderableType]:
    """What the files can't show stands before what they show."""
    behind = ", in front of what is live" if reviewed.live else ""
    yield Text(f"\nUnder review: {reviewed.files}{behind}")
    if reviewed.gaps:
        yield Text("\nNot covered by these files", style="bold")
    for gap in reviewed.gaps[:limit]:
        yield _line(f"{gap.count}: {gap.why} ({gap.named})", 2)
    yield from _left(len(reviewed.gaps) - limit, "reason", None)
    for problem in reviewed.problems[:limit]:
        yield _line(f"! {problem}", 2, style="red")
    for note in reviewed.notes[:limit]:
        yield _line(note, 2, style="bright_black")


def _change(change: ChangeSheet, limit: int, report: str | None) -> Iterator[RenderableType]:
    yield Text(f"\nSince {change.base}", style="bold")
    yield _line(change.sentence, 2)
    for word, changed in (("introduced", change.introduced), ("mended", change.mended)):
        for each in changed[:limit]:
            at = f" ({each.place})" if each.place else ""
            said = f"{word}: {each.severity} {each.about}: {each.message}{at}"
            yield _line(said, 4, style="red" if word == "introduced" else "green")
        yield from _left(len(changed) - limit, f"{word} failure", report)


def _finding(finding: Finding, *, plain: bool) -> Iterator[RenderableType]:
    glyph = _glyphs(plain=plain)[Outcome.FAIL]
    head = Text.assemble(
        (f"{glyph} {finding.severity}", f"bold {_severity_style(finding.severity)}"),
        " ",
        (finding.headline, "bold"),
        f": {finding.sentence}",
        f" ({place})" if (place := _place(finding)) else "",
    )
    yield Padding(head, (0, 0, 0, 2), expand=False)
    instances = (*finding.full, *finding.rows)
    if finding.subjects > 1:
        yield _line(_subjects(instances, finding.subjects), 4)
    drawn = next((i.figure for i in finding.full if i.figure is not None), None)
    if drawn is not None:
        yield Padding(_PathLine(drawn, plain=plain), (0, 0, 0, 4), expand=False)
    hint = f"{finding.hint} " if finding.hint else ""
    yield _line(f"{hint}({finding.audit}, {finding.stage})", 4, style="bright_black")


def _place(finding: Finding) -> str:
    """The first line of a file that a finding names; empty where it was seen elsewhere."""
    places = (seen.place for instance in finding.full for seen in instance.seen)
    return next((place for place in places if place), "")


def _subjects(instances: tuple[Instance, ...], total: int) -> str:
    names = [instance.subject.text for instance in instances[:_SUBJECTS]]
    more = total - len(names)
    return ", ".join(names) + (f" and {number(more)} more" if more else "")


class _PathLine:
    """A delivery path in as many lines as the width asks for, broken between stations only."""

    def __init__(self, drawn: Figure, *, plain: bool) -> None:
        self._words = text_path(drawn, plain=plain)
        self._broken = [stop.mark == "broken" for stop in drawn.stops]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        line = Text()
        for word, broken in zip(self._words, self._broken, strict=True):
            if line and line.cell_len + cell_len(word) >= options.max_width:
                yield line
                line = Text()
            line.append(" " if line else "").append(word, "bold red" if broken else "")
        yield line


def _layer(layer: Layer, *, plain: bool) -> Iterator[RenderableType]:
    glyph = _glyphs(plain=plain)[Outcome.UNKNOWN]
    hides = f"{counted(layer.subjects, 'subject')}, {counted(layer.results, 'result')}"
    head = Text.assemble((f"{glyph} {layer.title}", "yellow"), f" ({layer.reason}; {hides})")
    yield Padding(head, (0, 0, 0, 2), expand=False)
    for silence in layer.full[:_SUBJECTS]:
        yield _line(f"{silence.subject.text}: {silence.said[0]}", 4)
        yield _line(silence.again, 6, style="bright_black")
    more = layer.subjects - len(layer.full[:_SUBJECTS])
    if more > 0:
        yield _line(f"and {number(more)} more", 4)


def _left(count: int, noun: str, report: str | None) -> Iterator[RenderableType]:
    if count > 0:
        where = ": see the report" if report is not None else ""
        yield _line(f"{counted(count, f'more {noun}')}{where}", 2, style="bright_black")


def _line(text: str, indent: int, style: str = "") -> Padding:
    return Padding(Text(text, style=style, overflow="fold"), (0, 0, 0, indent), expand=False)


def in_ascii(part: RenderableType) -> RenderableType:
    """The part with every other character written out; what is only partly coloured loses it."""
    if isinstance(part, Padding):
        indent = (part.top, part.right, part.bottom, part.left)
        return Padding(in_ascii(part.renderable), indent, expand=False)
    if isinstance(part, Text):
        ascii_only = part.plain.replace("…", "...").encode("ascii", "backslashreplace").decode()
        return Text(ascii_only, style=part.style, overflow=part.overflow)
    return part


def _glyphs(*, plain: bool) -> dict[Outcome, str]:
    return _PLAIN_GLYPHS if plain else _GLYPHS


def _severity_style(severity: Severity) -> str:
    return "red" if severity.rank >= Severity.HIGH.rank else "yellow"
