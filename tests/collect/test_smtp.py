import asyncio
import time
import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

import msgspec
import pytest

from audits.collect.live.pace import Pace
from audits.collect.live.smtp import ServiceWalk
from audits.collect.live.trust import TrustStore
from audits.demo.certificates import Authority
from audits.facts.conduct import RoleMailboxes
from audits.facts.dns import HostAddresses
from audits.facts.fact import Fact, Observed, Reason, Unobserved, kind_of
from audits.facts.relay import FormOutcome, RelayControls
from audits.facts.smtp import (
    AuthInClear,
    EhloInTls,
    EhloReply,
    Greeting,
    Keyword,
    MailInClear,
    RoleRecipient,
    StartTls,
    Transcript,
    UnauthenticatedMail,
)
from audits.facts.snapshot import Snapshot
from audits.facts.tcp import PortState
from audits.facts.tls import CertificateChain, TlsHandshake
from audits.settings import ProbeSettings, Settings
from audits.subject import MailHost, Service
from tests.build import silent
from tests.collect.walking import (
    LIMITS,
    NAME,
    SETTINGS,
    fleet,
    origin,
    path,
    reasons,
    redirected,
    service,
    silence,
    snapshot,
    walk,
)
from tests.servers import smtp as scripts
from tests.servers.smtp import Behaviour, Script, SmtpServer, answering, raw_server

AUTHORITY = Authority()
TLS = AUTHORITY.issue(NAME).server_context()
MX = Behaviour(hostname=NAME, tls=TLS, local_domains=("example.net", "example.org"))
MSA = replace(MX, auth=("PLAIN", "LOGIN"), login_required=True, tls_required=True)
EHLO = "EHLO mailproof.invalid"
MAIL = "MAIL FROM:<probe@mailproof.invalid>"
WITHOUT_ABUSE = ServiceWalk.provides - {RoleMailboxes, RelayControls}
AFTER_EHLO = (StartTls, TlsHandshake, CertificateChain, EhloInTls, AuthInClear)


def rcpt(domain: str) -> str:
    return f"RCPT TO:<postmaster@{domain}>"


def walked(
    behaviour: Behaviour,
    port: int = 25,
    *,
    wanted: Iterable[type[Fact]] = WITHOUT_ABUSE,
    settings: Settings = SETTINGS,
    trust: TrustStore | None = None,
    **about: Any,
) -> tuple[Snapshot, SmtpServer]:
    """The snapshot after a walk over a server of that behaviour, and the server's log."""

    async def run() -> tuple[Snapshot, SmtpServer]:
        async with SmtpServer(behaviour) as server:
            seen = fleet(server.port, port, **about)
            await walk(seen, port, wanted=wanted, settings=settings, trust=trust)
            await server.settle()
            return seen, server

    return asyncio.run(run())


def scripted(script: Script, port: int = 25, settings: Settings = SETTINGS) -> Snapshot:
    """The snapshot after a walk over a raw server."""

    async def run() -> Snapshot:
        async with raw_server(script) as server:
            return await walk(fleet(server.port, port), port, settings=settings)

    return asyncio.run(run())


def fact(seen: Snapshot, kind: type[Any], port: int = 25) -> Any:
    """The observed fact of a kind about the service."""
    found = seen.get(kind, service(port))
    assert isinstance(found, Observed), found
    return found.fact


# Port 25


def test_everything_wanted_of_an_mx_comes_from_one_conversation() -> None:
    recipients = [MAIL, rcpt("example.net"), rcpt("example.org"), "RSET", "QUIT"]
    seen, server = walked(MX, mx_of=("example.net", "example.org"))
    assert server.sessions == [[EHLO, "AUTH PLAIN", "STARTTLS", EHLO, *recipients]]
    assert fact(seen, PortState).dialled == f"127.0.0.1:{server.port}"
    assert fact(seen, Greeting).name == NAME
    assert fact(seen, EhloReply).params("STARTTLS") == ()
    assert [a.reply.code for a in fact(seen, AuthInClear).attempts] == [503]
    assert fact(seen, StartTls).reply.code == 220
    assert fact(seen, TlsHandshake).version == "TLSv1.3"
    assert fact(seen, TlsHandshake).server_name == NAME
    assert fact(seen, EhloInTls).params("STARTTLS") is None
    assert Keyword("SIZE", ("10240000",)) in fact(seen, EhloInTls).keywords
    for domain in ("example.net", "example.org"):
        found = seen.fact(RoleRecipient, path(domain))
        assert found is not None
        assert found.rcpt is not None
        assert (found.recipient, found.rcpt.code) == (f"postmaster@{domain}", 250)
    assert reasons(seen, [MailInClear, UnauthenticatedMail]) == {Reason.SKIPPED}


def test_a_redirect_to_an_ipv6_address_is_followed() -> None:
    async def run() -> tuple[Snapshot, SmtpServer]:
        server = SmtpServer(MX)
        await server.start("::1")
        seen = await walk(fleet(server.port, connect_address="[::1]"), wanted=[PortState, Greeting])
        await server.stop()
        return seen, server

    seen, server = asyncio.run(run())
    assert fact(seen, PortState).dialled == f"[::1]:{server.port}"
    assert fact(seen, Greeting).reply.code == 220


def test_the_transcript_holds_the_whole_conversation() -> None:
    seen, _ = walked(MX, mx_of=("example.net",))
    lines = fact(seen, Transcript).lines
    said = [line.text for line in lines if line.side == "C"]
    assert (said[0], said[-1]) == (EHLO, "QUIT")
    assert lines[0].text == f"220 {NAME} ESMTP"
    assert any(line.text.startswith("TLSv1.3 ") for line in lines if line.side == "*")
    assert [line.at_s for line in lines] == sorted(line.at_s for line in lines)


def test_a_host_outside_the_inventory_gets_what_a_sending_mta_sends() -> None:
    async def run() -> tuple[Snapshot, SmtpServer]:
        async with SmtpServer(MX) as server:
            seen = fleet(server.port, ours=False, mx_of=("example.net",))
            settings = redirected(server.port)
            return await walk(seen, settings=settings), server

    seen, server = asyncio.run(run())
    assert server.sessions == [[EHLO, "STARTTLS", EHLO, "QUIT"]]
    assert fact(seen, TlsHandshake).completed
    assert fact(seen, CertificateChain).certificates[0].dns_names == (NAME,)
    assert silence(seen, AuthInClear) == (
        Reason.SKIPPED,
        "the host is not in the inventory: only what a sending MTA does is asked of it",
    )
    hidden = seen.get(RoleRecipient, path("example.net"))
    assert isinstance(hidden, Unobserved)
    assert hidden.reason is Reason.SKIPPED


def test_only_what_is_wanted_is_asked() -> None:
    _, server = walked(MX, wanted=[Greeting, EhloReply], mx_of=("example.net",))
    assert server.sessions == [[EHLO, "QUIT"]]


def test_a_service_that_nothing_is_asked_of_is_not_connected_to() -> None:
    seen, server = walked(MX, wanted=[MailInClear, RoleRecipient])
    assert server.sessions == []
    assert silence(seen, MailInClear) == (Reason.SKIPPED, "port 25 is not a submission port")


def test_only_the_port_is_asked_about_politely() -> None:
    seen, server = walked(MX, wanted=[PortState])
    assert server.sessions == [["QUIT"]]
    assert fact(seen, PortState).state == "open"
    assert len(seen) == 3


def test_recipients_are_asked_one_by_one_without_pipelining() -> None:
    behaviour = replace(MX, pipelining=False, drops_groups=True)
    seen, server = walked(behaviour, mx_of=("example.net", "example.org"))
    assert server.commands[-5:] == [
        MAIL, rcpt("example.net"), rcpt("example.org"), "RSET", "QUIT",
    ]  # fmt: skip
    found = seen.fact(RoleRecipient, path("example.org"))
    assert found is not None
    assert found.rcpt is not None


def test_many_domains_share_one_conversation() -> None:
    domains = tuple(sorted(f"d{number}.example" for number in range(120)))
    behaviour = replace(MX, local_domains=domains)
    seen, server = walked(behaviour, wanted=[RoleRecipient], mx_of=domains)
    assert len(server.sessions) == 1
    assert len(list(seen.facts(RoleRecipient))) == 120
    in_transactions = [c.startswith("RCPT") for c in server.commands]
    assert sum(in_transactions) == 120
    assert server.commands.count(MAIL) == 3


def test_a_server_that_refuses_is_left_after_eight_refusals() -> None:
    domains = tuple(sorted(f"d{number:02}.example" for number in range(50)))
    seen, server = walked(MX, wanted=[RoleRecipient], mx_of=domains)
    refused = [sum(c.startswith("RCPT") for c in session) for session in server.sessions]
    assert refused == [8, 8, 8]
    assert len(list(seen.facts(RoleRecipient))) == 24
    left = seen.get(RoleRecipient, path("d49.example"))
    assert isinstance(left, Unobserved)
    assert (left.reason, left.detail) == (
        Reason.INTERRUPTED,
        "not asked: 8 refusals in each of 3 connections",
    )


def test_abuse_is_asked_for_after_every_postmaster() -> None:
    behaviour = replace(MX, mailboxes=("postmaster",))
    wanted = [RoleRecipient, RoleMailboxes]
    seen, server = walked(behaviour, wanted=wanted, mx_of=("example.net", "example.org"))
    (session,) = server.sessions
    assert session[-6:-2] == [
        rcpt("example.net"), rcpt("example.org"),
        "RCPT TO:<abuse@example.net>", "RCPT TO:<abuse@example.org>",
    ]  # fmt: skip
    found = seen.fact(RoleMailboxes, path("example.org"))
    assert found is not None
    assert [(each.recipient, each.reply.code) for each in found.mailboxes] == [
        ("abuse@example.org", 550)
    ]


def test_refused_abuse_costs_one_more_connection_at_most_and_no_postmaster() -> None:
    domains = tuple(sorted(f"d{number:02}.example" for number in range(30)))
    behaviour = replace(MX, local_domains=domains, mailboxes=("postmaster",))
    wanted = [RoleRecipient, RoleMailboxes]
    seen, server = walked(behaviour, wanted=wanted, mx_of=domains)
    assert len(server.sessions) == 2
    assert len(list(seen.facts(RoleRecipient))) == 30
    assert len(list(seen.facts(RoleMailboxes))) == 16
    left = seen.get(RoleMailboxes, path("d29.example"))
    assert isinstance(left, Unobserved)
    assert (left.reason, left.detail) == (
        Reason.INTERRUPTED,
        "not asked: the service refused 8 mailboxes in each connection",
    )


def test_greylisting_is_an_observed_reply() -> None:
    seen, _ = walked(replace(MX, greylist=True), mx_of=("example.net",))
    found = seen.fact(RoleRecipient, path("example.net"))
    assert found is not None
    assert found.rcpt is not None
    assert found.rcpt.enhanced == "4.2.0"


@pytest.mark.parametrize("pipelining", [True, False])
def test_refused_mail_stands_for_every_domain(pipelining: bool) -> None:
    behaviour = replace(MX, pipelining=pipelining, replies={"MAIL": "550 5.1.8 bad sender"})
    seen, server = walked(behaviour, mx_of=("example.net", "example.org"))
    assert [c for c in server.commands if c.startswith("RCPT")] == (
        [rcpt("example.net"), rcpt("example.org")] if pipelining else []
    )
    for found in seen.facts(RoleRecipient):
        assert (found.mail.code, found.rcpt) == (550, None)
    assert len(list(seen.facts(RoleRecipient))) == 2


def test_without_starttls_the_mailboxes_are_asked_in_clear() -> None:
    seen, server = walked(replace(MX, starttls=False), mx_of=("example.net",))
    assert fact(seen, StartTls) == StartTls(service(), False, None)
    assert reasons(seen, [TlsHandshake, CertificateChain, EhloInTls]) == {Reason.NOT_OFFERED}
    assert len(server.sessions) == 1
    assert seen.fact(RoleRecipient, path("example.net")) is not None


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("454 4.7.0 TLS not available", Reason.DEFERRED),
        ("502 5.5.1 not implemented", Reason.REFUSED),
    ],
)
def test_refused_starttls_hides_tls_and_the_walk_goes_on(reply: str, reason: Reason) -> None:
    seen, server = walked(replace(MX, replies={"STARTTLS": reply}), mx_of=("example.net",))
    assert fact(seen, StartTls).reply.text == reply
    assert silence(seen, TlsHandshake) == (reason, f"STARTTLS was refused with {reply}")
    assert len(server.sessions) == 1
    assert seen.fact(RoleRecipient, path("example.net")) is not None


@pytest.mark.parametrize(
    ("script", "reason", "error"),
    [
        (scripts.tls_alert(40), Reason.TLS, "alert handshake_failure"),
        (scripts.tls_garbage, Reason.TLS, "not TLS: the server sent '500 what was that?'"),
        (scripts.hang_up, Reason.DISCONNECTED, None),
        (scripts.silence, Reason.TIMEOUT, None),
    ],
)
def test_after_failed_tls_the_mailboxes_are_asked_in_a_new_connection(
    script: Script, reason: Reason, error: str | None
) -> None:
    async def run() -> tuple[Snapshot, int]:
        async with raw_server(answering(script)) as server:
            seen = await walk(fleet(server.port, mx_of=("example.net",)))
            return seen, server.connections

    seen, connections = asyncio.run(run())
    assert connections == 2
    if error is None:
        assert silence(seen, TlsHandshake)[0] is reason
    else:
        assert fact(seen, TlsHandshake).error == error
    assert reasons(seen, [CertificateChain, EhloInTls]) == {reason}
    found = seen.fact(RoleRecipient, path("example.net"))
    assert found is not None
    assert found.rcpt is not None


def test_octets_in_clear_behind_starttls_are_dropped_and_noted() -> None:
    seen = scripted(answering(scripts.tls_alert(40), more=b"250 injected\r\n"))
    notes = [line.text for line in fact(seen, Transcript).lines if line.side == "*"]
    assert "14 octets received in clear before TLS were discarded" in notes
    assert fact(seen, TlsHandshake).error == "alert handshake_failure"


def test_the_chain_is_verified_against_the_private_authority(tmp_path: FilePath) -> None:
    root = tmp_path / "root.pem"
    root.write_bytes(AUTHORITY.root_pem)
    seen, _ = walked(MX, private_ca=str(root))
    assert fact(seen, CertificateChain).verification.code == 0
    seen, _ = walked(MX)
    assert fact(seen, CertificateChain).verification.code == 20


def test_a_private_authority_that_can_not_be_read_costs_the_chain_only(tmp_path: FilePath) -> None:
    seen, _ = walked(MX, private_ca=str(tmp_path / "absent.pem"))
    reason, detail = silence(seen, CertificateChain)
    assert reason is Reason.INTERNAL
    assert "absent.pem" in detail
    assert fact(seen, TlsHandshake).completed
    assert fact(seen, EhloInTls).reply.code == 250


def test_auth_that_goes_on_in_clear_is_cancelled() -> None:
    behaviour = replace(MX, auth=("PLAIN", "LOGIN"), auth_before_tls=True)
    seen, server = walked(behaviour, wanted=[AuthInClear])
    assert server.commands == [EHLO, "AUTH PLAIN", "*", "AUTH LOGIN", "*", "QUIT"]
    assert [a.reply.code for a in fact(seen, AuthInClear).attempts] == [334, 334]


def test_auth_that_is_refused_for_its_kind_is_tried_with_the_other() -> None:
    replies = {"AUTH": "538 5.7.11 Encryption required for this mechanism"}
    _, server = walked(replace(MX, replies=replies), wanted=[AuthInClear])
    assert server.commands == [EHLO, "AUTH PLAIN", "AUTH LOGIN", "QUIT"]


# Controls of relay probes


def test_controls_ride_behind_the_role_mailboxes_in_one_group() -> None:
    wanted = {RoleRecipient, RelayControls}
    seen, server = walked(MX, wanted=wanted, mx_of=("example.net",))
    found = fact(seen, RelayControls)
    assert [form.outcome for form in found.controls] == [FormOutcome.DENIED] * 3
    served, own, impossible = (form.rcpt_to for form in found.controls)
    assert (served.partition("@")[2], own.partition("@")[2]) == ("example.net", "mx.example.net")
    assert impossible.endswith(".invalid")
    controls = [f"RCPT TO:<{to}>" for to in (served, own, impossible)]
    assert server.commands[-6:] == [rcpt("example.net"), *controls, "RSET", "QUIT"]
    assert all(form.encrypted for form in found.controls)


def test_controls_alone_take_a_transaction_of_their_own() -> None:
    seen, server = walked(MX, wanted={RelayControls})
    assert len(fact(seen, RelayControls).controls) == 2
    assert server.commands[0] == EHLO
    assert server.commands[-2:] == ["RSET", "QUIT"]
    assert len(server.sessions) == 1


def test_controls_stay_out_where_they_would_be_refused_too_often() -> None:
    wanted = {RoleRecipient, RoleMailboxes, RelayControls}
    behaviour = replace(MX, mailboxes=())
    domains = ("example.net", "example.org", "example.com")
    seen, server = walked(behaviour, wanted=wanted, mx_of=domains)
    assert silence(seen, RelayControls)[0] is Reason.INTERRUPTED
    assert not any("invalid>" in command for command in server.commands if "RCPT" in command)


# Submission


def test_a_submission_port_is_asked_in_clear_and_in_tls() -> None:
    seen, server = walked(MSA, 587, domains=("example.net",))
    # No recipient follows a sender that is refused.
    in_tls = [MAIL, "RSET", "QUIT"]
    assert server.sessions == [[EHLO, MAIL, "RSET", "AUTH PLAIN", "STARTTLS", EHLO, *in_tls]]
    assert (
        fact(seen, MailInClear, 587).reply.text == "530 5.7.0 Must issue a STARTTLS command first"
    )
    assert [a.reply.code for a in fact(seen, AuthInClear, 587).attempts] == [530]
    found = fact(seen, UnauthenticatedMail, 587)
    assert (found.mail.code, found.foreign, found.local) == (530, None, None)
    assert fact(seen, EhloInTls, 587).params("AUTH") == ("PLAIN", "LOGIN")


def test_submission_without_login_shows_in_both_recipients() -> None:
    behaviour = replace(MX, relay=True)
    seen, _ = walked(behaviour, 587, domains=("example.net",))
    found = fact(seen, UnauthenticatedMail, 587)
    assert (found.foreign.recipient, found.foreign.reply.code) == ("canary@mailproof.invalid", 250)
    assert (found.local.recipient, found.local.reply.code) == ("postmaster@example.net", 250)
    assert fact(seen, MailInClear, 587).reply.code == 250


def test_a_foreign_recipient_that_is_served_here_is_not_asked() -> None:
    settings = Settings(probe=ProbeSettings(recipient="me@example.net"), limits=LIMITS)
    seen, server = walked(MX, 587, domains=("example.net",), settings=settings)
    assert fact(seen, UnauthenticatedMail, 587).foreign is None
    assert "RCPT TO:<me@example.net>" not in server.commands


def test_submission_without_starttls_is_still_asked_for_mail_in_clear() -> None:
    behaviour = replace(MX, starttls=False)
    seen, server = walked(behaviour, 587, wanted=[MailInClear, UnauthenticatedMail])
    assert server.commands == [EHLO, MAIL, "RSET", "QUIT"]
    assert fact(seen, MailInClear, 587).reply.code == 250
    assert silence(seen, UnauthenticatedMail, 587)[0] is Reason.NOT_OFFERED


def test_implicit_tls_is_spoken_from_the_start() -> None:
    seen, server = walked(replace(MSA, implicit_tls=True), 465, domains=("example.net",))
    assert server.sessions[0][:2] == [EHLO, MAIL]
    assert fact(seen, EhloReply, 465).keywords == fact(seen, EhloInTls, 465).keywords
    assert fact(seen, TlsHandshake, 465).completed
    assert fact(seen, UnauthenticatedMail, 465).mail.code == 530
    for kind in (StartTls, AuthInClear, MailInClear):
        assert silence(seen, kind, 465) == (Reason.SKIPPED, "465 is TLS from the start")


def test_plain_smtp_on_465_is_a_failed_handshake_that_says_so() -> None:
    seen, _ = walked(MSA, 465)
    handshake = fact(seen, TlsHandshake, 465)
    assert not handshake.completed
    assert handshake.error == f"not TLS: the server sent '220 {NAME} ESMTP'"
    assert reasons(seen, [Greeting, EhloReply, EhloInTls, UnauthenticatedMail], 465) == {Reason.TLS}


def test_plain_421_on_465_is_throttling() -> None:
    seen, _ = walked(replace(MSA, greeting="421 4.7.0 too many connections"), 465)
    assert silence(seen, TlsHandshake, 465) == (
        Reason.THROTTLED,
        "421 4.7.0 too many connections",
    )


# What hides the rest


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [
        ("421 4.3.2 come back later", Reason.THROTTLED),
        ("450 4.7.1 not yet", Reason.DEFERRED),
    ],
)
def test_a_service_that_puts_us_off_is_not_observed(greeting: str, reason: Reason) -> None:
    seen, server = walked(replace(MX, greeting=greeting), mx_of=("example.net",))
    assert reasons(seen, [Greeting, EhloReply, *AFTER_EHLO]) == {reason}
    assert greeting in silence(seen, Greeting)[1]
    hidden = seen.get(RoleRecipient, path("example.net"))
    assert isinstance(hidden, Unobserved)
    assert hidden.reason is reason
    assert fact(seen, PortState).state == "open"
    assert server.sessions == [[] if greeting.startswith("421") else ["QUIT"]]


def test_a_554_greeting_is_observed_and_refuses_the_rest() -> None:
    seen, server = walked(replace(MX, greeting="554 5.7.1 no service for you"))
    assert fact(seen, Greeting).reply.code == 554
    assert reasons(seen, [EhloReply, *AFTER_EHLO]) == {Reason.REFUSED}
    assert server.commands == ["QUIT"]


def test_421_to_ehlo_hides_what_follows() -> None:
    seen, _ = walked(replace(MX, replies={"EHLO": "421 4.4.2 bye"}))
    assert fact(seen, Greeting).reply.code == 220
    assert silence(seen, EhloReply) == (Reason.THROTTLED, "421 4.4.2 bye")
    assert reasons(seen, AFTER_EHLO) == {Reason.THROTTLED}


def test_421_to_a_recipient_hides_the_recipients_only() -> None:
    seen, _ = walked(replace(MX, replies={"RCPT": "421 4.7.0 slow down"}), mx_of=("example.net",))
    assert fact(seen, EhloInTls).reply.code == 250
    hidden = seen.get(RoleRecipient, path("example.net"))
    assert isinstance(hidden, Unobserved)
    assert (hidden.reason, hidden.detail) == (Reason.THROTTLED, "421 4.7.0 slow down")


def test_refused_ehlo_is_observed_and_hides_the_rest() -> None:
    seen, server = walked(replace(MX, replies={"EHLO": "550 5.7.1 go away"}))
    assert fact(seen, EhloReply).reply.code == 550
    assert reasons(seen, AFTER_EHLO) == {Reason.PROTOCOL}
    assert server.commands == [EHLO, "QUIT"]


def test_a_connection_closed_midway_is_a_disconnection() -> None:
    seen, server = walked(replace(MX, closes_at=frozenset({"STARTTLS"})))
    assert fact(seen, EhloReply).reply.code == 250
    assert fact(seen, AuthInClear).attempts != ()
    hidden = [StartTls, TlsHandshake, CertificateChain, EhloInTls]
    assert reasons(seen, hidden) == {Reason.DISCONNECTED}
    assert silence(seen, StartTls)[1].endswith("before its reply to STARTTLS")
    assert len(server.sessions) == 1


def test_hanging_up_at_auth_in_clear_hides_only_that() -> None:
    seen, server = walked(replace(MX, closes_at=frozenset({"AUTH"})), mx_of=("example.net",))
    assert silence(seen, AuthInClear) == (
        Reason.DISCONNECTED,
        "the server closed the connection before its reply to AUTH PLAIN",
    )
    assert fact(seen, TlsHandshake).completed
    assert seen.fact(RoleRecipient, path("example.net")) is not None
    assert server.sessions == [
        [EHLO, "AUTH PLAIN"],
        [EHLO, "STARTTLS", EHLO, MAIL, rcpt("example.net"), "RSET", "QUIT"],
    ]


def test_a_late_greeting_is_a_timeout_and_the_port_is_open() -> None:
    seen, _ = walked(replace(MX, greeting_delay_s=3))
    assert silence(seen, Greeting) == (Reason.TIMEOUT, "no greeting within 0.3 s")
    assert fact(seen, PortState).state == "open"


def test_replies_in_single_octets_are_understood() -> None:
    seen, _ = walked(replace(MX, segment_octets=1), mx_of=("example.net",))
    assert fact(seen, TlsHandshake).completed
    assert seen.fact(RoleRecipient, path("example.net")) is not None


def test_hostile_text_stays_text() -> None:
    text = "220 <script>alert(1)</script> \x1b[2J\x07"
    seen, _ = walked(replace(MX, greeting=text))
    assert fact(seen, Greeting).reply.lines == (text[4:],)
    assert fact(seen, Greeting).name == "<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (scripts.silence, Reason.TIMEOUT),
        (scripts.drip, Reason.TIMEOUT),
        (scripts.endless, Reason.PROTOCOL),
        (scripts.long_line, Reason.PROTOCOL),
        (scripts.garbage, Reason.PROTOCOL),
        (scripts.hang_up, Reason.DISCONNECTED),
    ],
)
def test_a_greeting_that_never_ends_well_has_a_bounded_outcome(
    script: Script, reason: Reason
) -> None:
    begun = time.monotonic()
    seen = scripted(script)
    assert time.monotonic() - begun < 1.5
    assert reasons(seen, [Greeting, EhloReply, *AFTER_EHLO]) == {reason}
    assert fact(seen, PortState).state == "open"
    assert isinstance(seen.get(Transcript, service()), Observed)


@pytest.mark.parametrize("script", [scripts.long_line, scripts.endless])
def test_a_server_that_sends_without_end_costs_little_memory(script: Script) -> None:
    tracemalloc.start()
    scripted(script)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 4_000_000


@pytest.mark.parametrize("script", [scripts.half_close, scripts.reset])
def test_a_connection_that_ends_after_the_greeting_keeps_the_greeting(script: Script) -> None:
    seen = scripted(script)
    assert fact(seen, Greeting).reply.code == 220
    assert reasons(seen, [EhloReply, *AFTER_EHLO]) == {Reason.DISCONNECTED}


def test_the_whole_service_has_one_deadline() -> None:
    limits = msgspec.structs.replace(LIMITS, banner_s=5.0, host_s=0.4)
    begun = time.monotonic()
    seen = scripted(scripts.silence, settings=Settings(limits=limits))
    assert time.monotonic() - begun < 1
    assert silence(seen, Greeting) == (
        Reason.TIMEOUT,
        "no greeting: the 0.4 s for this service are over",
    )


def test_a_turn_that_does_not_come_in_time_says_nothing_of_the_port() -> None:
    limits = msgspec.structs.replace(LIMITS, per_address=1, connect_s=0.1, host_s=0.3)

    async def run() -> Snapshot:
        pace = Pace(limits)
        collector = ServiceWalk(origin(), [PortState], Settings(limits=limits), pace, TrustStore())
        async with raw_server(scripts.silence) as server, pace.slot(f"127.0.0.1:{server.port}"):
            seen = fleet(server.port)
            seen.add(await collector.collect(service(), seen))
            return seen

    reason, detail = silence(asyncio.run(run()), PortState)
    assert reason is Reason.INTERRUPTED
    assert detail.endswith("came up within 0.3 s")


def test_a_closed_port_refuses_everything_behind_it() -> None:
    async def run() -> Snapshot:
        async with SmtpServer(MX) as server:
            port = server.port
        return await walk(fleet(port, mx_of=("example.net",)))

    seen = asyncio.run(run())
    assert fact(seen, PortState).state == "closed"
    assert reasons(seen, [Greeting, EhloReply, Transcript, *AFTER_EHLO]) == {Reason.REFUSED}


def test_an_unknown_address_hides_everything_for_the_reason_of_its_lookup() -> None:
    nowhere = Service(NAME, "", 25)

    async def run(seen: Snapshot) -> Snapshot:
        collector = ServiceWalk(origin(), [PortState], SETTINGS, Pace(LIMITS), TrustStore())
        seen.add(await collector.collect(nowhere, seen))
        return seen

    seen = fleet(1)
    seen.add([silent(HostAddresses, MailHost(NAME), Reason.SERVFAIL, "SERVFAIL for A")])
    found = asyncio.run(run(seen)).get(PortState, nowhere)
    assert isinstance(found, Unobserved)
    assert (found.reason, found.detail) == (
        Reason.SERVFAIL,
        f"the address of {NAME} is not known: SERVFAIL for A",
    )
    found = asyncio.run(run(fleet(1))).get(PortState, nowhere)
    assert isinstance(found, Unobserved)
    assert found.reason is Reason.ABSENT


def test_a_host_of_unknown_standing_is_not_asked() -> None:
    seen = asyncio.run(walk(snapshot([])))
    assert reasons(seen, [PortState, Greeting]) == {Reason.NOT_COLLECTED}


def test_every_wanted_fact_is_accounted_for() -> None:
    for port in (25, 465, 587):
        seen, _ = walked(MX, port)
        kinds = ServiceWalk.provides - {RoleRecipient, RoleMailboxes, RelayControls}
        for kind in kinds:
            assert seen.get(kind, service(port)) is not None, kind_of(kind)


def test_data_is_never_sent() -> None:
    for port in (25, 587):
        _, server = walked(replace(MX, relay=True), port, mx_of=("example.net",))
        assert not [c for c in server.commands if c.upper().startswith(("DATA", "BDAT"))]


def test_replies_to_commands_that_were_never_sent_are_worth_nothing() -> None:
    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example.net ESMTP\r\n")
        while await reader.readline():
            writer.write(b"250 mx.example.net\r\n250 and again\r\n")

    seen = scripted(twice)
    assert silence(seen, EhloReply) == (
        Reason.PROTOCOL,
        "the server sent what no command had asked for: 250 and again",
    )
    assert reasons(seen, AFTER_EHLO) == {Reason.PROTOCOL}


def test_cancellation_closes_the_connection() -> None:
    closed = asyncio.Event()

    async def until_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        closed.set()

    async def run() -> None:
        async with raw_server(until_end) as server:
            task = asyncio.create_task(walk(fleet(server.port)))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(closed.wait(), 1)

    asyncio.run(run())
