"""One recursive resolver: a socket for its datagrams, and connections for what is truncated."""

import asyncio
import secrets
import socket
from typing import Protocol

from audits.errors import ParseError
from audits.facts.fact import Silence
from audits.parse.dns_message import answers_question, query_message, question_section
from audits.subject import endpoint

_RECEIVE_BUFFER_BYTES = 1 << 20

# Name, type, and whether DO and CD are set.
Key = tuple[str, str, bool, bool]


class Question:
    """One question under way: where it was sent, where it may still go.

    left: last stop first. attempt: changes with every stop, so that a deadline knows its own.
    Raises ParseError where the name of the key is none.
    """

    __slots__ = ("attempt", "key", "left", "section", "sent", "server", "silence")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.section = question_section(key[0], key[1])
        self.left: list[NameServer] = []
        self.attempt = 0
        self.server: NameServer | None = None
        self.sent: list[tuple[NameServer, int]] = []
        self.silence: Silence | None = None

    def __str__(self) -> str:
        return f"{self.key[1]} {self.key[0]}"

    def message(self, number: int) -> bytes:
        """The query with this id."""
        _, _, dnssec, checking_disabled = self.key
        return query_message(
            number, self.section, dnssec=dnssec, checking_disabled=checking_disabled
        )

    def keep(self, silence: Silence) -> None:
        """Remember why a server gave no answer, unless one has said more by answering."""
        self.silence = self.silence or silence

    def forget(self) -> None:
        """Take no more datagrams for it."""
        for server, number in self.sent:
            server.pending.pop(number, None)
        self.sent.clear()


class Listener(Protocol):
    """Who hears what comes of the datagrams to a server."""

    def received(self, question: Question, server: "NameServer", wire: bytes) -> None:
        """A datagram that answers `question` has arrived from `server`."""

    def unreachable(self, question: Question, server: "NameServer", detail: str) -> None:
        """The system says that nobody takes datagrams at `server`."""

    def stray(self) -> None:
        """A datagram has arrived that fits no query."""


class NameServer(asyncio.DatagramProtocol):
    """One recursive resolver and the connected UDP socket to it; the kernel checks the source.

    failures: how often it fell silent since it last answered. trouble: why there is no socket.
    """

    def __init__(self, listener: Listener, address: str, port: int) -> None:
        self.address, self.port = address, port
        self.pending: dict[int, Question] = {}
        self.failures = 0
        self.trouble: str | None = None
        self._listener = listener
        self._transport: asyncio.DatagramTransport | None = None

    def __str__(self) -> str:
        return endpoint(self.address, self.port)

    async def open(self) -> None:
        """Open the socket; where there can be none, `trouble` says why."""
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: self, remote_addr=(self.address, self.port)
            )
        except OSError as error:
            self.trouble = error.strerror or str(error)
            return
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        self._transport = transport

    def send(self, question: Question) -> bool:
        """Send under a fresh id; False where there is no socket to send by."""
        if self._transport is None:
            return False
        number = secrets.randbits(16)
        while number in self.pending:
            number = secrets.randbits(16)
        self.pending[number] = question
        question.sent.append((self, number))
        self._transport.sendto(question.message(number))
        return True

    async def over_tcp(self, question: Question) -> bytes:
        """The answer to one query over a connection of its own (RFC 7766).

        Raises OSError or EOFError where none comes, ParseError where it answers something else.
        """
        reader, writer = await asyncio.open_connection(self.address, self.port)
        try:
            number = secrets.randbits(16)
            message = question.message(number)
            writer.write(len(message).to_bytes(2, "big") + message)
            length = int.from_bytes(await reader.readexactly(2), "big")
            wire = await reader.readexactly(length)
        finally:
            writer.close()
        if wire[:2] != number.to_bytes(2, "big") or not answers_question(wire, question.section):
            raise ParseError("the message does not answer the question")
        return wire

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Hand on what answers a question that is pending."""
        question = self.pending.get(int.from_bytes(data[:2], "big"))
        if question is None or not answers_question(data, question.section):
            self._listener.stray()
        else:
            self._listener.received(question, self, data)

    def error_received(self, exc: Exception) -> None:
        """Give up what is pending here, as nobody takes datagrams."""
        # The loop may call this from inside `send`: deal with it later, and once.
        if self.trouble is None:
            self.trouble = getattr(exc, "strerror", None) or str(exc)
            asyncio.get_running_loop().call_soon(self._give_way)

    def _give_way(self) -> None:
        detail, self.trouble = self.trouble or "", None
        for question in list(self.pending.values()):
            if question.server is self:
                self._listener.unreachable(question, self, detail)

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
