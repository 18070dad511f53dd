"""The verb that receives canary messages."""

import asyncio
import signal
import ssl
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from audits.cli.exits import Exit
from audits.cli.options import ConfigFile, stderr, stdout
from audits.cli.workspace import configuration
from audits.collect.sink import Sink, Stored
from audits.errors import ParseError, UsageError
from audits.parse.declared_name import declared_endpoint
from audits.report.sanitise import visible
from audits.settings import Mailbox
from audits.subject import endpoint


def register(app: typer.Typer) -> None:
    app.command()(sink)


def sink(
    config: ConfigFile = None,
    listen: Annotated[
        str,
        typer.Option(
            help="Where to listen; port 0 takes any that is free. Mail comes in on port 25.",
            metavar="ADDR:PORT",
        ),
    ] = "127.0.0.1:2525",
    store: Annotated[
        Path, typer.Option(help="The Maildir that messages are kept in.", metavar="DIR")
    ] = Path("sink"),
    mailbox: Annotated[
        str | None,
        typer.Option(
            help="The canary's mailbox; default: the configuration's probe.canary.mailbox, or "
            "probe.recipient.",
            metavar="USER@DOMAIN",
            show_default=False,
        ),
    ] = None,
    tls: Annotated[
        Path | None,
        typer.Option(
            help="A PEM file with key and certificates, to offer STARTTLS.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
) -> Exit:
    """Receives canary messages: an SMTP server that takes nothing else.

    `mailproof run --canary` sends one message by whatever way a host relays for strangers, to
    canary+TOKEN@ of a domain that you own. Where the MX of that domain is this machine, this is
    where it arrives; `probe.canary.maildir` names the store. Runs until Ctrl-C; one line a message.

    Examples:

      mailproof sink                                     on loopback

      mailproof sink --listen 0.0.0.0:25 --store canary  as the canary's MX
    """
    address, port = _endpoint(listen)
    canary = _configured(config) if mailbox is None else _mailbox(mailbox)
    asyncio.run(_receive(Sink(store, canary, _tell, _context(tls)), address, port))
    return Exit.COMPLETE


async def _receive(running: Sink, address: str, port: int) -> None:
    """Until SIGINT or SIGTERM, which is how it is meant to end."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with running:
        await running.start(address, port)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        stderr().print(escape(f"listening on {endpoint(running.address, running.port)}"))
        await ended.wait()


def _tell(stored: Stored) -> None:
    """One line for a message; all of it was chosen by whoever sent it."""
    recipients = ", ".join(stored.recipients)
    line = (
        f"<{stored.sender}> to {recipients} from {stored.helo} [{stored.peer}], "
        f"{stored.octets:,} octets: {stored.path.name}"
    )
    stdout().print(escape(visible(line)))
    stdout().file.flush()


def _endpoint(text: str) -> tuple[str, int]:
    """Raises UsageError on what is no address and port."""
    host, _, port = text.rpartition(":")
    try:
        checked = declared_endpoint(text if port != "0" else f"{host}:1")
    except ParseError as error:
        raise UsageError(f"--listen: {error}") from error
    address = checked.rpartition(":")[0].removeprefix("[").removesuffix("]")
    return address, int(port)


def _mailbox(text: str) -> str:
    """Raises UsageError on what is no mailbox."""
    try:
        return msgspec.convert(text, Mailbox)
    except msgspec.ValidationError as error:
        words = f"--mailbox: found {text!r}, expected a mailbox such as canary@sink.example.org"
        raise UsageError(words) from error


def _configured(config: Path | None) -> str:
    probe = configuration(config).settings.probe
    return probe.canary.mailbox if probe.canary else probe.recipient


def _context(path: Path | None) -> ssl.SSLContext | None:
    """Raises UsageError on a file without key and certificate."""
    if path is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(path)
    except OSError as error:
        why = error.strerror or error
        raise UsageError(f"--tls: {path}: {why}, expected a key and certificates") from error
    return context
