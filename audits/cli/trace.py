"""The verb `trace`: walks the way of one message while one looks on."""

import asyncio
import dataclasses
import json
import re
import secrets
import textwrap
from collections.abc import Sequence
from typing import Annotated

import typer
from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from audits import __version__
from audits.cli.canary import reader_of
from audits.cli.clock import now
from audits.cli.exits import Exit
from audits.cli.form import on_github
from audits.cli.options import ConfigFile, stdout
from audits.cli.workspace import configuration, inventory
from audits.collect.collector import Origin
from audits.collect.live.login import Account
from audits.collect.live.mailbox import Mailbox
from audits.collect.live.pace import Pace
from audits.collect.live.resolver import Resolver
from audits.collect.live.service import RELAY_PORT
from audits.collect.live.tcp import Unheard, is_address
from audits.collect.live.trace import RelayTrace, ViaTrace
from audits.collect.live.trace_errand import Errand, Surroundings, Tell
from audits.collect.live.trust import TrustStore
from audits.config import Config
from audits.errors import ParseError, UsageError
from audits.facts.cause import Cause
from audits.facts.delivery import StationState
from audits.facts.trace import Arrival, Outlook, Trace, TraceStep, Untried
from audits.fleet import Fleet
from audits.parse.canary import canary_address
from audits.parse.declared_name import declared_address, declared_name
from audits.parse.trace_message import fields_of, judged_on_the_way, trace_message
from audits.report.github import harmless
from audits.report.sanitise import visible
from audits.report.text import in_ascii
from audits.report.trace import (
    StepLine,
    arrival_lines,
    remarks,
    result,
    step_line,
    trace_object,
    verdict,
)
from audits.secret import secret
from audits.subject import endpoint

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
# A reference begins as `audits.secret` reads it, so that a user name may hold `=` and `:`.
_USER_AND_REFERENCE = re.compile(r"(.+?)=((?:env|file|cmd):.+)")


def register(app: typer.Typer) -> None:
    app.command()(trace)


def trace(
    recipient: Annotated[
        str, typer.Argument(metavar="USER@DOMAIN", help="To whom the message would go.")
    ],
    sender: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MAILBOX",
            help="The envelope sender; default: the mailbox of --login, the configuration's probe "
            "sender, or else `<>`, the null sender of bounces.",
            show_default=False,
        ),
    ] = None,
    via: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Through this service: as a mail program submits on 465, 587 or another port, as "
            "mail between servers on 25, whatever the MX records say.",
            show_default=False,
        ),
    ] = None,
    login: Annotated[
        str | None,
        typer.Option(
            metavar="HOST|USER=REF",
            help="With --via: log in, with the login that the inventory declares for a host, or "
            "as a user whose password is behind env:NAME, file:PATH or cmd:COMMAND.",
            show_default=False,
        ),
    ] = None,
    send: Annotated[
        bool,
        typer.Option(
            "--send",
            help="Really send one message, to a mailbox of yours: in a domain of the inventory, or "
            "probe.canary. Where that one can be read, wait until it arrives.",
        ),
    ] = False,
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
    reached or puts off, the next one is tried, as a sender does. No message is sent without --send.

    Works for any address, with or without a fleet repository. Ends with 0 where mail goes through,
    with 10 where it breaks, with 11 where that can't be told now, such as after greylisting.

    Examples:

      mailproof trace postmaster@example.net           from look-up to RCPT

      mailproof trace ana@example.net --from "<>"      as a bounce would go

      mailproof trace ana@example.org --via mx1.example.net:587 --login bo=env:PW
    """
    read = configuration(config)
    fleet = _fleet(read)
    to = _mailbox(recipient, "USER@DOMAIN")
    through = _endpoint(via) if via is not None else None
    account = _account(login, through, fleet)
    author = _sender(sender, account, read)
    token = secrets.token_hex(10)
    if send:
        _check_owned(to, read, fleet)
        to = _subaddressed(to, token, read)
    errand = Errand(
        author,
        to,
        every=every or _ours(to, fleet),
        message=trace_message(token, author, to, now()) if send else None,
        account=account,
    )
    reader = _reader(to, read) if send else None
    shown = _Shown(stdout(), errand, quiet=as_json)
    started = now()
    steps: list[TraceStep] = []
    untried: tuple[Untried, ...] = ()

    def tell(step: TraceStep) -> None:
        steps.append(step)
        shown.step(step)

    def put(made: Trace) -> None:
        vantage = read.settings.vantage.name
        if as_json:
            found = trace_object(
                made, started=started.isoformat(), vantage=vantage, version=__version__
            )
            typer.echo(json.dumps(found, indent=2))
        elif not made.interrupted:
            shown.end(made)

    try:
        untried = _walk(read, fleet, errand, through, tell)
        made = _made(errand, through, steps, untried=untried)
        if reader is not None and made.outlook is Outlook.DELIVERS:
            shown.wait()
            made = replace(made, arrival=asyncio.run(_awaited(reader, token, read)))
    except KeyboardInterrupt:
        put(_made(errand, through, steps, untried=untried, interrupted=True))
        raise
    put(made)
    return _EXITS[result(made)]


def _walk(
    read: Config,
    fleet: Fleet | None,
    errand: Errand,
    through: tuple[str, int] | None,
    tell: Tell,
) -> tuple[Untried, ...]:
    """Tells each step as it comes; returns what was left untried."""

    async def walk() -> tuple[Untried, ...]:
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
            walker: RelayTrace | ViaTrace = RelayTrace(around, errand, tell)
            if through is not None:
                walker = ViaTrace(around, errand, tell, *through)
            await walker.walk()
            return tuple(walker.untried)

    with asyncio.Runner() as loop:
        return loop.run(walk())


def _made(
    errand: Errand,
    through: tuple[str, int] | None,
    steps: Sequence[TraceStep],
    *,
    untried: tuple[Untried, ...] = (),
    interrupted: bool = False,
) -> Trace:
    return Trace(
        sender=errand.sender,
        recipient=errand.recipient,
        via=None if through is None else endpoint(*through),
        submission=through is not None and through[1] != RELAY_PORT,
        steps=tuple(steps),
        untried=untried,
        interrupted=interrupted,
    )


async def _awaited(mailbox: Mailbox, token: str, read: Config) -> Arrival:
    """The message once it is there, or the window closed; looked for once more at the very end."""
    canary = read.settings.probe.canary
    assert canary is not None
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while True:
        waited_s = round(loop.time() - begun, 3)
        last = waited_s >= canary.window_s
        unread: str | None = None
        try:
            for content in await mailbox.holding(token):
                received = fields_of(content, "Received")
                results = fields_of(content, "Authentication-Results")
                judged, foreign = judged_on_the_way(received, results)
                return Arrival(True, None, received, judged, waited_s, foreign)
        except Unheard as unheard:
            unread = unheard.silence.detail
        if last:
            return Arrival(False, unread, (), (), waited_s)
        await asyncio.sleep(min(mailbox.pause_s, max(0.0, canary.window_s - waited_s)))


def _fleet(read: Config) -> Fleet | None:
    """The inventory, where there is one: any address can be traced without."""
    if read.plugin is None and not read.inventory.is_dir():
        return None
    return inventory(read)


def _ours(mailbox: str, fleet: Fleet | None) -> bool:
    """Whether its domain is one of the inventory's."""
    domain = mailbox.rpartition("@")[2]
    return fleet is not None and any(d.fact.subject.name == domain for d in fleet.domains)


def _is_canary(mailbox: str, read: Config) -> bool:
    """Whether it is the canary's mailbox, or a subaddress of it (RFC 5233 section 1)."""
    canary = read.settings.probe.canary
    local, _, domain = mailbox.rpartition("@")
    return canary is not None and f"{local.partition('+')[0]}@{domain}" == canary.mailbox


def _subaddressed(mailbox: str, token: str, read: Config) -> str:
    """The canary's mailbox with the token, by which its store knows what is for it."""
    canary = read.settings.probe.canary
    return (
        canary_address(mailbox, token)
        if canary is not None and mailbox == canary.mailbox
        else mailbox
    )


def _check_owned(mailbox: str, read: Config, fleet: Fleet | None) -> None:
    """Raises UsageError where nobody says that the mailbox is the operator's own."""
    canary = read.settings.probe.canary
    declared = canary is not None and canary.owned and _is_canary(mailbox, read)
    if not declared and not _ours(mailbox, fleet):
        raise UsageError(
            f"--send: found {mailbox!r}, expected a mailbox of yours: in a domain of domains.yaml, "
            "or that of probe.canary in mailproof.yaml, with `owned: true`"
        )


def _reader(mailbox: str, read: Config) -> Mailbox | None:
    """How to look into the mailbox that a message goes to; None where nothing says how.

    Raises UsageError where it is said and can't be done: nothing has been sent then.
    """
    canary = read.settings.probe.canary
    if canary is None or not _is_canary(mailbox, read) or not (canary.maildir or canary.imap):
        return None
    reader = reader_of(canary, read)
    try:
        asyncio.run(reader.check())
    except Unheard as unheard:
        said = unheard.silence.detail
        raise UsageError(f"--send: probe.canary can't be read: {said}") from unheard
    return reader


def _account(login: str | None, through: object | None, fleet: Fleet | None) -> Account | None:
    """Who logs in. Raises UsageError, and never quotes a password."""
    if login is None:
        return None
    if through is None:
        raise UsageError("--login: logins are made at submission services; say which with --via")
    named = _USER_AND_REFERENCE.fullmatch(login)
    if named is not None:
        own = Account(named[1], named[2], lambda: "")
    else:
        host = login.strip().lower()
        declared = fleet.logins.get(host) if fleet is not None else None
        if declared is None:
            raise UsageError(
                "--login: expected a host of the inventory with a declared login, or USER=REF with "
                "REF one of env:NAME, file:PATH and cmd:COMMAND; never a password"
            )
        own = Account(
            declared.username,
            declared.password,
            lambda: "",
            mailbox=declared.mailbox,
            certificate=declared.certificate,
        )
    password = secret(own.reference)
    return dataclasses.replace(own, password=lambda: password)


def _endpoint(via: str) -> tuple[str, int]:
    """`mx1.example.net:587` or `[2001:db8::1]:587`. Raises UsageError."""
    host, _, port = via.strip().rpartition(":")
    try:
        address = host.removeprefix("[").removesuffix("]")
        named = declared_address(address) if is_address(address) else declared_name(host)
        number = int(port) if port.isascii() and port.isdigit() else 0
        if not 0 < number < 65536:
            raise ParseError(f"found port {port!r}, expected 1 to 65535")
    except ParseError as error:
        raise UsageError(f"--via: {error}; expected HOST:PORT") from error
    return named, number


def _sender(given: str | None, account: Account | None, read: Config) -> str:
    """The envelope sender; who logs in sends from the login's own mailbox, where it is known."""
    if given is None:
        own = (account.mailbox or account.username) if account is not None else ""
        probe = read.settings.probe.sender
        # A domain that does not exist is refused by many, which says nothing of the recipient.
        return own if "@" in own else "" if probe.endswith(".invalid") else probe
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
        self._tell(line)
        for note in line.notes:
            self._below(note, "bright_black")
        why = line.explained
        if why is not None and (why.cause, why.means) not in self._explained:
            self._explained.add((why.cause, why.means))
            self._below(why.means)
            self._below(f"To mend it: {why.mend}")

    def wait(self) -> None:
        """The message was handed over, and is now looked for."""
        self._print(Text("\nWaiting until the message arrives", style="bright_black"))

    def end(self, made: Trace) -> None:
        """What it all comes to."""
        for left in made.untried:
            self._print(
                Text(f"\n· {visible(left.host)} was not tried: {left.why}", style="bright_black")
            )
        self._print(Text())
        self._sentence(verdict(made), _RESULTS[result(made)])
        for remark in remarks(made):
            self._below(remark)
        for line in arrival_lines(made.arrival) if made.arrival is not None else ():
            self._print(Text(line))

    def _tell(self, line: StepLine) -> None:
        """A line for each step; on a terminal that is too narrow for it the words stand below."""
        glyph, plain, style = _GLYPHS[line.state]
        who = Text.assemble(
            (plain if self._plain else glyph, style),
            f" {line.label:<9}",
            (f"{line.took:>7}  ", "bright_black"),
            line.who,
        )
        spoken = style if line.state is not StationState.PASSED else ""
        whole = Text.assemble(who, "  ", (line.said, spoken))
        if self._console.is_terminal and whole.cell_len > self._console.width:
            self._print(who)
            self._below(line.said, spoken)
        else:
            self._print(whole)

    def _sentence(self, text: str, style: str) -> None:
        for line in self._wrapped(text, 0) if self._console.is_terminal else [text]:
            self._print(Text(line, style=style))

    def _below(self, text: str, style: str = "") -> None:
        for line in self._wrapped(text, _INDENT):
            self._print(Text(" " * _INDENT + line, style=style))

    def _wrapped(self, text: str, indent: int) -> list[str]:
        width = max(self._console.width, 2 * _INDENT) - indent
        return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)

    def _print(self, part: Text) -> None:
        if self._quiet:
            return
        with self._console.capture() as captured:
            self._console.print(in_ascii(part) if self._plain else part)
        text = captured.get()
        self._console.file.write(harmless(text) if on_github() else text)
        self._console.file.flush()
