import asyncio
import contextlib
import re
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest

from audits.collect.live.pace import Pace
from audits.collect.live.relay import RelayWalk
from audits.collect.live.smtp import ServiceWalk
from audits.demo.certificates import Authority
from audits.facts.fact import Reason
from audits.facts.relay import BackscatterProbe, FormOutcome, RelayForm, RelayProbes
from audits.facts.smtp import EhloReply
from audits.facts.snapshot import Snapshot
from audits.facts.tcp import PortState
from audits.parse.relay_form import PATTERNS
from audits.settings import ProbeSettings, Settings, VantageSettings
from tests.build import silent
from tests.collect.walking import (
    LIMITS,
    NAME,
    SETTINGS,
    fleet,
    origin,
    service,
    silence,
    try_relaying,
    walk,
)
from tests.servers import smtp as scripts
from tests.servers.smtp import Behaviour, SmtpServer, raw_server

TLS = Authority().issue(NAME).server_context()
MX = Behaviour(hostname=NAME, tls=TLS, local_domains=("example.net", NAME))
EHLO = "EHLO mailproof.invalid"
FORMS = [
    "MAIL FROM:<probe@mailproof.invalid>",
    "RCPT TO:<canary@mailproof.invalid>",
    f"RCPT TO:<canary%mailproof.invalid@{NAME}>",
    f'RCPT TO:<"canary@mailproof.invalid"@{NAME}>',
    f"RCPT TO:<mailproof.invalid!canary@{NAME}>",
    f"RCPT TO:<@{NAME}:canary@mailproof.invalid>",
    "RCPT TO:<canary%mailproof.invalid@[192.0.2.1]>",
    "RSET",
    "MAIL FROM:<>",
    "RCPT TO:<canary@mailproof.invalid>",
    "RSET",
    "MAIL FROM:<probe@example.net>",
    "RCPT TO:<canary@mailproof.invalid>",
    "QUIT",
]


def tried(
    behaviour: Behaviour, port: int = 25, settings: Settings = SETTINGS, **about: Any
) -> tuple[Snapshot, SmtpServer]:
    async def run() -> tuple[Snapshot, SmtpServer]:
        async with SmtpServer(behaviour) as server:
            about.setdefault("domains", ("example.net",))
            seen = await try_relaying(fleet(server.port, port, **about), port, settings)
            await server.settle()
            return seen, server

    return asyncio.run(run())


def replace_probe(settings: Settings, **changes: Any) -> Settings:
    probe = msgspec.structs.replace(settings.probe, **changes)
    return msgspec.structs.replace(settings, probe=probe)


def probes(seen: Snapshot, port: int = 25) -> RelayProbes:
    found = seen.fact(RelayProbes, service(port))
    assert found is not None
    return found


def outcomes(forms: tuple[RelayForm, ...]) -> set[FormOutcome]:
    return {form.outcome for form in forms}


@pytest.mark.parametrize("pipelining", [True, False])
def test_forms_go_through_in_clear_then_inside_tls_and_controls_last(pipelining: bool) -> None:
    behaviour = replace(MX, pipelining=pipelining, drops_groups=not pipelining)
    seen, server = tried(behaviour)
    clear, inside, last = server.sessions
    assert clear == [EHLO, *FORMS]
    assert inside == [EHLO, "STARTTLS", EHLO, *FORMS]
    assert last[:2] == [EHLO, FORMS[0]]
    assert re.fullmatch(r"RCPT TO:<mailproof-[0-9a-f]{8}@example\.net>", last[2])
    assert re.fullmatch(rf"RCPT TO:<mailproof-[0-9a-f]{{8}}@{re.escape(NAME)}>", last[3])
    assert re.fullmatch(r"RCPT TO:<mailproof@mailproof-[0-9a-f]{8}\.invalid>", last[4])
    assert last[5:] == ["QUIT"]
    assert [form.encrypted for form in probes(seen).forms] == [False] * 8 + [True] * 8


def test_without_starttls_the_forms_are_asked_in_clear_alone() -> None:
    seen, server = tried(replace(MX, starttls=False))
    assert len(server.sessions) == 2
    assert len(probes(seen).forms) == 8


@pytest.mark.parametrize(("port", "most"), [(25, 3), (465, 2), (587, 2)])
def test_a_default_run_keeps_within_its_connections_and_refusals(port: int, most: int) -> None:
    _, server = tried(replace(MX, implicit_tls=port == 465), port)
    assert len(server.sessions) <= most
    for lines in server.sessions:
        assert sum(line.startswith("RCPT") for line in lines) <= 8


@pytest.mark.parametrize("pipelining", [True, False])
def test_all_forms_go_through_small_connections(pipelining: bool) -> None:
    settings = replace_probe(SETTINGS, relay_forms="all")
    seen, server = tried(replace(MX, pipelining=pipelining), settings=settings)
    refused = [sum(line.startswith("RCPT") for line in lines) for lines in server.sessions]
    assert sorted(refused) == [1, 1, 3, 6, 7, 8, 8]
    found = probes(seen)
    assert len({form.label for form in found.forms}) == 23
    assert {form.pattern for form in found.forms} == {"", *PATTERNS}
    assert len(found.controls) == 3
    assert {(form.mail_from, form.rcpt_to) for form in found.forms} >= {
        ("probe@mailproof.invalid", "mailproof.invalid!canary"),
        ("probe@mailproof.invalid", '"canary%mailproof.invalid"'),
        ("probe@mailproof.invalid", f"canary@mailproof.invalid@{NAME}"),
        ("probe", "canary@mailproof.invalid"),
        ("probe@[192.0.2.1]", "canary@mailproof.invalid"),
        ("probe@example.net", "canary@mailproof.invalid"),
        (f"probe@{NAME}", "canary@mailproof.invalid"),
    }
    assert {f"EHLO {NAME}", "EHLO localhost"} <= set(server.commands)
    assert all(form.rcpt is not None or form.mail is not None for form in found.forms)


def test_most_forms_are_tried_under_our_own_name() -> None:
    seen, server = tried(MX, settings=replace_probe(SETTINGS, relay_forms="most"))
    refused = [sum(line.startswith("RCPT") for line in lines) for lines in server.sessions]
    assert sorted(refused) == [3, 6, 7, 8, 8]
    assert len({form.label for form in probes(seen).forms}) == 21
    assert {line for line in server.commands if line.startswith("EHLO")} == {EHLO}


def test_the_default_refusal_of_postfix_is_a_denial_in_every_form() -> None:
    found = probes(tried(MX)[0])
    first = found.forms[0]
    assert (first.label, first.outcome) == ("<S> U@D", FormOutcome.DENIED)
    assert first.rcpt is not None
    assert first.rcpt.text == "454 4.7.1 <canary@mailproof.invalid>: Relay access denied"
    assert outcomes(found.forms) == {FormOutcome.DENIED}
    assert outcomes(found.controls) == {FormOutcome.DENIED}
    assert (first.encrypted, first.ehlo) == (False, "mailproof.invalid")
    assert (found.source, found.trusted_vantage) == ("127.0.0.1", False)


def test_an_open_relay_accepts_every_form_and_both_controls() -> None:
    found = probes(tried(replace(MX, relay=True))[0])
    assert outcomes(found.forms) == {FormOutcome.ACCEPTED}
    assert outcomes(found.controls) == {FormOutcome.ACCEPTED}


def test_a_server_that_takes_any_local_part_shows_in_its_control() -> None:
    found = probes(tried(replace(MX, catch_all=True))[0])
    accepted = [form.label for form in found.forms if form.outcome is FormOutcome.ACCEPTED]
    assert accepted == ["<S> U%D@H", '<S> "U@D"@H', "<S> D!U@H"] * 2
    served, at_host, impossible = (form.outcome for form in found.controls)
    assert {served, at_host} == {FormOutcome.ACCEPTED}
    assert impossible is FormOutcome.DENIED


def test_greylisting_defers_and_denies_nothing() -> None:
    found = probes(tried(replace(MX, greylist=True))[0])
    assert outcomes(found.forms) == {FormOutcome.DEFERRED}


@pytest.mark.parametrize("pipelining", [True, False])
def test_mail_that_needs_login_denies_all_its_forms(pipelining: bool) -> None:
    found = probes(tried(replace(MX, login_required=True, pipelining=pipelining))[0])
    for form in found.forms:
        assert (form.outcome, form.rcpt) == (FormOutcome.DENIED, None)
        assert "530 5.7.0 Authentication required" in form.note


def test_no_recipient_follows_a_sender_that_is_known_to_be_refused() -> None:
    async def run() -> tuple[Snapshot, SmtpServer]:
        behaviour = replace(MX, login_required=True, tls_required=True)
        async with SmtpServer(behaviour) as server:
            seen = fleet(server.port, 587, domains=("example.net",))
            await walk(seen, 587, wanted=ServiceWalk.provides)
            return await try_relaying(seen, 587), server

    seen, server = asyncio.run(run())
    walked, tried = server.sessions
    assert "AUTH PLAIN" in walked
    assert not any(line.startswith("RCPT") for line in (*walked, *tried))
    assert sum(line.startswith("MAIL") for line in tried) == 3
    assert outcomes(probes(seen, 587).forms) == {FormOutcome.DENIED}


def test_submission_is_tried_inside_tls() -> None:
    behaviour = replace(MX, tls_required=True)
    seen, server = tried(behaviour, 587)
    assert server.sessions[0] == [EHLO, "STARTTLS", EHLO, *FORMS]
    found = probes(seen, 587)
    assert all(form.encrypted for form in found.forms)
    assert outcomes(found.forms) == {FormOutcome.DENIED}


def test_implicit_tls_is_tried_inside_tls() -> None:
    seen, server = tried(replace(MX, implicit_tls=True), 465)
    assert server.sessions[0] == [EHLO, *FORMS]
    assert all(form.encrypted for form in probes(seen, 465).forms)


@pytest.mark.parametrize(
    ("reply", "note"),
    [
        ("454 4.7.0 TLS not available", "STARTTLS was not accepted: 454 4.7.0 TLS not available"),
        ("220 go ahead", "the TLS handshake failed"),
    ],
)
def test_forms_that_tls_hides_are_untested_with_the_reason(reply: str, note: str) -> None:
    found = probes(tried(replace(MX, replies={"STARTTLS": reply}))[0])
    assert outcomes(found.forms[:8]) == {FormOutcome.DENIED}
    assert outcomes(found.forms[8:]) == {FormOutcome.NOT_TESTED}
    assert all(form.note.startswith(note) for form in found.forms[8:])


def test_a_forged_name_in_ehlo_that_is_refused_is_a_denial() -> None:
    """Some servers know that nobody else bears their own name."""
    settings = replace_probe(SETTINGS, relay_forms="all")

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example.net ESMTP\r\n")
        while line := (await reader.readline()).decode():
            forged = line.startswith(("EHLO localhost", f"EHLO {NAME}"))
            if line.startswith("EHLO"):
                writer.write(b"550 5.7.1 not you\r\n" if forged else b"250 mx.example.net\r\n")
            elif line.startswith("QUIT"):
                return writer.write(b"221 bye\r\n")
            else:
                writer.write(b"250 ok\r\n" if line[:4] in ("MAIL", "RSET") else b"550 no\r\n")

    async def run() -> Snapshot:
        async with raw_server(script) as server:
            return await try_relaying(fleet(server.port), 25, settings)

    forged = [form for form in probes(asyncio.run(run())).forms if form.pattern in ("P06", "P07")]
    assert [form.outcome for form in forged] == [FormOutcome.DENIED] * 2
    assert [form.ehlo for form in forged] == [NAME, "localhost"]
    assert {form.note for form in forged} == {"EHLO was refused: 550 5.7.1 not you"}


@dataclass
class Counted:
    """Flights of a client: groups of octets that it sent without waiting for an answer between."""

    flights: list[int]


async def counting(counted: Counted, reader: Any, writer: Any) -> None:
    """Takes whatever comes within a moment for one flight, then answers all of it."""
    counted.flights.append(0)
    place = len(counted.flights) - 1
    writer.write(b"220 mx.example.net ESMTP\r\n")
    while octets := await reader.read(65536):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.02):
                octets += await reader.read(65536)
        counted.flights[place] += 1
        for line in octets.decode().splitlines():
            word = line.partition(" ")[0]
            ehlo = "250-mx.example.net\r\n250 PIPELINING"
            said = {"EHLO": ehlo, "MAIL": "250 ok", "RSET": "250 ok", "QUIT": "221 bye"}
            writer.write(f"{said.get(word, '550 5.7.1 relaying denied')}\r\n".encode())


@pytest.mark.parametrize(("forms", "connections"), [("usual", 2), ("most", 4), ("all", 6)])
def test_each_connection_costs_four_turns(forms: str, connections: int) -> None:
    """TCP and greeting cost one each, and the client flies twice: EHLO, and all the rest."""
    counted = Counted([])

    async def run() -> Snapshot:
        settings = replace_probe(SETTINGS, relay_forms=forms)
        async with raw_server(lambda r, w: counting(counted, r, w)) as server:
            return await try_relaying(fleet(server.port, domains=("example.net",)), 25, settings)

    found = probes(asyncio.run(run()))
    assert counted.flights == [2] * connections
    assert outcomes(found.forms) == {FormOutcome.DENIED}


def test_hanging_up_leaves_forms_untested_with_the_reason() -> None:
    found = probes(tried(replace(MX, closes_at=frozenset({"RSET"}), pipelining=False))[0])
    assert outcomes(found.forms[:6]) == {FormOutcome.DENIED}
    assert outcomes(found.forms[6:8]) == {FormOutcome.NOT_TESTED}
    assert found.forms[6].note == "the server closed the connection before its reply to RSET"


def test_421_leaves_forms_untested_in_the_servers_words() -> None:
    found = probes(tried(replace(MX, replies={"RCPT": "421 4.7.0 too many errors"}))[0])
    assert outcomes(found.forms) == {FormOutcome.NOT_TESTED}
    assert {form.note for form in found.forms} == {"421 4.7.0 too many errors"}


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [
        ("421 4.3.2 busy", Reason.THROTTLED),
        ("450 4.3.2 not yet", Reason.DEFERRED),
        ("554 5.7.1 no service", Reason.REFUSED),
    ],
)
def test_a_service_that_does_not_greet_is_not_observed(greeting: str, reason: Reason) -> None:
    seen, server = tried(replace(MX, greeting=greeting))
    assert silence(seen, RelayProbes)[0] is reason
    assert greeting in silence(seen, RelayProbes)[1]
    assert len(server.sessions) == 1


def test_a_silent_service_is_a_timeout() -> None:
    async def run() -> Snapshot:
        async with raw_server(scripts.silence) as server:
            return await try_relaying(fleet(server.port))

    assert silence(asyncio.run(run()), RelayProbes) == (
        Reason.TIMEOUT,
        "no greeting within 0.3 s",
    )


def test_a_host_outside_the_inventory_is_never_tried() -> None:
    seen, server = tried(MX, ours=False)
    assert silence(seen, RelayProbes)[0] is Reason.SKIPPED
    assert server.sessions == []


@pytest.mark.parametrize(
    "about", [{"domains": ("mailproof.invalid",)}, {"mx_of": ("mailproof.invalid",)}]
)
def test_a_recipient_that_is_served_here_proves_nothing(about: dict[str, Any]) -> None:
    seen, server = tried(MX, **about)
    assert silence(seen, RelayProbes) == (
        Reason.NOT_DECLARED,
        "probe.recipient is in a domain that this host serves; "
        "set probe.recipient to a mailbox elsewhere",
    )
    assert server.sessions == []


def test_what_the_run_knows_already_is_not_asked_again() -> None:
    async def run(*known: Any) -> tuple[Snapshot, SmtpServer]:
        async with SmtpServer(MX) as server:
            seen = fleet(server.port)
            seen.add(known)
            return await try_relaying(seen), server

    throttled = silent(EhloReply, service(), Reason.THROTTLED, "421 busy")
    seen, server = asyncio.run(run(throttled))
    assert silence(seen, RelayProbes) == (Reason.THROTTLED, "421 busy")
    assert server.sessions == []
    unreachable = silent(PortState, service(), Reason.UNREACHABLE, "no route")
    assert silence(asyncio.run(run(unreachable))[0], RelayProbes)[0] is Reason.UNREACHABLE


def test_a_vantage_of_the_host_itself_is_trusted() -> None:
    settings = Settings(limits=LIMITS, vantage=VantageSettings(addresses=("192.0.2.9",)))
    seen, _ = tried(MX, settings=settings, sends_from=("192.0.2.9",))
    assert probes(seen).trusted_vantage


def test_the_probes_speak_with_the_configured_names() -> None:
    probe = ProbeSettings("audit.example", "s@audit.example", "c@sink.example")
    _, server = tried(MX, settings=Settings(limits=LIMITS, probe=probe))
    assert server.commands[:3] == [
        "EHLO audit.example",
        "MAIL FROM:<s@audit.example>",
        "RCPT TO:<c@sink.example>",
    ]


def test_a_connection_from_the_hosts_own_address_is_a_trusted_vantage() -> None:
    seen, _ = tried(MX, sends_from=("127.0.0.1",))
    assert probes(seen).trusted_vantage


def test_without_a_served_domain_two_controls_are_left() -> None:
    seen, _ = tried(MX, domains=())
    assert len(probes(seen).controls) == 2
    assert silence(seen, BackscatterProbe)[0] is Reason.NOT_DECLARED


@pytest.mark.parametrize(
    ("catch_all", "outcome"), [(False, FormOutcome.DENIED), (True, FormOutcome.ACCEPTED)]
)
def test_backscatter_is_told_by_the_control_at_a_served_domain(
    catch_all: bool, outcome: FormOutcome
) -> None:
    found = tried(replace(MX, catch_all=catch_all))[0].fact(BackscatterProbe, service())
    assert found is not None
    assert (found.domain, found.control.outcome) == ("example.net", outcome)
    assert found.control.rcpt_to.endswith("@example.net")
    assert found.bounce is None


def test_backscatter_alone_takes_one_connection() -> None:
    async def run() -> tuple[Snapshot, SmtpServer]:
        async with SmtpServer(MX) as server:
            seen = fleet(server.port, domains=("example.net",))
            pace = Pace(SETTINGS.limits)
            collector = RelayWalk(origin(), {BackscatterProbe}, SETTINGS, pace)
            seen.add(await collector.collect(service(), seen))
            return seen, server

    seen, server = asyncio.run(run())
    assert len(server.sessions) == 1
    found = seen.fact(BackscatterProbe, service())
    assert found is not None
    assert found.control.outcome is FormOutcome.DENIED
    assert seen.fact(RelayProbes, service()) is None


def test_backscatter_is_not_asked_of_submission() -> None:
    seen = tried(replace(MX, implicit_tls=True), 465)[0]
    assert silence(seen, BackscatterProbe, 465)[0] is Reason.SKIPPED


def test_data_is_never_sent() -> None:
    _, server = tried(replace(MX, relay=True))
    assert not [c for c in server.commands if c.upper().startswith(("DATA", "BDAT"))]
