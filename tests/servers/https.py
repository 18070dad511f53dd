"""An HTTPS server that sends what a test tells it to, octet for octet."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

PLAIN = "text/plain"


def page(body: bytes, status: str = "200 OK", content_type: str = PLAIN, more: str = "") -> bytes:
    """A whole HTTP response."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class ScriptedHttps:
    """pieces: sent one after another, `pause_s` apart. silent: nothing is sent at all.

    heads: the request heads that came; names: the server names that clients sent.
    """

    pieces: Sequence[bytes]
    pause_s: float = 0.0
    silent: bool = False
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            if self.silent:
                await reader.read()
            for piece in self.pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(self.pause_s)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def listening(self, context: ssl.SSLContext) -> AsyncIterator["ScriptedHttps"]:
        context.sni_callback = lambda _, name, __: self.names.append(name)
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers:
                if not writer.is_closing():
                    writer.transport.abort()
