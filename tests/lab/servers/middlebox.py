"""A box in front of port 25 that mangles STARTTLS, as some firewalls do."""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.lab.network import Namespace
from tests.lab.servers.server import MailServer, Site

# Where the server behind it listens.
BEHIND = "127.0.0.1:10027"

# Cisco's SMTP fixup overwrites the keyword with X, and the command of a client that tries it.
_SCRIPT = """
import asyncio, sys

async def carry(reader, writer, word, mangled):
    while octets := await reader.read(65536):
        writer.write(octets.replace(word, mangled))
        await writer.drain()
    writer.close()

async def serve(reader, writer):
    host, port = sys.argv[1].split(":")
    to_read, to_write = await asyncio.open_connection(host, int(port))
    await asyncio.gather(
        carry(reader, to_write, b"STARTTLS", b"XXXXXXXX"),
        carry(to_read, writer, b"STARTTLS", b"XXXXXXXA"),
        return_exceptions=True,
    )

async def main():
    server = await asyncio.start_server(serve, None, 25)
    await server.serve_forever()

asyncio.run(main())
"""


@dataclass(frozen=True)
class MiddleboxSettings:
    """There is nothing to decide about it."""

    ports: tuple[int, ...] = (25,)

    def start(self, namespace: Namespace, folder: Path, site: Site) -> "Middlebox":
        box = Middlebox(namespace, folder)
        box.ports = frozenset(self.ports)
        box.launch(sys.executable, "-c", _SCRIPT, BEHIND)
        return box


class Middlebox(MailServer):
    """It keeps nothing, and logs nothing."""

    def queued(self) -> int:
        return 0

    def connections(self, client: str) -> Counter[str]:
        return Counter()

    def annoyance(self) -> list[str]:
        return []
