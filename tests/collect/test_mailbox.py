"""Mailboxes that canaries are looked for in: a Maildir, and IMAP on a scripted server."""

import asyncio
import os
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from audits.collect.live import mailbox as module
from audits.collect.live.mailbox import MAX_OCTETS, ImapMailbox, MaildirMailbox
from audits.collect.live.tcp import Unheard
from audits.demo.certificates import Authority

TOKEN = "0123456789abcdef0123"
MESSAGE = f"To: canary+{TOKEN}@sink.example.org\r\n\r\nhello\r\n".encode()
AUTHORITY = Authority()


def maildir(tmp_path: Path) -> MaildirMailbox:
    for folder in ("tmp", "new", "cur"):
        (tmp_path / folder).mkdir()
    return MaildirMailbox(tmp_path)


def holding(box: MaildirMailbox | ImapMailbox) -> list[bytes]:
    return asyncio.run(box.holding(TOKEN))


def test_a_maildir_is_searched_in_new_and_cur(tmp_path: Path) -> None:
    box = maildir(tmp_path)
    (tmp_path / "new/1").write_bytes(MESSAGE)
    (tmp_path / "cur/2:2,S").write_bytes(MESSAGE)
    (tmp_path / "new/3").write_bytes(b"another")
    (tmp_path / "tmp/4").write_bytes(MESSAGE)
    assert holding(box) == [MESSAGE, MESSAGE]


def test_old_mail_is_not_read_and_long_mail_only_in_part(tmp_path: Path) -> None:
    box = maildir(tmp_path)
    old = tmp_path / "new/1"
    old.write_bytes(MESSAGE)
    os.utime(old, (time.time() - 3600,) * 2)
    (tmp_path / "new/2").write_bytes(MESSAGE + b"x" * 2 * MAX_OCTETS)
    assert [len(content) for content in holding(box)] == [MAX_OCTETS]


def test_a_folder_that_is_no_maildir_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(Unheard, match="expected a Maildir"):
        asyncio.run(MaildirMailbox(tmp_path).check())


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cadata=AUTHORITY.root_pem.decode())


def looked(script: Script, context: ssl.SSLContext | None = None) -> list[bytes]:
    """What is found by way of a server with TLS that runs a script for its one connection."""

    async def run() -> list[bytes]:
        serving = AUTHORITY.issue("localhost").server_context()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await script(reader, writer)
            except OSError:
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(accept, "localhost", 0, ssl=serving)
        port = server.sockets[0].getsockname()[1]
        box = ImapMailbox("localhost", port, "user", "pass word", "INBOX", context or trusting())
        try:
            return await box.holding(TOKEN)
        finally:
            server.close()

    return asyncio.run(run())


COMMANDS: list[str] = []


async def imap(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An IMAP server that holds one message with the token and knows no other."""
    COMMANDS.clear()
    writer.write(b"* OK IMAP4rev1\r\n")
    while line := (await reader.readline()).decode():
        tag, _, command = line.strip().partition(" ")
        COMMANDS.append(command)
        word = command.split(" ", 2)
        if word[0] == "CAPABILITY":
            writer.write(b"* CAPABILITY IMAP4rev1\r\n")
        elif word[0] == "EXAMINE":
            writer.write(b"* 1 EXISTS\r\n")
        elif word[:2] == ["UID", "SEARCH"]:
            writer.write(b"* SEARCH 7\r\n")
        elif word[:2] == ["UID", "FETCH"]:
            size = str(len(MESSAGE)).encode()
            writer.write(b"* 1 FETCH (UID 7 BODY[]<0> {" + size + b"}\r\n" + MESSAGE + b")\r\n")
        writer.write(f"{tag} OK done\r\n".encode())


def test_imap_is_searched_without_changing_anything() -> None:
    assert looked(imap) == [MESSAGE]
    assert 'LOGIN user "pass word"' in COMMANDS
    assert 'EXAMINE "INBOX"' in COMMANDS
    assert f'UID SEARCH TEXT "{TOKEN}"' in COMMANDS
    assert f"UID FETCH 7 (BODY.PEEK[]<0.{MAX_OCTETS}>)" in COMMANDS


def refusing(word: str, reply: str) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK IMAP4rev1\r\n")
        while line := (await reader.readline()).decode():
            tag, _, command = line.strip().partition(" ")
            if command.startswith("CAPABILITY"):
                writer.write(b"* CAPABILITY IMAP4rev1\r\n")
            refused = command.startswith(word)
            writer.write(f"{tag} {reply if refused else 'OK done'}\r\n".encode())

    return script


async def hanging_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greets and closes."""
    writer.write(b"* OK IMAP4rev1\r\n")


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A greeting of which an octet comes now and then, sooner than any one read runs out."""
    writer.write(b"* OK ")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A greeting behind which everything is said but what was asked."""
    writer.write(b"* OK IMAP4rev1\r\n")
    while not writer.is_closing():
        writer.write(b"* OK and so on\r\n" * 1000)
        await writer.drain()
        await asyncio.sleep(0)


async def huge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers the first command with a literal of four gigabytes."""
    writer.write(b"* OK IMAP4rev1\r\n")
    await reader.readline()
    writer.write(b"* 1 FETCH (BODY[] {4294967296}\r\n")
    while not writer.is_closing():
        writer.write(b"x" * 65536)
        await writer.drain()
        await asyncio.sleep(0)  # drain alone never lets the loop see that the client is gone


@pytest.mark.parametrize("script", [dripping, endless, huge])
def test_imap_that_never_ends_is_left_in_time_and_not_kept(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IMAP_LOOK_S", 1.0)
    monkeypatch.setattr(module, "_MOST_READ", 1_000_000)
    begun = time.monotonic()
    with pytest.raises(Unheard, match="IMAP"):
        looked(script)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "script",
    [refusing("LOGIN", "NO wrong: pass word"), refusing("EXAMINE", "NO none"), hanging_up, silent],
    ids=["login", "folder", "hangs up", "silent"],
)
def test_imap_that_is_not_to_be_had_is_told_of_without_the_password(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IMAP_TIMEOUT_S", 0.5)
    with pytest.raises(Unheard) as unheard:
        looked(script)
    assert "IMAP" in unheard.value.silence.detail
    assert "pass word" not in unheard.value.silence.detail


def test_imap_with_a_certificate_that_nobody_trusts_gets_no_password() -> None:
    COMMANDS.clear()
    with pytest.raises(Unheard, match="IMAP"):
        looked(imap, ssl.create_default_context())
    assert COMMANDS == []
