"""Mailboxes of the operator's own, read for what arrives: a Maildir, or a folder over IMAP."""

import asyncio
import contextlib
import imaplib
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Protocol

from audits.collect.live.tcp import Unheard
from audits.facts.fact import Reason

MAX_MESSAGES = 200
MAX_OCTETS = 256 * 1024
IMAP_TIMEOUT_S = 10.0
IMAP_LOOK_S = 60.0
_MOST_READ = 64 * 1024 * 1024
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
    Each look is a connection of its own, in a thread, within IMAP_TIMEOUT_S for each answer and
    IMAP_LOOK_S in all.
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
        with _Bounded(self._host, self._port, self._context) as server:
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

    def _fetch(self, server: "_Bounded", number: str) -> bytes:
        """Without setting \\Seen (RFC 3501 section 6.4.5: BODY.PEEK)."""
        _, parts = server.uid("FETCH", number, f"(BODY.PEEK[]<0.{MAX_OCTETS}>)")
        literals = [part[1] for part in parts if isinstance(part, tuple)]
        return b"".join(literals)[:MAX_OCTETS]


class _Bounded(imaplib.IMAP4_SSL):
    """A connection that ends after IMAP_LOOK_S or _MOST_READ octets, whatever the server sends.

    A time for each read alone is none for a server that sends an octet now and then.
    """

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._left = _MOST_READ
        self._context = context
        super().__init__(host, port, ssl_context=context, timeout=IMAP_TIMEOUT_S)

    def _create_socket(self, timeout: float | None) -> ssl.SSLSocket:
        plain = socket.create_connection((self.host, self.port), timeout)
        # TLS takes the socket over; a second handle on the connection ends it from outside.
        self._handle = plain.dup()
        self._end = threading.Timer(IMAP_LOOK_S, _cut, [self._handle])
        self._end.daemon = True
        self._end.start()
        try:
            return self._context.wrap_socket(plain, server_hostname=self.host)
        except OSError:
            self._forget()
            raise

    def read(self, size: int) -> bytes:
        return self._counted(super().read(min(size, self._left + 1)))

    def readline(self) -> bytes:
        return self._counted(super().readline())

    def _counted(self, octets: bytes) -> bytes:
        self._left -= len(octets)
        if self._left < 0:
            raise self.abort("too much")
        return octets

    def shutdown(self) -> None:
        self._forget()
        super().shutdown()

    def _forget(self) -> None:
        self._end.cancel()
        self._handle.close()


def _cut(handle: socket.socket) -> None:
    with contextlib.suppress(OSError):
        handle.shutdown(socket.SHUT_RDWR)


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
