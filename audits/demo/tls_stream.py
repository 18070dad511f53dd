"""The server's side of TLS on an open connection, which sends its alert before it hangs up.

asyncio's own drops what OpenSSL has to say of a handshake that fails.
"""

import asyncio
import ssl

_READ_OCTETS = 16 * 1024


class TlsServerStream:
    """Lines and octets through TLS, by the methods of asyncio's streams that a session uses."""

    def __init__(
        self,
        context: ssl.SSLContext,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._unread = bytearray()

    async def handshake(self) -> None:
        """Raises OSError, which ssl.SSLError is, after the alert has been sent."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self.drain()
                await self._fill()
            except ssl.SSLError:
                await self.drain()
                raise
            else:
                return await self.drain()

    async def read(self, octets: int) -> bytes:
        """At most that many octets, empty at the end."""
        if not self._unread:
            self._unread += await self._decrypted()
        taken = bytes(self._unread[:octets])
        del self._unread[:octets]
        return taken

    async def readuntil(self, separator: bytes) -> bytes:
        """Everything up to the separator; raises IncompleteReadError, ValueError for too much."""
        while (place := self._unread.find(separator)) < 0:
            octets = await self._decrypted()
            if not octets:
                raise asyncio.IncompleteReadError(bytes(self._unread), None)
            self._unread += octets
            if len(self._unread) > _READ_OCTETS:
                raise ValueError("no separator in sight")
        return await self.read(place + len(separator))

    def write(self, octets: bytes) -> None:
        """Takes octets, for `drain` to send."""
        self._tls.write(octets)

    async def drain(self) -> None:
        """Sends what was written, and what TLS itself has to say."""
        if self._outgoing.pending:
            self._writer.write(self._outgoing.read())
        await self._writer.drain()

    async def _decrypted(self) -> bytes:
        while True:
            try:
                return self._tls.read(_READ_OCTETS)
            except ssl.SSLWantReadError:
                await self.drain()
                await self._fill()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    async def _fill(self) -> None:
        octets = await self._reader.read(_READ_OCTETS)
        if octets:
            self._incoming.write(octets)
        else:
            self._incoming.write_eof()
