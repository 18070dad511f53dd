"""Mailboxes of the operator's own, read for what arrives: a Maildir, or a folder over IMAP."""

import asyncio
import imaplib
import ssl
import time
from pathlib import Path
from typing import Protocol

from audits.collect.live.tcp import Unheard
from audits.facts.fact import Reason

MAX_MESSAGES = 200
MAX_OCTETS = 256 * 1024
IMAP_TIMEOUT_S = 10.0
_BEFORE_S = 60.0


class Mailbox(Protocol):
    """Where a message of ours is looked for. pause_s: between two looks."""

    pause_s: float

    async def check(self) -> None:
        """Raises Unheard where it can't be read."""
        ...

    async def holding(self, token: str) -> list[bytes]:
        """The messages that hold the token, cut at MAX_OCTETS; raises Unheard."""
        ...


class MaildirMailbox:
    """A Maildir, such as the store of `mailproof sink`: files in `new` and `cur`.

    Only what came after this object was made, or shortly before, is looked at; the latest first.
    """

    pause_s = 0.25

    def __init__(self, path: Path) -> None:
        self._path = path
        self._since = time.time() - _BEFORE_S

    async def check(self) -> None:
        """Raises Unheard where there is no Maildir."""
        if not (self._path / "new").is_dir():
            words = f"{self._path}: found no folder `new`, expected a Maildir"
            raise Unheard(Reason.NOT_COLLECTED, words)

    async def holding(self, token: str) -> list[bytes]:
        """The messages that hold the token, cut at MAX_OCTETS; raises Unheard."""
        return await asyncio.to_thread(self._holding, token.encode())

    def _holding(self, token: bytes) -> list[bytes]:
        try:
            return [content for content in map(_read, self._latest()) if token in content]
        except OSError as error:
            words = f"{self._path} can't be read: {error.strerror}"
            raise Unheard(Reason.NOT_COLLECTED, words) from error

    def _latest(self) -> list[Path]:
        found: list[tuple[float, Path]] = []
        for folder in ("new", "cur"):
            if not (self._path / folder).is_dir():
                continue
            for path in (self._path / folder).iterdir():
                try:
                    arrived = path.stat().st_mtime
                except FileNotFoundError:  # a mail program moved it just now
                    continue
                if arrived >= self._since:
                    found.append((arrived, path))
        found.sort(reverse=True)
        return [path for _, path in found[:MAX_MESSAGES]]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_OCTETS)
    except FileNotFoundError:
        return b""


class ImapMailbox:
    """A folder of an IMAP server, over TLS from the first octet (RFC 8314 section 3.2), read only.

    host: a name, or an address literal (RFC 5321 section 4.1.3), which its certificate has to hold.
    Each look is a connection of its own, in a thread, within IMAP_TIMEOUT_S for each command.
    """

    pause_s = 2.0

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        password: str,
        folder: str = "INBOX",
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host.removeprefix("[").removesuffix("]").removeprefix("IPv6:")
        self._port = port
        self._user = user
        self._password = password
        self._folder = folder
        self._context = context or ssl.create_default_context()

    async def check(self) -> None:
        """Raises Unheard where the server, the login or the folder is not to be had."""
        await self._within(self._holding, "mailproof-check")

    async def holding(self, token: str) -> list[bytes]:
        """The messages that hold the token, cut at MAX_OCTETS; raises Unheard."""
        return await self._within(self._holding, token)

    async def _within(self, look: "_Look", token: str) -> list[bytes]:
        try:
            return await asyncio.to_thread(look, token)
        except (OSError, EOFError, imaplib.IMAP4.error) as error:
            raise self._unheard(_why(error)) from None

    def _unheard(self, why: str) -> Unheard:
        return Unheard(Reason.NOT_COLLECTED, f"{self._host}:{self._port}: IMAP: {why}")

    def _holding(self, token: str) -> list[bytes]:
        with imaplib.IMAP4_SSL(
            self._host, self._port, ssl_context=self._context, timeout=IMAP_TIMEOUT_S
        ) as server:
            try:
                server.login(self._user, self._password)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error:
                # The server's words may hold what was sent.
                raise self._unheard(f"the login as {self._user} was refused") from None
            selected, _ = server.select(_quoted(self._folder), readonly=True)
            if selected != "OK":
                raise self._unheard(f"no folder {self._folder!r}")
            _, found = server.uid("SEARCH", "TEXT", _quoted(token))
            numbers = found[0].split()[-MAX_MESSAGES:] if found and found[0] else []
            return [self._fetch(server, number.decode("ascii")) for number in numbers]

    def _fetch(self, server: imaplib.IMAP4_SSL, number: str) -> bytes:
        """Without setting \\Seen (RFC 3501 section 6.4.5: BODY.PEEK)."""
        _, parts = server.uid("FETCH", number, f"(BODY.PEEK[]<0.{MAX_OCTETS}>)")
        literals = [part[1] for part in parts if isinstance(part, tuple)]
        return b"".join(literals)[:MAX_OCTETS]


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {IMAP_TIMEOUT_S:g} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, (EOFError, imaplib.IMAP4.abort)):
        return "the server hung up"
    return f"a command was not understood ({type(error).__name__})"


class _Look(Protocol):
    def __call__(self, token: str, /) -> list[bytes]: ...


def _quoted(text: str) -> str:
    """A quoted string (RFC 3501 section 4.3)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
