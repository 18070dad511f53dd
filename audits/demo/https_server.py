"""An HTTPS server on loopback that serves MTA-STS policies, one host name beside the other."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_PATH = "/.well-known/mta-sts.txt"
_HEADER_BYTES = 8192
_PATIENCE_S = 10.0


@dataclass(frozen=True)
class Page:
    """What is answered at the policy's path (RFC 8461 section 3.3)."""

    status: str
    body: str = ""
    content_type: str = "text/plain"
    location: str | None = None

    def encoded(self) -> bytes:
        body = self.body.encode()
        headers = [
            f"HTTP/1.1 {self.status}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        if self.location is not None:
            headers.append(f"Location: {self.location}")
        return "\r\n".join([*headers, "", ""]).encode() + body


NOT_FOUND = Page("404 Not Found", "There is no such page here.\n")


class PolicyServer:
    """Serves each page under its host name, with the certificate that `context_for` gives it.

    A client that sends no server name, or one that is not served, is refused in the handshake.
    """

    def __init__(
        self, pages: Mapping[str, Page], context_for: Callable[[str], ssl.SSLContext]
    ) -> None:
        self.port = 0
        self._pages = pages
        self._contexts = {name: context_for(name) for name in pages}
        self._front = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._front.sni_callback = self._choose
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _choose(
        self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext
    ) -> int | None:
        chosen = self._contexts.get(name or "")
        if chosen is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = chosen
        return None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        connection = writer.transport  # the TCP one, also where the handshake never ends
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await writer.start_tls(self._front)
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(request).encoded())
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            connection.abort()  # a client that goes away, says nothing or never ends
        except asyncio.CancelledError:
            connection.abort()
        finally:
            writer.close()

    def _answer(self, request: bytes) -> Page:
        first, *headers = request[:_HEADER_BYTES].decode("latin-1").split("\r\n")
        words = first.split(" ")
        hosts = [h[5:].strip() for h in headers if h[:5].lower() == "host:"]
        if len(words) != 3 or words[0] != "GET" or words[1] != _PATH or len(hosts) != 1:
            return NOT_FOUND
        return self._pages.get(hosts[0].partition(":")[0].lower(), NOT_FOUND)
