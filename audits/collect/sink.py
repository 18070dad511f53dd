"""The sink: a receiver of canary messages and of nothing else, which keeps them in a Maildir."""

import asyncio
import re
import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from audits.errors import UsageError
from audits.parse.canary import canary_recipient

MAX_OCTETS = 256 * 1024
MAX_MESSAGES = 1000
MAX_RECIPIENTS = 10
_IDLE_S = 60.0
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")


@dataclass(frozen=True)
class Stored:
    """A message that the sink took. peer, helo, sender and what is in the file are as claimed."""

    path: Path
    peer: str
    helo: str
    sender: str
    recipients: tuple[str, ...]
    octets: int


class Sink:
    """An SMTP server that takes mail for `local+TOKEN@domain` of one mailbox, and keeps it.

    store: a Maildir, made where there is none. A message stands there with its envelope in front:
    Return-Path, Delivered-To, and a Received field with the address that it came from (RFC 5321
    section 4.4). tell: is told of every message. What is too large or too much is refused.
    """

    def __init__(
        self,
        store: Path,
        mailbox: str,
        tell: Callable[[Stored], None] = lambda stored: None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._store = store
        self._mailbox = mailbox
        self._tell = tell
        self._tls = tls
        self._domain = mailbox.rpartition("@")[2]
        self._server: asyncio.Server | None = None
        self._taken = 0
        self.address = ""
        self.port = 0

    async def start(self, address: str, port: int) -> None:
        """Listens; port 0 takes any that is free. Raises UsageError where it can't."""
        for folder in ("tmp", "new", "cur"):
            try:
                (self._store / folder).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UsageError(f"{self._store}: can't be made: {error.strerror}") from error
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._conversation, address, port)
        except OSError as error:
            raise UsageError(f"can't listen on {address}:{port}: {error.strerror}") from error
        self.address, self.port = self._server.sockets[0].getsockname()[:2]

    async def stop(self) -> None:
        """Stops listening."""
        if self._server is not None:
            self._server.close()

    async def __aenter__(self) -> "Sink":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    def _conversation(self) -> SMTP:
        return SMTP(
            self,
            data_size_limit=MAX_OCTETS,
            enable_SMTPUTF8=True,
            hostname=self._domain,
            ident="mailproof sink",
            tls_context=self._tls,
            timeout=_IDLE_S,
        )

    # --- what aiosmtpd asks a handler -----------------------------------------------------------

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """250 to the canary with a token, 550 to anybody else."""
        if not canary_recipient(address, self._mailbox):
            return "550 5.7.1 This sink takes canary messages alone"
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keeps the message; 452 where there is no room."""
        if self._taken >= MAX_MESSAGES:
            return "452 4.3.1 This sink is full"
        try:
            stored = self._keep(session, envelope)
        except OSError:
            return "452 4.3.1 This sink can't write"
        self._taken += 1
        self._tell(stored)
        return "250 2.0.0 Kept"

    def _keep(self, session: Session, envelope: Envelope) -> Stored:
        """One file, written under `tmp` and moved to `new`, as readers of a Maildir expect it."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        peer = str(session.peer[0]) if session.peer else ""
        helo = _word(session.host_name or "")
        recipients = tuple(_word(recipient) for recipient in envelope.rcpt_tos)
        sender = _word(envelope.mail_from or "")
        literal = f"[IPv6:{peer}]" if ":" in peer else f"[{peer}]"
        received = f"from {helo} ({literal}) by {self._domain} with mailproof sink"
        head = [
            f"Return-Path: <{sender}>",
            *(f"Delivered-To: {recipient}" for recipient in recipients),
            f"Received: {received}; {format_datetime(datetime.now(UTC))}",
        ]
        octets = "".join(f"{line}\n" for line in head).encode() + content.replace(b"\r\n", b"\n")
        name = f"{time.time():.6f}.{secrets.token_hex(6)}.mailproof"
        (self._store / "tmp" / name).write_bytes(octets)
        kept = (self._store / "tmp" / name).rename(self._store / "new" / name)
        return Stored(kept, peer, helo, sender, recipients, len(content))


def _word(text: str) -> str:
    """What a client claimed, made fit to stand in a header field."""
    return _UNPRINTABLE.sub("?", text)[:320]
