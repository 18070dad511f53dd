import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from audits.collect.live.conduct import ConductWalk
from audits.collect.live.pace import Pace
from audits.demo.certificates import Authority
from audits.facts.conduct import (
    AddressCommands,
    EarlyTalk,
    HelpReply,
    LocalRecipients,
    MailBeforeTls,
    StarttlsInjection,
)
from audits.facts.fact import Fact, Observed, Reason
from audits.facts.smtp import EhloReply
from audits.facts.snapshot import Snapshot
from tests.build import PROVENANCE, silent
from tests.catalog import wire
from tests.collect.walking import NAME, SETTINGS, fleet, origin, reasons, service, silence
from tests.servers import smtp as scripts
from tests.servers.smtp import Behaviour, Script, SmtpServer, raw_server

TLS = Authority().issue(NAME).server_context()
MX = Behaviour(hostname=NAME, tls=TLS, local_domains=("example.net",))
EHLO = "EHLO mailproof.invalid"
MAIL = "MAIL FROM:<probe@mailproof.invalid>"
POSTMASTER = "RCPT TO:<postmaster@example.net>"
ALL = ConductWalk.provides


async def ask(seen: Snapshot, port: int = 25, wanted: Iterable[type[Fact]] = ALL) -> Snapshot:
    """Asks `ConductWalk` about a service whose STARTTLS was seen to work."""
    at = service(port)
    seen.add([Observed(fact, PROVENANCE) for fact in (wire.starttls(at), wire.handshake(at))])
    collector = ConductWalk(origin(), wanted, SETTINGS, Pace(SETTINGS.limits))
    seen.add(await collector.collect(at, seen))
    return seen


def asked(
    behaviour: Behaviour, port: int = 25, *, wanted: Iterable[type[Fact]] = ALL, **about: Any
) -> tuple[Snapshot, SmtpServer]:
    about.setdefault("domains", ("example.net",))

    async def run() -> tuple[Snapshot, SmtpServer]:
        async with SmtpServer(behaviour) as server:
            seen = await ask(fleet(server.port, port, **about), port, wanted)
            await server.settle()
            return seen, server

    return asyncio.run(run())


def scripted(script: Script, wanted: Iterable[type[Fact]] = ALL) -> tuple[Snapshot, float]:
    """The snapshot after a raw server was asked, and the seconds that it took."""

    async def run() -> Snapshot:
        async with raw_server(script) as server:
            return await ask(fleet(server.port, domains=("example.net",)), wanted=wanted)

    begun = time.monotonic()
    return asyncio.run(run()), time.monotonic() - begun


def fact(seen: Snapshot, kind: type[Any], port: int = 25) -> Any:
    found = seen.get(kind, service(port))
    assert isinstance(found, Observed), found
    return found.fact


def shown(session: list[str]) -> list[str]:
    """Commands with the random local part taken out."""
    return [
        "RCPT TO:<?>" if c.startswith("RCPT TO:<mailproof-") else
        "VRFY ?" if c.startswith("VRFY mailproof-") else c
        for c in session
    ]  # fmt: skip


# Mailboxes and questions


@pytest.mark.parametrize("pipelining", [True, False])
def test_everything_of_port_25_takes_three_connections(pipelining: bool) -> None:
    behaviour = replace(MX, pipelining=pipelining, drops_groups=not pipelining)
    seen, server = asked(behaviour)
    first, second, third = server.sessions
    assert shown(first)[:9] == [
        EHLO, MAIL, POSTMASTER, "RCPT TO:<?>", "RCPT TO:<postmaster>", "RSET",
        "MAIL FROM:<>", POSTMASTER, "RSET",
    ]  # fmt: skip
    assert first[9:] == [
        "VRFY postmaster@example.net", "EXPN postmaster@example.net", "HELP", "STARTTLS",
    ]  # fmt: skip
    assert second == [EHLO, "STARTTLS"]
    assert third[0] == EHLO
    recipients = fact(seen, LocalRecipients)
    assert (recipients.known.reply.code, recipients.bare.reply.code) == (250, 250)
    assert recipients.unknown.reply.code == 550
    assert recipients.unknown.recipient.startswith("mailproof-")
    assert (recipients.null_mail.code, recipients.null_rcpt.code) == (250, 250)
    assert not recipients.encrypted
    assert fact(seen, MailBeforeTls).reply.code == 250
    assert fact(seen, AddressCommands).unknown is None
    assert fact(seen, HelpReply).reply.code == 502


def test_a_random_user_is_asked_for_where_vrfy_is_known() -> None:
    seen, server = asked(replace(MX, replies={"VRFY": "252 2.0.0 cannot say"}))
    assert shown(server.sessions[0])[9:11] == ["VRFY postmaster@example.net", "VRFY ?"]
    assert fact(seen, AddressCommands).unknown.reply.code == 252


def test_where_mail_needs_tls_the_mailboxes_are_asked_inside_it() -> None:
    seen, server = asked(replace(MX, tls_required=True))
    first = shown(server.sessions[0])
    assert first.count("STARTTLS") == 1
    assert first[-1] == "QUIT"
    assert fact(seen, MailBeforeTls).reply.text == "530 5.7.0 Must issue a STARTTLS command first"
    assert fact(seen, LocalRecipients).encrypted
    assert fact(seen, LocalRecipients).known.reply.code == 250
    assert [attempt.gap_s for attempt in fact(seen, StarttlsInjection).attempts] == [0.0]
    assert len(server.sessions) == 3


def test_refused_mail_leaves_no_recipients() -> None:
    found = fact(asked(replace(MX, replies={"MAIL": "550 5.7.1 go away"}))[0], LocalRecipients)
    assert (found.mail.code, found.known, found.unknown, found.null_rcpt) == (550, None, None, None)


def test_a_host_that_serves_no_domain_is_asked_for_no_mailbox() -> None:
    seen, server = asked(MX, domains=())
    assert silence(seen, LocalRecipients)[0] is Reason.ABSENT
    assert fact(seen, MailBeforeTls).reply.code == 250
    assert "VRFY postmaster" in server.sessions[0]


def test_submission_is_asked_inside_tls_and_for_no_mailbox() -> None:
    behaviour = replace(MX, login_required=True, tls_required=True)
    seen, server = asked(behaviour, 587)
    assert server.sessions[0][:3] == [EHLO, "STARTTLS", EHLO]
    assert server.sessions[0][-1] == "QUIT"
    assert fact(seen, AddressCommands, 587).encrypted
    assert [a.gap_s for a in fact(seen, StarttlsInjection, 587).attempts] == [0.0]
    assert len(server.sessions) == 2
    assert reasons(seen, [LocalRecipients, EarlyTalk, MailBeforeTls], 587) == {Reason.SKIPPED}


def test_implicit_tls_takes_one_connection() -> None:
    seen, server = asked(replace(MX, implicit_tls=True), 465)
    assert len(server.sessions) == 1
    assert fact(seen, AddressCommands, 465).encrypted
    assert silence(seen, StarttlsInjection, 465)[0] is Reason.SKIPPED


def test_only_what_is_wanted_is_asked() -> None:
    _, server = asked(MX, wanted=[HelpReply])
    assert server.sessions == [[EHLO, "HELP", "QUIT"]]
    _, server = asked(MX, wanted=[MailBeforeTls])
    assert server.sessions == [[EHLO, MAIL, "RSET", "QUIT"]]


def test_a_host_outside_the_inventory_is_never_asked() -> None:
    seen, server = asked(MX, ours=False)
    assert reasons(seen, sorted(ALL, key=str)) == {Reason.SKIPPED}
    assert server.sessions == []


def test_what_the_run_knows_already_is_not_asked_again() -> None:
    async def run() -> tuple[Snapshot, SmtpServer]:
        async with SmtpServer(MX) as server:
            seen = fleet(server.port, domains=("example.net",))
            seen.add([silent(EhloReply, service(), Reason.THROTTLED, "421 busy")])
            return await ask(seen), server

    seen, server = asyncio.run(run())
    assert reasons(seen, sorted(ALL, key=str)) == {Reason.THROTTLED}
    assert server.sessions == []


@pytest.mark.parametrize(
    "behaviour",
    [
        replace(MX, local_domains=()),
        replace(MX, replies={"MAIL": "550 no", "VRFY": "550 no", "RSET": "503 no"}),
        replace(MX, replies=dict.fromkeys(("MAIL", "RCPT", "RSET", "VRFY", "EXPN"), "502 no")),
        replace(MX, greylist=True, pipelining=False),
    ],
)
def test_no_connection_has_more_than_eight_refusals_but_for_one_group(
    behaviour: Behaviour,
) -> None:
    _, server = asked(behaviour)
    asked_for_nothing = {"EHLO", "STARTTLS", "QUIT", "NOOP"}
    for session in server.sessions:
        assert len([c for c in session if c.split()[0] not in asked_for_nothing]) <= 12
        assert sum(c.split()[0] in ("VRFY", "EXPN", "HELP") for c in session) <= 4


# STARTTLS injection


def test_a_server_that_forgets_what_came_in_clear_is_not_accused() -> None:
    attempts = fact(asked(MX, wanted=[StarttlsInjection])[0], StarttlsInjection).attempts
    assert [attempt.gap_s for attempt in attempts] == [0.0, 0.05]
    assert all(attempt.in_step or attempt.turned_away for attempt in attempts)
    assert not any(attempt.out_of_step for attempt in attempts)


def test_a_server_that_obeys_inside_tls_what_came_in_clear_is_caught() -> None:
    seen, server = asked(replace(MX, keeps_plaintext=True), wanted=[StarttlsInjection])
    (attempt,) = fact(seen, StarttlsInjection).attempts
    assert attempt.out_of_step
    assert [reply.code for reply in attempt.inside] == [250, 250]
    assert attempt.inside[0].text == "250 2.0.0 OK"
    assert server.sessions == [[EHLO, "STARTTLS", EHLO, "QUIT"]]


def test_a_server_whose_ehlo_in_tls_lists_nothing_is_not_accused() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example.net ESMTP\r\n")
        await reader.readline()
        writer.write(b"250-mx.example.net\r\n250 STARTTLS\r\n")
        await reader.readline()
        await reader.readline()
        writer.write(b"220 go ahead\r\n")
        await writer.drain()
        await writer.start_tls(TLS)
        for answer in (b"250 mx.example.net\r\n", b"221 bye\r\n"):
            await reader.readline()
            writer.write(answer)

    seen, _ = scripted(script, [StarttlsInjection])
    assert all(attempt.in_step for attempt in fact(seen, StarttlsInjection).attempts)


def test_a_server_that_answers_both_in_clear_and_then_starts_tls_is_in_step() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example.net ESMTP\r\n")
        await reader.readline()
        writer.write(b"250-mx.example.net\r\n250 STARTTLS\r\n")
        await reader.readline()
        await reader.readline()
        writer.write(b"220 go ahead\r\n250 noop\r\n")
        await writer.drain()
        await writer.start_tls(TLS)
        for answer in (b"250 mx.example.net\r\n", b"221 bye\r\n"):
            await reader.readline()
            writer.write(answer)

    seen, _ = scripted(script, [StarttlsInjection])
    assert all(attempt.in_step for attempt in fact(seen, StarttlsInjection).attempts)


@pytest.mark.parametrize(
    ("answer", "turned_away", "reason"),
    [
        ("502 5.5.1 not now", True, None),
        ("554 5.5.0 Error: SMTP protocol synchronization", True, None),
        ("454 4.7.0 not now", False, None),
        ("421 4.7.0 too many", False, Reason.THROTTLED),
    ],
)
def test_refused_starttls_ends_an_attempt(
    answer: str, turned_away: bool, reason: Reason | None
) -> None:
    seen, _ = asked(replace(MX, replies={"STARTTLS": answer}), wanted=[StarttlsInjection])
    first = fact(seen, StarttlsInjection).attempts[0]
    assert first.turned_away is turned_away
    assert (first.ended.reason if first.ended else None) is reason


def test_where_no_tls_ever_works_injection_is_not_tried() -> None:
    async def run() -> tuple[Snapshot, SmtpServer]:
        async with SmtpServer(MX) as server:
            seen = fleet(server.port, domains=("example.net",))
            known = (wire.starttls(service()), wire.handshake(service(), "alert internal_error"))
            seen.add([Observed(each, PROVENANCE) for each in known])
            walk = ConductWalk(origin(), [StarttlsInjection], SETTINGS, Pace(SETTINGS.limits))
            seen.add(await walk.collect(service(), seen))
            return seen, server

    seen, server = asyncio.run(run())
    assert silence(seen, StarttlsInjection)[0] is Reason.TLS
    assert server.sessions == []


# Early talk


def test_a_server_that_turns_early_talkers_away_says_so() -> None:
    found = fact(asked(MX, wanted=[EarlyTalk])[0], EarlyTalk)
    assert [reply.code for reply in found.replies] == [220, 554]
    assert found.ended.reason is Reason.DISCONNECTED


def test_a_server_that_answers_early_talkers_answers_all_of_it() -> None:
    found = fact(asked(replace(MX, enforces_sync=False), wanted=[EarlyTalk])[0], EarlyTalk)
    assert [reply.code for reply in found.replies] == [220, 250, 250]
    assert found.ended is None


# Servers that mean harm


async def greet_twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers every line twice, in one segment."""
    writer.write(b"220 mx.example.net ESMTP\r\n")
    while await reader.readline():
        writer.write(b"250 mx.example.net\r\n250 and again\r\n")


async def never_ending(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greets, and answers whatever comes with lines without end."""
    writer.write(b"220 mx.example.net ESMTP\r\n")
    await reader.readline()
    while not writer.is_closing():
        writer.write(b"250-more\r\n" * 100)
        await writer.drain()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (scripts.silence, Reason.TIMEOUT),
        (scripts.drip, Reason.TIMEOUT),
        (scripts.endless, Reason.PROTOCOL),
        (scripts.long_line, Reason.PROTOCOL),
        (scripts.garbage, Reason.PROTOCOL),
        (scripts.hang_up, Reason.DISCONNECTED),
        (scripts.half_close, Reason.DISCONNECTED),
        (scripts.reset, Reason.DISCONNECTED),
        (greet_twice, Reason.PROTOCOL),
        (never_ending, Reason.PROTOCOL),
    ],
)
def test_hostile_servers_end_in_a_reason_within_the_deadline(
    script: Script, reason: Reason
) -> None:
    seen, elapsed_s = scripted(script)
    kinds = (LocalRecipients, AddressCommands, HelpReply, MailBeforeTls, StarttlsInjection)
    assert reasons(seen, kinds) == {reason}
    early = seen.get(EarlyTalk, service())
    assert early is not None
    assert elapsed_s < SETTINGS.limits.host_s


@pytest.mark.parametrize("port", [25, 587])
def test_replies_in_pieces_of_one_octet_are_read_as_any_others(port: int) -> None:
    whole, pieces = (
        asked(replace(MX, segment_octets=size), port, wanted=[AddressCommands, StarttlsInjection])
        for size in (None, 1)
    )
    for seen, _ in (whole, pieces):
        assert fact(seen, AddressCommands, port).known.reply.code == 502
        assert not any(a.out_of_step for a in fact(seen, StarttlsInjection, port).attempts)


def test_data_is_never_sent() -> None:
    _, server = asked(replace(MX, takes_messages=True, relay=True))
    assert not [c for c in server.commands if c.upper().startswith(("DATA", "BDAT"))]
