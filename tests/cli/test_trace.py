"""The verb `trace` on scripted name servers and mail servers on loopback."""

import asyncio
import contextlib
import io
import json
import re
import signal
import socket
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from subprocess import PIPE, CompletedProcess
from typing import Any

import pytest
from rich.console import Console

from audits.cli import trace
from audits.cli.command import app
from audits.cli.exits import Exit, for_error
from audits.cli.options import stdout
from audits.collect.sink import Sink
from audits.demo.certificates import Authority
from audits.demo.login import Logins
from audits.demo.world import closed_port
from audits.errors import MailproofError
from tests.cli.command import COMMAND, environment, mailproof
from tests.servers.dns import Behaviour as Answers
from tests.servers.dns import ScriptedDns
from tests.servers.smtp import (
    Behaviour,
    RawServer,
    Script,
    SmtpServer,
    answering,
    garbage,
    half_close,
    hang_up,
    long_line,
    raw_server,
    reset,
    silence,
    tls_alert,
)

TO = "ana@example.net"
ADDRESS, SECOND, IPV6 = "192.0.2.1", "192.0.2.2", "2001:db8::1"
ZONE = f"""
@ 60 SOA ns. hostmaster. 1 60 60 60 60
@ 60 NS ns.
@ 60 MX 10 mx1
@ 60 MX 20 mx2
mx1 60 A {ADDRESS}
mx2 60 A {SECOND}
"""
ONE = ZONE.replace("@ 60 MX 20 mx2\n", "")
GOOD = Behaviour(hostname="mx1.example.net", local_domains=("example.net",), mailboxes=("ana",))

Ended = CompletedProcess[str]
Servers = Mapping[str | tuple[str, int], Behaviour | Script | int]


def config(dns_port: int, redirect: Mapping[str, str], probe: str, more: str) -> str:
    lines = "".join(f"  '{place}': '{target}'\n" for place, target in redirect.items())
    return (
        f"resolver: {{addresses: [127.0.0.1], port: {dns_port}, timeout_s: 0.5, tries: 1}}\n"
        f"probe:\n  ehlo: audit.example.org\n{probe}"
        "limits: {connect_s: 1, banner_s: 0.5, reply_s: 0.5, tls_s: 1, host_s: 5, gap_s: 0}\n"
        f"{more}redirect:\n  '192.0.2.99:25': '127.0.0.1:9'\n{lines}"
    )


def command(*arguments: str, cwd: Path) -> Ended:
    """What `mailproof trace` does, without the second that another process would take to start."""
    out = io.StringIO()
    stdout.cache_clear()
    try:
        with contextlib.chdir(cwd), contextlib.redirect_stdout(out):
            code = app(["trace", *arguments], standalone_mode=False)
            return Ended(arguments, code, out.getvalue(), "")
    except MailproofError as error:
        return Ended(arguments, for_error(error), out.getvalue(), str(error))
    finally:
        stdout.cache_clear()


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


class Place:
    """What a trace meets: a zone, and a mail server for each address."""

    def __init__(
        self,
        folder: Path,
        zone: str = ZONE,
        script: Mapping[str | tuple[str, str], Answers] | None = None,
    ) -> None:
        self.folder = folder
        self.zone = zone
        self.script = script
        self.more = ""
        self.probe = ""
        self.sender = "probe@example.org"

    async def _trace(self, servers: Servers, *arguments: str) -> Ended:
        async with AsyncExitStack() as stack:
            dns = await stack.enter_async_context(
                ScriptedDns({"example.net.": self.zone}, self.script)
            )
            redirect = {}
            for place, server in servers.items():
                address, port = place if isinstance(place, tuple) else (place, 25)
                where = f"[{address}]" if ":" in address else address
                match server:
                    case int():
                        target = f"127.0.0.1:{server}"
                    case Behaviour():
                        smtp = SmtpServer(server)
                        await smtp.start("::1" if ":" in address else "127.0.0.1")
                        stack.push_async_callback(smtp.stop)
                        at = f"[{smtp.address}]" if ":" in smtp.address else smtp.address
                        target = f"{at}:{smtp.port}"
                    case _:
                        raw = await stack.enter_async_context(raw_server(server))
                        target = f"127.0.0.1:{raw.port}"
                redirect[f"{where}:{port}"] = target
            settings = config(
                dns.port, redirect, f"  sender: {self.sender}\n{self.probe}", self.more
            )
            (self.folder / "mailproof.yaml").write_text(settings)
            return await asyncio.to_thread(command, *arguments, cwd=self.folder)

    def trace(self, servers: Servers, *arguments: str, to: str = TO) -> Ended:
        """The ended command, run while the servers are up."""
        return asyncio.run(self._trace(servers, to, *arguments))

    def seen(self, servers: Servers, *arguments: str, to: str = TO) -> Any:
        """What `--json` prints."""
        ended = self.trace(servers, "--json", *arguments, to=to)
        assert ended.stderr == ""
        return json.loads(ended.stdout)


def last_stop(found: Any) -> tuple[str, str, str]:
    """Step, state and cause of the last step at which mail stopped."""
    stop = [step for step in found["steps"] if step["cause"]][-1]
    return stop["step"], stop["state"], stop["cause"]


def test_good_path_is_told_step_by_step_and_ends_with_0(tmp_path: Path) -> None:
    ended = Place(tmp_path, ONE).trace({ADDRESS: GOOD})
    assert ended.returncode == Exit.COMPLETE, ended.stdout + ended.stderr
    lines = ended.stdout.splitlines()
    told = [line.split()[1] for line in lines if line.startswith(("✓", "·"))]
    assert told == [
        "MX", "address", "TCP", "greeting", "EHLO", "STARTTLS", "MAIL", "RCPT", "QUIT",
    ]  # fmt: skip
    assert f"mx1.example.net [{ADDRESS}]  250 2.1.5 Ok" in ended.stdout
    assert lines[-1] == (
        "It goes through: a sender here would hand a message to ana@example.net over to "
        "mx1.example.net."
    )


def test_unknown_user_is_final_and_the_next_mx_is_not_tried(tmp_path: Path) -> None:
    found = Place(tmp_path).seen({ADDRESS: GOOD, SECOND: GOOD}, "--from", "bo@example.org")
    assert found["message_now"] == "delivers"
    nobody = Behaviour(hostname="mx1.example.net", local_domains=("example.net",))
    ended = Place(tmp_path).trace({ADDRESS: nobody, SECOND: GOOD})
    assert ended.returncode == Exit.FINDINGS
    assert "has no mailbox ana@example.net" in ended.stdout
    assert "mx2.example.net was not tried" in ended.stdout
    assert "It breaks: a sender here would return a message to ana@example.net" in ended.stdout


def test_dead_first_mx_sends_the_walk_to_the_second(tmp_path: Path) -> None:
    with closed_port() as port:
        found = Place(tmp_path).seen({ADDRESS: port, SECOND: GOOD})
    assert found["result"] == "through"
    assert last_stop(found) == ("tcp", "broken", "closed")
    assert {step["host"] for step in found["steps"] if step["step"] == "rcpt"} == {
        "mx2.example.net"
    }


def test_every_walks_the_second_mx_although_the_first_has_it(tmp_path: Path) -> None:
    found = Place(tmp_path).seen({ADDRESS: GOOD, SECOND: GOOD}, "--every")
    hosts = [step["host"] for step in found["steps"] if step["step"] == "rcpt"]
    assert hosts == ["mx1.example.net", "mx2.example.net"]
    assert found["untried"] == []
    without = Place(tmp_path).seen({ADDRESS: GOOD, SECOND: GOOD})
    assert [left["host"] for left in without["untried"]] == ["mx2.example.net"]


@pytest.mark.parametrize(
    ("replies", "stop", "now"),
    [
        ({"RCPT": "450 4.2.0 Greylisted"}, ("rcpt", "silent", "greylisted"), "retries"),
        ({"RCPT": "452 4.3.1 disk full"}, ("rcpt", "silent", "deferred"), "retries"),
        ({"RCPT": "552 5.2.2 Quota"}, ("rcpt", "broken", "mailbox-full"), "bounces"),
        ({"RCPT": "550 5.7.1 Relay denied"}, ("rcpt", "broken", "relay-denied"), "bounces"),
        ({"RCPT": "454 4.7.1 Relay denied"}, ("rcpt", "broken", "relay-denied"), "retries"),
        (
            {"RCPT": "554 5.7.1 Client host [192.0.2.7] blocked using zen.example"},
            ("rcpt", "broken", "blocklisted"),
            "bounces",
        ),
        ({"RCPT": "550 5.7.25 no PTR record"}, ("rcpt", "broken", "no-reverse-name"), "bounces"),
        (
            {"RCPT": "450 4.7.1 <audit.example.org>: Helo command rejected: Host not found"},
            ("rcpt", "silent", "ehlo-refused"),
            "retries",
        ),
        ({"RCPT": "550 no thanks"}, ("rcpt", "broken", "refused"), "bounces"),
        ({"MAIL": "550 5.1.8 Domain not found"}, ("mail", "broken", "sender-refused"), "bounces"),
        ({"MAIL": "530 5.7.0 Log in"}, ("mail", "broken", "login-wanted"), "bounces"),
        (
            {"EHLO": "550 bad name", "HELO": "550 bad"},
            ("ehlo", "broken", "ehlo-refused"),
            "retries",
        ),
        ({"MAIL": "421 4.3.2 going down"}, ("mail", "silent", "throttled"), "retries"),
    ],
)
def test_replies_are_told_apart(
    tmp_path: Path, replies: dict[str, str], stop: tuple[str, str, str], now: str
) -> None:
    behaviour = Behaviour(
        hostname="mx1.example.net", local_domains=("example.net",), catch_all=True
    )
    refusing = Behaviour(**{**_fields(behaviour), "replies": replies})
    found = Place(tmp_path, ONE).seen({ADDRESS: refusing})
    assert last_stop(found) == stop
    assert found["message_now"] == now


def _fields(behaviour: Behaviour) -> dict[str, Any]:
    return {name: getattr(behaviour, name) for name in behaviour.__dataclass_fields__}


@pytest.mark.parametrize(
    ("script", "stop"),
    [
        (silence, ("greeting", "silent", "silent")),
        (garbage, ("greeting", "silent", "not-smtp")),
        (hang_up, ("greeting", "silent", "hung-up")),
        (long_line, ("greeting", "silent", "not-smtp")),
        (half_close, ("ehlo", "silent", "hung-up")),
        (reset, ("ehlo", "silent", "hung-up")),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_hostile_servers_end_undecided(
    tmp_path: Path, script: Script, stop: tuple[str, str, str]
) -> None:
    found = Place(tmp_path, ONE).seen({ADDRESS: script})
    assert last_stop(found) == stop
    assert found["result"] == "undecided"


def test_greeting_that_turns_away_sends_the_walk_to_the_next(tmp_path: Path) -> None:
    away = Behaviour(hostname="mx1.example.net", greeting="554 no service here")
    found = Place(tmp_path).seen({ADDRESS: away, SECOND: GOOD})
    assert last_stop(found) == ("greeting", "broken", "turned-away")
    assert found["result"] == "through"


def test_server_without_ehlo_is_greeted_with_helo(tmp_path: Path) -> None:
    old = {"EHLO": "502 what?", "HELO": "250 mx1.example.net"}
    behaviour = Behaviour(**{**_fields(GOOD), "replies": old, "pipelining": False})
    assert Place(tmp_path, ONE).seen({ADDRESS: behaviour})["result"] == "through"


def test_failed_handshake_is_followed_by_another_connection_in_clear(tmp_path: Path) -> None:
    connections = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await answering(tls_alert(40))(reader, writer)

    found = Place(tmp_path, ONE).seen({ADDRESS: script})
    assert connections == 2
    assert last_stop(found)[0] == "tls"
    assert [step["step"] for step in found["steps"]].count("greeting") == 1
    assert [step["step"] for step in found["steps"]][-3:] == ["mail", "rcpt", "quit"]
    assert found["result"] == "through"


def test_certificate_is_noted_and_its_trust(tmp_path: Path) -> None:
    context = Authority("nobody").issue("mx1.example.net").server_context()
    encrypted = Behaviour(**{**_fields(GOOD), "tls": context})
    found = Place(tmp_path, ONE).seen({ADDRESS: encrypted})
    (tls,) = (step for step in found["steps"] if step["step"] == "tls")
    (note,) = tls["notes"]
    assert note.startswith("certificate: for mx1.example.net; from ")
    assert "not trusted" in note
    assert found["result"] == "through"


@pytest.mark.parametrize(
    ("zone", "script", "stop", "code", "now"),
    [
        (ZONE, {"example.net": Answers(rcode="NXDOMAIN")}, "no-such-domain", 10, "bounces"),
        (ZONE, {"example.net": Answers(rcode="SERVFAIL")}, "dns-failed", 11, "retries"),
        (ZONE, {"example.net": Answers(silent=True)}, "dns-silent", 11, "retries"),
        (ZONE, {"example.net": Answers(rcode="REFUSED")}, "dns-refused", 11, "retries"),
        (ONE.replace("MX 10 mx1", "MX 0 ."), {}, "null-mx", 10, "bounces"),
        (ONE.replace("mx1 60 A", "other 60 A"), {}, "no-address", 10, "bounces"),
        (ONE.replace("@ 60 MX 10 mx1\n", ""), {}, "no-address", 10, "bounces"),
        (ONE, {"mx1.example.net": Answers(rcode="SERVFAIL")}, "dns-failed", 11, "retries"),
    ],
)
def test_dns_is_said_plainly(
    tmp_path: Path,
    zone: str,
    script: dict[str | tuple[str, str], Answers],
    stop: str,
    code: int,
    now: str,
) -> None:
    place = Place(tmp_path, zone, script)
    found = place.seen({})
    assert last_stop(found)[2] == stop
    assert found["message_now"] == now
    assert place.trace({}).returncode == code


def test_domain_without_mx_is_its_own_mx_host(tmp_path: Path) -> None:
    zone = ONE.replace("@ 60 MX 10 mx1\n", f"@ 60 A {ADDRESS}\n")
    ended = Place(tmp_path, zone).trace({ADDRESS: GOOD})
    assert "no MX record, so example.net itself is the MX host" in ended.stdout
    assert ended.returncode == Exit.COMPLETE


def test_ipv6_is_tried_after_ipv4(tmp_path: Path) -> None:
    if not _has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    zone = ONE + f"mx1 60 AAAA {IPV6}\n"
    with closed_port() as port:
        found = Place(tmp_path, zone).seen({ADDRESS: port, IPV6: GOOD})
    assert [s["address"] for s in found["steps"] if s["step"] == "tcp"] == [ADDRESS, IPV6]
    assert found["result"] == "through"


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_hostile_words_reach_the_terminal_as_text(tmp_path: Path) -> None:
    words = "554 \x1b[2J\x1b]0;owned\x07 [bold]no[/bold] \u202eevil"
    hostile = Behaviour(**{**_fields(GOOD), "replies": {"RCPT": words}})
    place = Place(tmp_path, ONE)
    ended = place.trace({ADDRESS: hostile})
    assert "\x1b" not in ended.stdout
    assert "\u202e" not in ended.stdout
    assert r"\x1b[2J\x1b]0;owned\x07 [bold]no[/bold] \u202eevil" in ended.stdout
    said = [step["said"] for step in place.seen({ADDRESS: hostile})["steps"]]
    assert any(r"\x1b[2J" in text for text in said)


@pytest.mark.parametrize("width", [80, 200])
def test_narrow_terminal_has_the_words_below_their_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=width, soft_wrap=True, no_color=True)
    monkeypatch.setattr(trace, "stdout", lambda: terminal)
    refusing = Behaviour(**{**_fields(GOOD), "replies": {"RCPT": "550 5.1.1 " + "gone " * 20}})
    Place(tmp_path, ONE).trace({ADDRESS: refusing})
    lines = [re.sub(r"\x1b\[\d*m", "", line) for line in out.getvalue().splitlines()]
    assert max(map(len, lines)) <= width
    place = next(i for i, line in enumerate(lines) if " RCPT " in line)
    assert ("gone" in lines[place]) is (width == 200)
    if width == 80:
        assert lines[place + 1].startswith("      550 5.1.1 gone gone")


def test_keyword_that_was_written_over_is_named(tmp_path: Path) -> None:
    stripped = Behaviour(**{**_fields(GOOD), "keywords": ("PIPELINING", "XXXXXXXA")})
    ended = Place(tmp_path, ONE).trace({ADDRESS: stripped})
    assert "EHLO lists XXXXXXXA where STARTTLS belongs" in ended.stdout


def test_words_are_no_command_to_a_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    commanding = Behaviour(**{**_fields(GOOD), "replies": {"RCPT": "550 ##[error]owned"}})
    ended = Place(tmp_path, ONE).trace({ADDRESS: commanding})
    assert "##[" not in ended.stdout
    assert "error]owned" in ended.stdout


def test_sender_can_be_chosen_and_may_be_null(tmp_path: Path) -> None:
    refusing = Behaviour(**{**_fields(GOOD), "replies": {"MAIL": "550 5.1.7 who?"}})
    found = Place(tmp_path, ONE).seen({ADDRESS: refusing}, "--from", "<>")
    assert found["sender"] == ""
    found = Place(tmp_path, ONE).seen({ADDRESS: refusing}, "--from", "bo@example.org")
    assert found["sender"] == "bo@example.org"


def test_without_a_sender_of_our_own_the_null_sender_asks(tmp_path: Path) -> None:
    refusing = Behaviour(**{**_fields(GOOD), "replies": {"MAIL": "550 5.1.8 Domain not found"}})
    place = Place(tmp_path, ONE)
    place.sender = "probe@mailproof.invalid"
    ended = place.trace({ADDRESS: refusing})
    assert ended.stdout.startswith("From <> to <ana@example.net>\n")
    assert "does not take mail from <>" in ended.stdout


@pytest.mark.parametrize("to", ["ana", "@example.net", "ana@", "a\rb@example.net", "a@b c.net"])
def test_what_is_no_mailbox_is_a_usage_error(tmp_path: Path, to: str) -> None:
    ended = mailproof("trace", to, cwd=tmp_path)
    assert ended.returncode == Exit.USAGE
    assert "expected" in ended.stderr


def test_json_names_its_schema_and_every_step_in_full(tmp_path: Path) -> None:
    found = Place(tmp_path, ONE).seen({ADDRESS: GOOD})
    assert found["schema"] == "mailproof/trace/v1"
    assert set(found) == {
        "schema", "version", "started", "vantage", "sender", "recipient", "via", "steps",
        "interrupted", "untried", "arrival", "result", "message_now", "sentence", "remarks",
    }  # fmt: skip
    (rcpt,) = (step for step in found["steps"] if step["step"] == "rcpt")
    assert rcpt["host"] == "mx1.example.net"
    assert (rcpt["address"], rcpt["port"], rcpt["visit"]) == (ADDRESS, 25, 1)
    assert (rcpt["state"], rcpt["answered"], rcpt["said"]) == ("passed", "250", "250 2.1.5 Ok")
    assert rcpt["elapsed_s"] >= 0


@pytest.mark.parametrize(
    ("changes", "flights"),
    [
        ({}, 2),
        ({"pipelining": False}, 4),
        # EHLO, STARTTLS, ClientHello, Finished with EHLO, and the group; tickets may part one.
        ({"tls": Authority("nobody").issue("mx1.example.net").server_context()}, 5),
    ],
    ids=["clear", "lock-step", "tls"],
)
def test_round_trips_are_at_most_one_above_the_least(
    tmp_path: Path, changes: dict[str, Any], flights: int
) -> None:
    counted: list[int] = []

    async def trace() -> Ended:
        async with SmtpServer(Behaviour(**{**_fields(GOOD), **changes})) as server:
            script = _counting(server.port, counted)
            return await Place(tmp_path, ONE)._trace({ADDRESS: script}, TO)

    ended = asyncio.run(trace())
    assert ended.returncode == Exit.COMPLETE, ended.stdout
    (count,) = counted
    assert flights <= count <= flights + (1 if "tls" in changes else 0)


def test_submission_takes_no_more_round_trips_than_it_has_to(tmp_path: Path) -> None:
    counted: list[int] = []

    async def trace() -> Ended:
        async with SmtpServer(MSA) as server:
            place, login = submission(tmp_path)
            script = _counting(server.port, counted)
            return await place._trace({(ADDRESS, 587): script}, TO, *login)

    ended = asyncio.run(trace())
    assert ended.returncode == Exit.COMPLETE, ended.stdout
    # EHLO, STARTTLS, ClientHello, Finished with EHLO, AUTH, and the group; tickets may part one.
    assert 6 <= counted[0] <= 7


def _counting(port: int, counted: list[int]) -> Script:
    """A relay to a server that counts how often the client speaks after the server has spoken."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_read, to_write = await asyncio.open_connection("127.0.0.1", port)
        place = len(counted)
        counted.append(0)
        last = ""

        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter, who: str) -> None:
            nonlocal last
            while octets := await source.read(65536):
                counted[place] += who == "client" and last != "client"
                last = who
                sink.write(octets)
                await sink.drain()
            sink.close()

        await asyncio.gather(copy(reader, to_write, "client"), copy(to_read, writer, "server"))

    return script


AUTHORITY = Authority("submission")
CREDENTIALS = AUTHORITY.issue("mx1.example.net")
ALICE, PASSWORD = "alice@example.net", "correct=horse:battery"
MSA = Behaviour(
    hostname="mx1.example.net",
    tls=CREDENTIALS.server_context(),
    auth=("PLAIN", "LOGIN"),
    login_required=True,
    tls_required=True,
    relay=True,
    logins=Logins({ALICE: PASSWORD}),
)
VIA = ("--via", "mx1.example.net:587")


def submission(folder: Path, password: str = PASSWORD) -> tuple[Place, tuple[str, ...]]:
    """A place whose authority is trusted, and the options of a login."""
    place = Place(folder, ONE)
    (folder / "root.pem").write_bytes(AUTHORITY.root_pem)
    place.more = "trust: {ca_file: root.pem}\n"
    secret = folder / "password"
    secret.write_text(password)
    secret.chmod(0o600)
    return place, (*VIA, "--login", f"{ALICE}=file:{secret}")


def stations(found: Any) -> list[str]:
    return [step["step"] for step in found["steps"]]


def test_submission_logs_in_inside_trusted_tls(tmp_path: Path) -> None:
    place, login = submission(tmp_path)
    found = place.seen({(ADDRESS, 587): MSA}, *login)
    assert found["result"] == "through"
    assert (found["via"], found["sender"]) == ("mx1.example.net:587", ALICE)
    assert stations(found) == [
        "address", "tcp", "greeting", "ehlo", "starttls", "tls", "auth", "mail", "rcpt", "quit",
    ]  # fmt: skip
    assert PASSWORD not in json.dumps(found)


def test_login_that_may_not_send_as_another_is_told_so(tmp_path: Path) -> None:
    place, login = submission(tmp_path)
    found = place.seen({(ADDRESS, 587): MSA}, *login, "--from", "bo@example.net")
    assert last_stop(found) == ("rcpt", "broken", "sender-not-owned")


def test_implicit_tls_comes_before_the_greeting(tmp_path: Path) -> None:
    place, login = submission(tmp_path)
    implicit = Behaviour(**{**_fields(MSA), "implicit_tls": True})
    found = place.seen({(ADDRESS, 465): implicit}, "--via", "mx1.example.net:465", *login[2:])
    assert found["result"] == "through"
    assert stations(found)[:4] == ["address", "tcp", "tls", "greeting"]


def test_service_on_465_that_speaks_in_clear_is_told_so(tmp_path: Path) -> None:
    place, login = submission(tmp_path)
    found = place.seen({(ADDRESS, 465): MSA}, "--via", "mx1.example.net:465", *login[2:])
    assert last_stop(found) == ("tls", "broken", "tls-not-spoken")
    assert "auth" not in stations(found)


def test_without_login_a_refusal_says_that_one_is_wanted(tmp_path: Path) -> None:
    place, _ = submission(tmp_path)
    found = place.seen({(ADDRESS, 587): MSA}, *VIA)
    assert last_stop(found) == ("mail", "silent", "login-wanted")
    assert found["result"] == "undecided"


def test_wrong_password_is_tried_once_whatever_addresses_there_are(tmp_path: Path) -> None:
    place, login = submission(tmp_path, "wrong")
    place.zone = ONE + f"mx1 60 A {SECOND}\n"
    found = place.seen({(ADDRESS, 587): MSA, (SECOND, 587): MSA}, *login)
    assert last_stop(found) == ("auth", "broken", "login-failed")
    assert stations(found).count("auth") == 1
    assert found["result"] == "breaks"


def test_untrusted_certificate_gets_no_password(tmp_path: Path) -> None:
    place, login = submission(tmp_path)
    place.more = ""
    found = place.seen({(ADDRESS, 587): MSA}, *login)
    assert last_stop(found) == ("tls", "broken", "certificate")
    assert "auth" not in stations(found)


def test_submission_without_starttls_breaks_there(tmp_path: Path) -> None:
    place, login = submission(tmp_path)
    bare = Behaviour(**{**_fields(MSA), "tls": None, "auth_before_tls": True})
    found = place.seen({(ADDRESS, 587): bare}, *login)
    assert last_stop(found) == ("starttls", "broken", "tls-not-offered")
    assert "auth" not in stations(found)


def declared(folder: Path) -> None:
    """An inventory with one domain and one host, whose login is ALICE's."""
    (folder / "inventory").mkdir()
    (folder / "inventory" / "domains.yaml").write_text(
        "example.net: {sends: true, receives: true}\n"
    )
    (folder / "inventory" / "hosts.yaml").write_text(
        "mx1.example.net:\n  data:\n    mail:\n"
        f"      roles: [mx, msa]\n      addresses: [{ADDRESS}]\n"
        f"      login: {{username: {ALICE}, password: 'env:ALICE'}}\n"
    )


def test_login_of_the_inventory_is_named_by_its_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALICE", PASSWORD)
    place, _ = submission(tmp_path)
    declared(tmp_path)
    found = place.seen({(ADDRESS, 587): MSA}, *VIA, "--login", "mx1.example.net")
    assert (found["result"], found["sender"]) == ("through", ALICE)
    assert stations(found)[0] == "tcp"  # its address is declared


def test_domain_of_the_inventory_is_walked_to_its_last_host_and_may_be_sent_to(
    tmp_path: Path,
) -> None:
    declared(tmp_path)
    swallows = Behaviour(**{**_fields(GOOD), "takes_messages": True})
    servers: Servers = {ADDRESS: swallows, SECOND: swallows}
    asked = Place(tmp_path).seen(servers)
    assert stations(asked).count("rcpt") == 2
    sent = Place(tmp_path).seen(servers, "--send")
    assert stations(sent).count("data") == 1
    assert (sent["result"], sent["arrival"]) == ("through", None)
    assert (
        sent["sentence"] == "Delivered: mx1.example.net has taken the message to ana@example.net."
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("--login", "alice=env:NOWHERE"),
        (*VIA, "--login", "alice=hunter2"),
        (*VIA, "--login", "alice=env:NOWHERE"),
        ("--via", "mx1.example.net"),
        ("--via", "mx1.example.net:99999"),
        ("--from", "nobody"),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ended = command(TO, *arguments, cwd=tmp_path)
    assert ended.returncode == Exit.USAGE
    assert "hunter2" not in ended.stderr


def test_send_to_a_mailbox_that_nobody_owns_is_refused(tmp_path: Path) -> None:
    ended = Place(tmp_path, ONE).trace({ADDRESS: GOOD}, "--send")
    assert ended.returncode == Exit.USAGE
    assert "expected a mailbox of yours" in ended.stderr
    assert ended.stdout == ""


CANARY = "canary@example.net"
OWNED = f"  canary: {{mailbox: {CANARY}, owned: true, maildir: sink, window_s: 3}}\n"


def owning(place: Place) -> Place:
    """The same place, whose mailbox CANARY is ours and read from the Maildir `sink`."""
    for name in ("new", "cur", "tmp"):
        (place.folder / "sink" / name).mkdir(parents=True)
    place.probe = OWNED
    return place


def test_sent_message_is_shown_as_it_arrived(tmp_path: Path) -> None:
    place = owning(Place(tmp_path, ONE))

    async def send() -> Ended:
        sink = Sink(tmp_path / "sink", CANARY)
        await sink.start("127.0.0.1", 0)
        try:
            return await place._trace({ADDRESS: sink.port}, CANARY, "--send")
        finally:
            await sink.stop()

    ended = asyncio.run(send())
    assert ended.returncode == Exit.COMPLETE, ended.stdout + ended.stderr
    assert "It arrived after" in ended.stdout
    assert "Received: from audit.example.org" in ended.stdout
    assert len(list((tmp_path / "sink" / "new").iterdir())) == 1


def test_message_that_does_not_arrive_leaves_it_undecided(tmp_path: Path) -> None:
    swallows = Behaviour(**{**_fields(GOOD), "catch_all": True, "takes_messages": True})
    place = owning(Place(tmp_path, ONE))
    ended = place.trace({ADDRESS: swallows}, "--send", to=CANARY)
    assert ended.returncode == Exit.INCOMPLETE, ended.stdout
    assert "It did not arrive within" in ended.stdout


def test_message_goes_to_one_host_only_even_with_every(tmp_path: Path) -> None:
    swallows = Behaviour(**{**_fields(GOOD), "catch_all": True, "takes_messages": True})
    place = owning(Place(tmp_path))
    found = place.seen({ADDRESS: swallows, SECOND: swallows}, "--send", "--every", to=CANARY)
    assert stations(found).count("data") == 1
    assert found["arrival"]["arrived"] is False


def test_message_put_off_at_its_end_goes_to_the_next_host(tmp_path: Path) -> None:
    put_off = Behaviour(
        **{**_fields(GOOD), "catch_all": True, "replies": {"DATA": "451 4.3.0 not now"}}
    )
    swallows = Behaviour(**{**_fields(GOOD), "catch_all": True, "takes_messages": True})
    place = owning(Place(tmp_path))
    found = place.seen({ADDRESS: put_off, SECOND: swallows}, "--send", to=CANARY)
    states = [step["state"] for step in found["steps"] if step["step"] == "data"]
    assert states == ["silent", "passed"]
    assert found["message_now"] == "delivers"


@asynccontextmanager
async def waiting(folder: Path, *more: str) -> AsyncIterator[tuple[Process, RawServer]]:
    """A trace towards a server that says nothing, and that server."""
    async with ScriptedDns({"example.net.": ONE}) as dns, raw_server(silence) as server:
        redirect = {f"{ADDRESS}:25": f"127.0.0.1:{server.port}"}
        patient = config(dns.port, redirect, "", "").replace("banner_s: 0.5", "banner_s: 60")
        (folder / "mailproof.yaml").write_text(patient.replace("host_s: 5", "host_s: 60"))
        command = (*COMMAND, "trace", TO, *more)
        yield (
            await asyncio.create_subprocess_exec(
                *command, cwd=folder, env=environment(), stdout=PIPE, stderr=PIPE
            ),
            server,
        )


def test_interrupt_ends_at_once_after_the_steps_that_were_seen(tmp_path: Path) -> None:
    async def cut() -> tuple[int | None, str, str]:
        async with waiting(tmp_path) as (process, _):
            assert process.stdout is not None
            seen = (await process.stdout.readuntil(b"port 25 is open")).decode()
            process.send_signal(signal.SIGINT)
            rest, words = await asyncio.wait_for(process.communicate(), 20)
            return process.returncode, seen + rest.decode(), words.decode()

    code, told, words = asyncio.run(cut())
    assert code == Exit.INTERRUPTED
    assert "TCP 25" in told
    assert words == "interrupted: nothing is kept\n"


def test_interrupted_object_holds_the_steps_that_were_seen_and_decides_nothing(
    tmp_path: Path,
) -> None:
    async def cut() -> tuple[int | None, str]:
        async with waiting(tmp_path, "--json") as (process, server):
            async with asyncio.timeout(20):
                while not server.connections:
                    await asyncio.sleep(0.01)
                process.send_signal(signal.SIGTERM)
                told, _ = await process.communicate()
            return process.returncode, told.decode()

    code, told = asyncio.run(cut())
    found = json.loads(told)
    assert code == Exit.TERMINATED
    # The server may know of the connection before we do.
    assert [step["step"] for step in found["steps"]][:2] == ["mx", "address"]
    assert (found["interrupted"], found["result"], found["message_now"]) == (
        True,
        "undecided",
        None,
    )
    assert found["sentence"] == (
        f"Interrupted before it was known what becomes of a message to {TO}."
    )
