"""The sink: what it takes, what it keeps, and what it refuses."""

import asyncio
import smtplib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from audits.collect import sink as module
from audits.collect.sink import MAX_OCTETS, Sink, Stored
from audits.demo.certificates import Authority
from audits.errors import UsageError

MAILBOX = "canary@sink.example.org"
CANARY = "canary+0123456789abcdef0123@sink.example.org"
T = TypeVar("T")


def talk(
    tmp_path: Path, client: Callable[[smtplib.SMTP], T], *, tls: bool = False
) -> tuple[T, list[Stored]]:
    """What a client got from a sink, and what the sink told of."""
    told: list[Stored] = []
    context = Authority().issue("sink.example.org").server_context() if tls else None

    async def run() -> T:
        async with Sink(tmp_path, MAILBOX, told.append, context) as sink:
            await sink.start("127.0.0.1", 0)
            return await asyncio.to_thread(connect, sink.port)

    def connect(port: int) -> T:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="mx.example.net") as server:
            return client(server)

    return asyncio.run(run()), told


def sent(content: str = "Subject: x\r\n\r\nhello\r\n") -> Callable[[smtplib.SMTP], object]:
    return lambda server: server.sendmail("probe@audit.example.net", [CANARY], content)


def test_a_canary_message_is_kept_with_its_envelope(tmp_path: Path) -> None:
    refused, told = talk(tmp_path / "deep/store", sent())
    assert refused == {}
    (stored,) = told
    assert (stored.peer, stored.helo) == ("127.0.0.1", "mx.example.net")
    assert (stored.sender, stored.recipients) == ("probe@audit.example.net", (CANARY,))
    (path,) = (tmp_path / "deep/store/new").iterdir()
    lines = path.read_text().splitlines()
    assert lines[:2] == ["Return-Path: <probe@audit.example.net>", f"Delivered-To: {CANARY}"]
    assert lines[2].startswith("Received: from mx.example.net ([127.0.0.1]) by sink.example.org")
    assert lines[3:] == ["Subject: x", "", "hello"]
    assert not list((tmp_path / "deep/store/tmp").iterdir())


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        (CANARY, 250),
        (CANARY.upper(), 250),
        (MAILBOX, 550),
        ("canary+short@sink.example.org", 550),
        ("canary+0123456789abcdef0123@elsewhere.example", 550),
        ("canary+0123456789abcdef0123%sink.example.org@mx.example.net", 550),
        ("other+0123456789abcdef0123@sink.example.org", 550),
        ("+0123456789abcdef0123@sink.example.org", 550),
    ],
)
def test_only_the_canary_with_a_token_is_taken(tmp_path: Path, recipient: str, code: int) -> None:
    def ask(server: smtplib.SMTP) -> int:
        server.ehlo()
        server.mail("probe@audit.example.net")
        return server.rcpt(recipient)[0]

    assert talk(tmp_path, ask)[0] == code


def test_what_is_too_large_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    def ask(server: smtplib.SMTP) -> int:
        server.ehlo()
        server.mail("probe@audit.example.net")
        server.rcpt(CANARY)
        return server.data("x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * (MAX_OCTETS // 72 + 1))[0]

    code, told = talk(tmp_path, ask)
    assert code == 552
    assert told == []
    assert not list((tmp_path / "new").iterdir())


def test_too_many_messages_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MESSAGES", 1)

    def twice(server: smtplib.SMTP) -> int:
        sent()(server)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            sent()(server)
        return refused.value.smtp_code

    code, told = talk(tmp_path, twice)
    assert code == 452
    assert len(told) == 1


def test_a_hostile_name_can_not_forge_a_field(tmp_path: Path) -> None:
    def ask(server: smtplib.SMTP) -> object:
        server.send(b"EHLO x\x1b[2J\rReceived:-forged\r\n")
        server.getreply()
        server.mail("probe@audit.example.net")
        server.rcpt(CANARY)
        return server.data("hello")

    _, (stored,) = talk(tmp_path, ask)
    assert "\x1b" not in stored.helo
    text = stored.path.read_bytes()
    assert b"\x1b" not in text
    assert b"\r" not in text


def test_starttls_is_offered_where_the_sink_has_a_certificate(tmp_path: Path) -> None:
    def ask(server: smtplib.SMTP) -> object:
        server.ehlo()
        assert server.has_extn("starttls")
        server.starttls()
        return sent()(server)

    refused, told = talk(tmp_path, ask, tls=True)
    assert refused == {}
    assert len(told) == 1


def test_a_place_that_is_taken_is_a_usage_error(tmp_path: Path) -> None:
    async def run() -> None:
        async with Sink(tmp_path, MAILBOX) as first, Sink(tmp_path, MAILBOX) as second:
            await first.start("127.0.0.1", 0)
            with pytest.raises(UsageError, match=f"127.0.0.1:{first.port}"):
                await second.start("127.0.0.1", first.port)

    asyncio.run(run())


def test_a_store_that_can_not_be_made_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    async def run() -> None:
        with pytest.raises(UsageError, match="can't be made"):
            await Sink(tmp_path / "file", MAILBOX).start("127.0.0.1", 0)

    asyncio.run(run())
