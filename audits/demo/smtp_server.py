"""An SMTP server on loopback whose faults can be chosen; it takes no message, ever."""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType

from audits.demo.login import Logins, LoginSession
from audits.demo.tls_stream import TlsServerStream

MAX_COMMAND_OCTETS = 4096


@dataclass(frozen=True)
class Behaviour:
    """What a server announces and how it answers.

    greeting: after 220 and the host name, or a whole reply where it begins with a code.
    local_domains: those it takes mail for; mailboxes: their local parts, all where catch_all.
    relay: it takes mail for any domain. login_required: MAIL needs AUTH (RFC 6409 section 4.3);
    tls_required: everything but EHLO and STARTTLS needs TLS first (RFC 3207 section 4).
    tls: where it can do TLS; implicit_tls: from the first octet, else by STARTTLS if offered.
    auth: mechanisms announced inside TLS; auth_before_tls: in clear too. logins: the accounts that
    they are for; without any, nobody gets further than a challenge.
    greylist: 450 to every recipient. replies: whole replies by command, before all other rules;
    one with 421 ends the connection. closes_at: commands that are answered by hanging up.
    greeting_delay_s: silence before the greeting. segment_octets: replies are sent in pieces of
    that size. drops_groups: hangs up on pipelined commands. enforces_sync: turns away who goes on
    before EHLO is answered. keeps_plaintext: obeys inside TLS what was sent in clear behind
    STARTTLS. smuggles: sequences that end a message beside `<CRLF>.<CRLF>`; with any at all, or
    takes_messages, it answers DATA with 354, and forgets what it is given.
    """

    hostname: str = "mx.example.net"
    greeting: str = "ESMTP"
    local_domains: tuple[str, ...] = ()
    mailboxes: tuple[str, ...] = ("postmaster", "abuse")
    catch_all: bool = False
    relay: bool = False
    login_required: bool = False
    tls_required: bool = False
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    starttls: bool = True
    auth: tuple[str, ...] = ()
    auth_before_tls: bool = False
    logins: Logins | None = None
    pipelining: bool = True
    keywords: tuple[str, ...] = ("SIZE 10240000", "8BITMIME", "ENHANCEDSTATUSCODES")
    greylist: bool = False
    relay_denied: str = "454 4.7.1 <{recipient}>: Relay access denied"
    replies: Mapping[str, str] = field(default_factory=dict)
    closes_at: frozenset[str] = frozenset()
    greeting_delay_s: float = 0.0
    segment_octets: int | None = None
    drops_groups: bool = False
    enforces_sync: bool = True
    keeps_plaintext: bool = False
    takes_messages: bool = False
    smuggles: tuple[bytes, ...] = ()


class SmtpServer:
    """A server for one behaviour. sessions: the commands of each connection, as received."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.sessions: list[list[str]] = []
        self.address = ""
        self.port = 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def commands(self) -> list[str]:
        """The commands of all connections, one after the other."""
        return [command for session in self.sessions for command in session]

    async def start(self, address: str = "127.0.0.1", port: int = 0) -> None:
        """Listens; port 0 takes any that is free, and `port` then says which."""
        self._server = await asyncio.start_server(self._accept, address, port)
        self.address, self.port = self._server.sockets[0].getsockname()[:2]

    async def settle(self, within_s: float = 2.0) -> None:
        """Waits until all clients have left, and what they sent last stands in `sessions`."""
        if self._connections:
            await asyncio.wait(self._connections, timeout=within_s)

    async def stop(self) -> None:
        """Stops listening and drops all connections."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def __aenter__(self) -> "SmtpServer":
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        commands: list[str] = []
        self.sessions.append(commands)
        try:
            await _Session(self.behaviour, reader, writer, commands).run()
        except ssl.SSLError:
            pass  # the alert is on its way
        except (OSError, asyncio.IncompleteReadError, ValueError, asyncio.CancelledError):
            writer.transport.abort()  # the client went away, sent no lines, or we stop
        finally:
            writer.close()


class _Session:
    """One connection: a line in, a reply out."""

    def __init__(
        self,
        behaviour: Behaviour,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        commands: list[str],
    ) -> None:
        self._is = behaviour
        self._below = reader, writer
        self._reader: asyncio.StreamReader | TlsServerStream = reader
        self._writer: asyncio.StreamWriter | TlsServerStream = writer
        self._commands = commands
        self._encrypted = False
        self._login = None if behaviour.logins is None else LoginSession(behaviour.logins)
        self._mail = False
        self._sender = ""
        self._open = True

    async def run(self) -> None:
        if self._is.implicit_tls:
            await self._enter_tls()
        await asyncio.sleep(self._is.greeting_delay_s)
        greeting = self._is.greeting
        code = greeting[:3]
        await self._say(greeting if code.isdigit() else f"220 {self._is.hostname} {greeting}")
        while self._open:
            line = await self._reader.readuntil(b"\n")
            command = line[:MAX_COMMAND_OCTETS].decode("utf-8", "backslashreplace").rstrip("\r\n")
            self._commands.append(command)
            if self._is.drops_groups and await self._more_waits(0.01):
                return
            early = self._is.enforces_sync and command[:4].upper() in ("EHLO", "HELO")
            if early and await self._more_waits(0):
                return await self._say("554 5.5.0 Error: SMTP protocol synchronization")
            await self._answer(command)

    async def _more_waits(self, within_s: float) -> bool:
        """Whether octets come behind the line just read; they are lost."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                octets = await self._reader.read(1)
                return bool(octets)
        return False

    async def _answer(self, command: str) -> None:
        if self._login is not None and self._login.pending:
            return await self._say(self._login.go_on(command))
        word = command.partition(" ")[0].upper()
        if word in self._is.closes_at:
            self._open = False
            return
        starts_tls = word == "STARTTLS" and self._can_start_tls and word not in self._is.replies
        kept = await self._waiting() if starts_tls and self._is.keeps_plaintext else ()
        await self._say(self._is.replies.get(word) or self._reply(word, command))
        if starts_tls:
            await self._enter_tls()
            for line in kept:
                await self._answer(line)
        if word == "DATA" and self._takes_data:
            await self._read_message()

    async def _waiting(self) -> tuple[str, ...]:
        """The lines that have come already."""
        lines: list[str] = []
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(0.01):
                    lines.append((await self._reader.readuntil(b"\n")).decode().rstrip("\r\n"))
        return tuple(lines)

    @property
    def _takes_data(self) -> bool:
        return self._mail and (self._is.takes_messages or bool(self._is.smuggles))

    async def _read_message(self) -> None:
        """Reads until a sequence that ends a message; what is behind it, up to LF, is a command."""
        text = b""
        ends = (b"\r\n.\r\n", *self._is.smuggles)
        while not any(text.endswith(end) for end in ends):
            octet = await self._reader.read(1)
            if not octet:
                raise ConnectionAbortedError("the client left within its message")
            text += octet
        self._mail = False
        await self._say("250 2.0.0 Ok: forgotten")

    async def _enter_tls(self) -> None:
        if self._is.tls is None:
            raise ValueError("a server without certificate has no TLS")
        stream = TlsServerStream(self._is.tls, *self._below)
        await stream.handshake()
        self._reader = self._writer = stream
        self._encrypted, self._mail = True, False

    def _reply(self, word: str, command: str) -> str:
        match word:
            case "EHLO":
                return self._ehlo()
            case "STARTTLS" if self._can_start_tls:
                return "220 2.0.0 Ready to start TLS"
            case "QUIT":
                self._open = False
                return "221 2.0.0 Bye"
            case "NOOP":
                return "250 2.0.0 OK"
            case _ if self._is.tls_required and not self._encrypted:
                return "530 5.7.0 Must issue a STARTTLS command first"
            case "RSET":
                self._mail = False
                return "250 2.0.0 OK"
            case "AUTH":
                return self._auth(command)
            case "MAIL":
                return self._take_mail(command)
            case "RCPT":
                return self._take_recipient(command)
            case "DATA" if self._takes_data:
                return "354 End data with <CR><LF>.<CR><LF>"
            case "DATA":
                return "554 5.5.1 No valid recipients"
            case "*":
                return "501 5.7.0 Authentication aborted"
            case _:
                return "502 5.5.2 Command not recognized"

    @property
    def _can_start_tls(self) -> bool:
        return self._is.starttls and self._is.tls is not None and not self._encrypted

    @property
    def _offers_auth(self) -> bool:
        return bool(self._is.auth) and (self._encrypted or self._is.auth_before_tls)

    def _ehlo(self) -> str:
        lines = [self._is.hostname, *self._is.keywords]
        lines += ["PIPELINING"] if self._is.pipelining else []
        lines += ["STARTTLS"] if self._can_start_tls else []
        lines += [f"AUTH {' '.join(self._is.auth)}"] if self._offers_auth else []
        lines += ["REQUIRETLS"] if self._encrypted else []
        return "\r\n".join([f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"])

    @property
    def _user(self) -> str | None:
        return None if self._login is None else self._login.user

    def _auth(self, command: str) -> str:
        if not self._offers_auth:
            return "503 5.5.1 AUTH is not available"
        return "334 " if self._login is None else self._login.begin(command)

    def _take_mail(self, command: str) -> str:
        if self._is.login_required and self._user is None:
            return "530 5.7.0 Authentication required"
        self._mail = True
        self._sender = command.partition("<")[2].rpartition(">")[0]
        return "250 2.1.0 Ok"

    def _take_recipient(self, command: str) -> str:
        """Rewrites nothing: a source route, `%` or `!` is no way round the local domains."""
        recipient = command.partition("<")[2].rpartition(">")[0]
        local, _, domain = recipient.rpartition("@")
        if not self._mail:
            return "503 5.5.1 Need MAIL first"
        if self._login is not None and not self._login.may_send_as(self._sender):
            owned = f"not owned by user {self._user}"
            return f"553 5.7.1 <{self._sender}>: Sender address rejected: {owned}"
        if self._user is not None:
            return "250 2.1.5 Ok"
        if self._is.greylist:
            return f"450 4.2.0 <{recipient}>: Recipient address rejected: Greylisted"
        if self._is.relay or recipient.lower() == "postmaster":
            return "250 2.1.5 Ok"
        if domain.lower() not in self._is.local_domains or recipient.startswith("@"):
            return self._is.relay_denied.format(recipient=recipient)
        if self._is.catch_all or local.lower() in self._is.mailboxes:
            return "250 2.1.5 Ok"
        return f"550 5.1.1 <{recipient}>: Recipient address rejected: User unknown"

    async def _say(self, reply: str) -> None:
        octets = f"{reply}\r\n".encode()
        size = self._is.segment_octets or len(octets)
        for start in range(0, len(octets), size):
            if start:  # between pieces only: TLS may begin right behind the last
                await asyncio.sleep(0)
            self._writer.write(octets[start : start + size])
            await self._writer.drain()
        self._open = self._open and not reply.startswith("421")
