"""Scripted SMTP servers on loopback: the well-behaved one with chosen faults, and raw ones."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from audits.demo.smtp_server import Behaviour, SmtpServer

__all__ = ["Behaviour", "RawServer", "SmtpServer", "answering", "raw_server"]

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class RawServer:
    """Runs a script for each connection. connections: how many there were."""

    def __init__(self) -> None:
        self.address = "127.0.0.1"
        self.port = 0
        self.connections = 0


@asynccontextmanager
async def raw_server(script: Script) -> AsyncIterator[RawServer]:
    """A server that does to every connection what `script` says, octet by octet."""
    running = RawServer()
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        running.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await script(reader, writer)
        writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says nothing until the client leaves."""
    await reader.read()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A greeting at ten octets a second that never ends."""
    writer.write(b"220 ")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.1)


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A greeting whose last line never comes."""
    while not writer.is_closing():
        writer.write(b"220-and so on\r\n" * 100)
        await writer.drain()


async def long_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A greeting of one line of 10 MB."""
    writer.write(b"220 ")
    for _ in range(160):
        writer.write(b"x" * 65536)
        await writer.drain()
    writer.write(b"\r\n")


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Octets that are no text, then a wait."""
    writer.write(bytes(range(256)) + b"\r\n")
    await reader.read()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes without a word."""


async def half_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greets, closes its sending side and goes on reading."""
    writer.write(b"220 mx.example.net ESMTP\r\n")
    writer.write_eof()
    await reader.read()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greets, reads a command, and resets the connection."""
    writer.write(b"220 mx.example.net ESMTP\r\n")
    await reader.read(1)
    writer.transport.abort()


def answering(
    starttls: Script, *, greeting: bytes = b"220 mx.example.net ESMTP\r\n", more: bytes = b""
) -> Script:
    """Offers STARTTLS, answers it with 220 and `more` in one segment, then runs `starttls`."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        while line := await reader.readline():
            if line.upper().startswith(b"STARTTLS"):
                writer.write(b"220 go ahead\r\n" + more)
                return await starttls(reader, writer)
            if line.upper().startswith(b"QUIT"):
                writer.write(b"221 bye\r\n")
                return None
            writer.write(b"250-mx.example.net\r\n250 STARTTLS\r\n")
        return None

    return script


def tls_alert(number: int) -> Script:
    """Answers a ClientHello with that fatal alert (RFC 8446 section 6)."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(16384)
        writer.write(bytes([21, 3, 3, 0, 2, 2, number]))
        await reader.read()

    return script


def tls_refusal(context: ssl.SSLContext) -> Script:
    """Answers a ClientHello as OpenSSL does with a context that refuses it."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = context.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(await reader.read(16384))
        with contextlib.suppress(ssl.SSLError):
            server.do_handshake()
        writer.write(outgoing.read())
        await reader.read()

    return script


async def tls_garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers a ClientHello with text."""
    await reader.read(16384)
    writer.write(b"500 what was that?\r\n")
    await reader.read()


async def tls_half_record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers a ClientHello with the beginning of a record and closes."""
    await reader.read(16384)
    writer.write(bytes([22, 3, 3, 0, 100, 2]))
    await writer.drain()
