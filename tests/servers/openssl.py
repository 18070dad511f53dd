"""`openssl s_server` on loopback, which begins with TLS."""

import asyncio
import subprocess
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import which

import pytest

from audits.demo.certificates import Credentials


@asynccontextmanager
async def openssl_server(
    folder: Path, credentials: Credentials, *options: str
) -> AsyncIterator[tuple[int, Process]]:
    """Its port, and the process, whose standard input and output are those of the connection."""
    program = which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    pem = folder / "server.pem"
    pem.write_bytes(credentials.key + credentials.chain)
    server = await asyncio.create_subprocess_exec(
        program,
        *("s_server", "-cert", str(pem), "-accept", "127.0.0.1:0", *options),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert server.stdout is not None
    try:
        line = b""
        while not line.startswith(b"ACCEPT "):
            line = await asyncio.wait_for(server.stdout.readline(), 10)
            assert line, "openssl s_server did not start"
        yield int(line.rpartition(b":")[2]), server
    finally:
        server.kill()
        await server.communicate()


async def talk_smtp(server: Process) -> None:
    """Lets `openssl s_server` speak as an SMTP server by its standard input and output."""
    assert server.stdin is not None
    assert server.stdout is not None
    for word, reply in (("CIPHER is", "220"), ("EHLO", "250"), ("QUIT", "221")):
        line = b""
        while word.encode() not in line:
            line = await server.stdout.readline()
            assert line, "openssl s_server has ended"
        server.stdin.write(f"{reply} mx.example.net\r\n".encode())
        await server.stdin.drain()
