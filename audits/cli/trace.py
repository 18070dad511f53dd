"""The verb `trace`: walks the way of one message while one looks on."""

import asyncio
import json
import textwrap
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from audits import __version__
from audits.cli.clock import now
from audits.cli.exits import Exit
from audits.cli.options import ConfigFile, stdout
from audits.cli.workspace import configuration, inventory
from audits.collect.collector import Origin
from audits.collect.live.pace import Pace
from audits.collect.live.resolver import Resolver
from audits.collect.live.tls import TrustStore
from audits.collect.live.trace import Errand, RelayTrace, Surroundings
from audits.config import Config
from audits.errors import ParseError, UsageError
from audits.facts.cause import Cause
from audits.facts.delivery import StationState
from audits.facts.trace import Trace, TraceStep
from audits.fleet import Fleet
from audits.parse.declared_name import declared_name
from audits.report.sanitise import visible
from audits.report.text import in_ascii
from audits.report.trace import StepLine, result, step_line, trace_object, verdict

_GLYPHS = {
    StationState.PASSED: ("✓", "+", "green"),
    StationState.BROKEN: ("✕", "x", "bold red"),
    StationState.SILENT: ("?", "?", "yellow"),
    StationState.NOT_REACHED: ("·", ".", "bright_black"),
    StationState.NOT_SENT: ("·", ".", "bright_black"),
}
_EXITS = {
    "through": Exit.COMPLETE,
    "breaks": Exit.FINDINGS,
    "undecided": Exit.INCOMPLETE,
}
_RESULTS = {"through": "green", "breaks": "bold red", "undecided": "yellow"}
_INDENT = 6


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Fleet")(trace)


def trace(
    recipient: Annotated[
        str, typer.Argument(metavar="USER@DOMAIN", help="To whom the message would go.")
    ],
    sender: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MAILBOX",
            help="The envelope sender; default: the configuration's probe sender. `<>` is the "
            "null sender of bounces.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[
        bool,
        typer.Option(
            "--every",
            help="Walk every MX host and address, where a sender is done before. So it is without "
            "this option for domains of the inventory.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one object (mailproof/trace/v1) at the end.")
    ] = False,
    config: ConfigFile = None,
) -> Exit:
    """Walks the way of one message, and says where it stops, why, and how to mend it.

    MX look-up, address, port 25, greeting, EHLO, STARTTLS, MAIL, RCPT, QUIT: each step on a line
    as it happens, with who answered, in how long, and in which words. After a host that can't be
    reached or puts off, the next one is tried, as a sender does. No message is sent.

    Works for any address, with or without a fleet repository. Ends with 0 where mail goes through,
    with 10 where it breaks, with 11 where that can't be told now, such as after greylisting.

    Examples:

      mailproof trace postmaster@example.net           from look-up to RCPT

      mailproof trace ana@example.net --from "<>"      as a bounce would go
    """
    read = configuration(config)
    fleet = _fleet(read)
    to = _mailbox(recipient, "USER@DOMAIN")
    ours = fleet is not None and any(to.endswith(f"@{d.fact.subject}") for d in fleet.domains)
    errand = Errand(_sender(sender, read), to, every or ours)
    shown = _Shown(stdout(), errand, quiet=as_json)
    started = now()
    made = _walk(read, fleet, errand, shown)
    if as_json:
        found = trace_object(
            made,
            started=started.isoformat(),
            vantage=read.settings.vantage.name,
            version=__version__,
        )
        typer.echo(json.dumps(found, indent=2))
    else:
        shown.end(made)
    return _EXITS[result(made)]


def _walk(read: Config, fleet: Fleet | None, errand: Errand, shown: "_Shown") -> Trace:
    steps: list[TraceStep] = []

    def tell(step: TraceStep) -> None:
        steps.append(step)
        shown.step(step)

    async def walk() -> RelayTrace:
        settings = read.settings
        async with Resolver(settings.resolver) as resolver:
            around = Surroundings(
                resolver,
                settings,
                Pace(settings.limits),
                TrustStore(settings.trust.ca_file, read.root),
                Origin(settings.vantage.name, now),
                {h.fact.subject.name: h.fact for h in fleet.hosts} if fleet else {},
            )
            walker = RelayTrace(around, errand, tell)
            await walker.walk()
            return walker

    with asyncio.Runner() as loop:
        walker = loop.run(walk())
    return Trace(errand.sender, errand.recipient, None, False, tuple(steps), tuple(walker.untried))


def _fleet(read: Config) -> Fleet | None:
    """The inventory, where there is one: any address can be traced without."""
    if read.plugin is None and not read.inventory.is_dir():
        return None
    return inventory(read)


def _sender(given: str | None, read: Config) -> str:
    if given is None:
        return read.settings.probe.sender
    return "" if given in ("", "<>") else _mailbox(given, "--from")


def _mailbox(text: str, what: str) -> str:
    """A mailbox as it stands in an envelope, its domain in A-labels and lower case.

    Raises UsageError for what could not be sent on one line, or has no domain.
    """
    local, _, domain = text.strip().removeprefix("<").removesuffix(">").rpartition("@")
    fits = local and local.isprintable() and not set(local) & set("<> ")
    if not fits or not local.isascii():
        raise UsageError(f"{what}: found {text!r}, expected a mailbox such as ana@example.net")
    try:
        return f"{local}@{declared_name(domain)}"
    except ParseError as error:
        raise UsageError(f"{what}: {error}") from error


class _Shown:
    """Prints steps as they come. quiet: prints nothing."""

    def __init__(self, console: Console, errand: Errand, *, quiet: bool) -> None:
        self._console = console
        self._errand = errand
        self._quiet = quiet
        self._plain = not console.encoding.lower().startswith("utf")
        self._explained: set[tuple[Cause, str]] = set()
        self._visit = 0
        self._print(
            Text.assemble(
                ("From ", "bright_black"),
                f"<{errand.sender}>",
                (" to ", "bright_black"),
                f"<{errand.recipient}>",
            )
        )

    def step(self, step: TraceStep) -> None:
        if step.visit != self._visit:
            self._visit = step.visit
            self._print(Text())
        line = step_line(step, self._errand.sender, self._errand.recipient)
        self._print(self._line(line))
        for note in line.notes:
            self._below(note, "bright_black")
        why = line.explained
        if why is not None and (why.cause, why.means) not in self._explained:
            self._explained.add((why.cause, why.means))
            self._below(why.means)
            self._below(f"To mend it: {why.mend}")

    def end(self, made: Trace) -> None:
        """What it all comes to."""
        for left in made.untried:
            self._print(
                Text(f"\n· {visible(left.host)} was not tried: {left.why}", style="bright_black")
            )
        self._print(Text(f"\n{verdict(made)}", style=_RESULTS[result(made)]))

    def _line(self, line: StepLine) -> Text:
        glyph, plain, style = _GLYPHS[line.state]
        return Text.assemble(
            (plain if self._plain else glyph, style),
            f" {line.label:<9}",
            (f"{line.took:>7}  ", "bright_black"),
            f"{line.who}  ",
            (line.said, style if line.state is not StationState.PASSED else ""),
        )

    def _below(self, text: str, style: str = "") -> None:
        width = max(self._console.width, 2 * _INDENT) - _INDENT
        for line in textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False):
            self._print(Text(" " * _INDENT + line, style=style))

    def _print(self, part: Text) -> None:
        if not self._quiet:
            self._console.print(in_ascii(part) if self._plain else part)
            self._console.file.flush()
