"""A TCP relay with a round trip of its own that counts how many of them a client takes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.servers.smtp import raw_server

# Longer than a busy machine takes between two writes of one flight.
ROUND_TRIP_S = 0.04


@dataclass
class Visit:
    """One connection. flights: of the client, each after it has heard something new.

    greeted: the server spoke first, which the client's first flight had to wait for.
    """

    flights: int = 0
    greeted: bool = False
    last: str = field(default="", repr=False)

    @property
    def round_trips(self) -> int:
        """That of TCP, that of the greeting, and one for each flight."""
        return 1 + self.greeted + self.flights

    def client_speaks(self) -> None:
        self.flights += self.last != "client"
        self.last = "client"

    def client_hears(self) -> None:
        self.greeted |= self.last == ""
        self.last = "server"


@dataclass
class Relay:
    """port: where it listens. visits: one for each connection, in their order."""

    port: int = 0
    visits: list[Visit] = field(default_factory=list)

    @property
    def round_trips(self) -> int:
        """Of all connections together."""
        return sum(visit.round_trips for visit in self.visits)


@asynccontextmanager
async def counting(port: int, round_trip_s: float = ROUND_TRIP_S) -> AsyncIterator[Relay]:
    """A relay to the server at that port of loopback, half a round trip away from either side.

    What the client sends before it can have heard an answer belongs to the same flight, in however
    many pieces it comes: Finished and EHLO of TLS 1.3, with the server's tickets on their way.
    """
    relay = Relay()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_read, to_write = await asyncio.open_connection("127.0.0.1", port)
        visit = Visit()
        relay.visits.append(visit)
        half_s = round_trip_s / 2
        await asyncio.gather(
            _carry(reader, to_write, half_s, sent=visit.client_speaks),
            _carry(to_read, writer, half_s, arrived=visit.client_hears),
        )

    async with raw_server(script) as listening:
        relay.port = listening.port
        yield relay


def _nothing() -> None:
    """What is noted where nobody counts."""


async def _carry(
    source: asyncio.StreamReader,
    sink: asyncio.StreamWriter,
    delay_s: float,
    *,
    sent: Callable[[], None] = _nothing,
    arrived: Callable[[], None] = _nothing,
) -> None:
    with contextlib.suppress(ConnectionError):
        while octets := await source.read(65536):
            sent()
            await asyncio.sleep(delay_s)
            arrived()
            sink.write(octets)
            await sink.drain()
    sink.close()
