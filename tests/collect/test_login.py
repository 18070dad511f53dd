"""Logging in with the declared account, against servers that are right, wrong and hostile."""

import asyncio
from base64 import b64encode
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from audits.collect.live.login import Account, LoginWalk
from audits.collect.live.pace import Pace
from audits.collect.live.trust import TrustStore
from audits.demo.certificates import Authority
from audits.demo.login import Logins
from audits.demo.smtp_server import Behaviour, SmtpServer
from audits.demo.tls_stream import TlsServerStream
from audits.errors import UsageError
from audits.facts.declared import DeclaredService, HostRoles
from audits.facts.fact import Fact, Observed, Reason, Unobserved
from audits.facts.login import AccountLogin, OtherSender, RefusedLogins
from audits.facts.snapshot import Snapshot
from audits.parse.sasl import disguises
from audits.parse.x509 import parse_certificate
from audits.subject import MailHost, Role, Service
from tests.build import host
from tests.collect.walking import ADDRESS, LIMITS, NAME, SETTINGS, origin, silence, snapshot
from tests.servers.smtp import Script, raw_server

AUTHORITY = Authority()
CREDENTIALS = AUTHORITY.issue(NAME)
TLS = CREDENTIALS.server_context()
ALICE, PASSWORD = "alice@example.net", "correct horse battery"
MSA = Behaviour(
    hostname=NAME,
    tls=TLS,
    auth=("PLAIN", "LOGIN"),
    login_required=True,
    tls_required=True,
    logins=Logins({ALICE: PASSWORD}),
)
KINDS = (AccountLogin, RefusedLogins, OtherSender)


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> TrustStore:
    path = tmp_path_factory.mktemp("ca") / "root.pem"
    path.write_bytes(AUTHORITY.root_pem)
    return TrustStore(str(path))


def account(secret: str = PASSWORD, **more: Any) -> Account:
    return Account(
        **{"username": ALICE, "reference": "env:ALICE", "password": lambda: secret} | more
    )


def seen_before(ports: dict[int, int], name: str = NAME, *more: Fact, **about: Any) -> Snapshot:
    """One submission host; ports: of services, and of the servers on loopback behind them."""
    services = tuple(DeclaredService(p, f"127.0.0.1:{at}") for p, at in ports.items())
    declared = host(name, roles=(Role.MSA,), services=services, **{"domains": ("example.net",)})
    roles = HostRoles(
        subject=MailHost(name),
        **{
            "in_inventory": True,
            "roles": (Role.MSA,),
            "mx_of": (),
            "addresses": (ADDRESS,),
            "sends_from": (),
            "services": tuple(Service(name, ADDRESS, port) for port in ports),
        }
        | about,
    )
    return snapshot([roles, declared, *more])


def tried(
    behaviour: Behaviour,
    trust: TrustStore,
    *,
    port: int = 587,
    using: Account | None = None,
    **about: Any,
) -> tuple[Snapshot, SmtpServer]:
    """The snapshot after logins at one service, and the server's log."""

    async def run() -> tuple[Snapshot, SmtpServer]:
        async with SmtpServer(behaviour) as server:
            seen = seen_before({port: server.port}, **about)
            await walk(seen, trust, {NAME: using or account()}, port)
            await server.settle()
            return seen, server

    return asyncio.run(run())


async def walk(
    seen: Snapshot, trust: TrustStore, accounts: dict[str, Account], *ports: int
) -> LoginWalk:
    settings = msgspec.structs.replace(
        SETTINGS, limits=msgspec.structs.replace(LIMITS, reply_s=1.0, tls_s=2.0)
    )
    pace = Pace(settings.limits)
    collector = LoginWalk(origin(), LoginWalk.provides, settings, pace, trust, accounts)
    await asyncio.gather(*(ask(collector, seen, Service(NAME, ADDRESS, port)) for port in ports))
    return collector


async def ask(collector: LoginWalk, seen: Snapshot, service: Service) -> None:
    seen.add(await collector.collect(service, seen))


def fact(seen: Snapshot, kind: type[Any], port: int = 587) -> Any:
    found = seen.get(kind, Service(NAME, ADDRESS, port))
    assert isinstance(found, Observed), found
    return found.fact


def auths(server: SmtpServer) -> list[str]:
    return [command for command in server.commands if command.startswith("AUTH")]


def assert_kept_secret(seen: Snapshot, password: str = PASSWORD) -> None:
    text = b"".join(seen.lines()).decode()
    for form in disguises(ALICE, password):
        assert form not in text


# The account is right


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256"])
@pytest.mark.parametrize("port", [465, 587])
def test_login_works_by_each_mechanism(mechanism: str, port: int, trust: TrustStore) -> None:
    implicit = port == 465
    behaviour = replace(MSA, auth=(mechanism,), implicit_tls=implicit, tls_required=not implicit)
    seen, server = tried(behaviour, trust, port=port)
    login = fact(seen, AccountLogin, port)
    assert (login.exchange.mechanism, login.exchange.reply.code) == (mechanism, 235)
    assert (login.username, login.given_for) == (ALICE, "certificate")
    assert login.server == ("proved" if mechanism.startswith("SCRAM") else None)
    assert login.iterations == (4096 if mechanism.startswith("SCRAM") else None)
    refused = fact(seen, RefusedLogins, port)
    assert (refused.known.reply.code, refused.unknown.reply.code) == (535, 535)
    assert len(server.sessions) == 2
    assert "DATA" not in server.commands
    assert_kept_secret(seen)


def test_mechanism_that_shows_least_is_used_and_the_plainest_for_wrong_passwords(
    trust: TrustStore,
) -> None:
    seen, _ = tried(replace(MSA, auth=("LOGIN", "PLAIN", "SCRAM-SHA-256")), trust)
    assert fact(seen, AccountLogin).exchange.mechanism == "SCRAM-SHA-256"
    assert fact(seen, RefusedLogins).known.mechanism == "PLAIN"


def test_exactly_two_logins_fail_and_one_of_them_is_for_nobody(trust: TrustStore) -> None:
    seen, server = tried(MSA, trust)
    right, wrong, nobody = auths(server)
    refused = fact(seen, RefusedLogins)
    assert right == "AUTH PLAIN " + b64encode(f"\0{ALICE}\0{PASSWORD}".encode()).decode()
    assert wrong != right != nobody
    assert refused.stranger != ALICE
    assert refused.stranger.endswith("@example.net")


def test_sender_of_another_mailbox_is_refused_at_rcpt(trust: TrustStore) -> None:
    seen, server = tried(MSA, trust)
    tried_as = fact(seen, OtherSender)
    assert tried_as.own.accepted
    assert (tried_as.own.sender, tried_as.own.recipient) == (ALICE, ALICE)
    assert tried_as.other.answer.code == 553
    assert not tried_as.declared
    assert server.sessions[0][-1] == "QUIT"


def test_declared_other_mailbox_is_tried_and_may_be_allowed(trust: TrustStore) -> None:
    lax = replace(MSA, logins=Logins({ALICE: PASSWORD}, any_sender=True))
    seen, _ = tried(lax, trust, using=account(other_mailbox="boss@example.net"))
    tried_as = fact(seen, OtherSender)
    assert (tried_as.other.sender, tried_as.declared) == ("boss@example.net", True)
    assert tried_as.other.accepted


def test_user_name_without_domain_has_a_mailbox_at_the_hosts_domain(trust: TrustStore) -> None:
    behaviour = replace(MSA, logins=Logins({"alice": PASSWORD}, any_sender=True))
    seen, _ = tried(behaviour, trust, using=account(username="alice"))
    assert fact(seen, OtherSender).own.sender == ALICE
    assert fact(seen, RefusedLogins).stranger.startswith("mailproof-")


def test_mailbox_that_is_no_address_is_never_put_into_a_command(trust: TrustStore) -> None:
    behaviour = replace(MSA, logins=Logins({"a b>\\c": PASSWORD}, any_sender=True))
    seen, _ = tried(behaviour, trust, using=account(username="a b>\\c"))
    assert fact(seen, AccountLogin).exchange.accepted
    assert silence(seen, OtherSender, 587)[0] is Reason.NOT_DECLARED


# The account is wrong, or the server is


def test_refused_password_is_a_fact_and_ends_the_matter(trust: TrustStore) -> None:
    seen, server = tried(MSA, trust, using=account("forgotten"))
    assert fact(seen, AccountLogin).exchange.reply.code == 535
    for kind in (RefusedLogins, OtherSender):
        reason, detail = silence(seen, kind, 587)
        assert reason is Reason.DENIED
        assert "535 5.7.8" in detail
    assert len(auths(server)) == 1


def test_server_that_takes_any_password_is_seen(trust: TrustStore) -> None:
    behaviour = replace(MSA, logins=Logins({ALICE: PASSWORD}, any_password=True))
    seen, _ = tried(behaviour, trust)
    refused = fact(seen, RefusedLogins)
    assert refused.known.accepted
    assert refused.unknown is None


def test_server_that_tells_unknown_users_is_seen(trust: TrustStore) -> None:
    behaviour = replace(MSA, logins=Logins({ALICE: PASSWORD}, tells_users=True))
    refused = fact(tried(behaviour, trust)[0], RefusedLogins)
    assert "No such user" in refused.unknown.reply.text
    assert "No such user" not in refused.known.reply.text


@pytest.mark.parametrize(
    ("faults", "server"),
    [({"wrong_signature": True}, "false"), ({"unproven": True}, "unproved")],
)
def test_scram_server_that_does_not_prove_itself_is_seen(
    faults: dict[str, bool], server: str, trust: TrustStore
) -> None:
    logins = Logins({ALICE: PASSWORD}, **faults)
    behaviour = replace(MSA, auth=("SCRAM-SHA-256",), logins=logins)
    seen, _ = tried(behaviour, trust)
    login = fact(seen, AccountLogin)
    assert login.server == server
    if server == "false":
        assert login.exchange.reply.code == 501  # to our `*`
        assert silence(seen, OtherSender, 587)[0] is Reason.DENIED


def test_mechanisms_that_we_do_not_speak_are_named(trust: TrustStore) -> None:
    seen, server = tried(replace(MSA, auth=("GSSAPI", "XOAUTH2")), trust)
    for kind in KINDS:
        reason, detail = silence(seen, kind, 587)
        assert reason is Reason.NOT_OFFERED
        assert "GSSAPI XOAUTH2" in detail
    assert auths(server) == []


# Where the password does not go


def test_password_is_never_sent_in_clear(trust: TrustStore) -> None:
    behaviour = replace(MSA, tls=None, tls_required=False, auth_before_tls=True)
    seen, server = tried(behaviour, trust)
    assert {silence(seen, kind, 587)[0] for kind in KINDS} == {Reason.NOT_OFFERED}
    assert auths(server) == []


def test_password_is_not_given_to_an_untrusted_certificate() -> None:
    seen, server = tried(MSA, TrustStore())
    for kind in KINDS:
        reason, detail = silence(seen, kind, 587)
        assert reason is Reason.TLS
        assert "no password is sent: its certificate is not trusted" in detail
    assert auths(server) == []


@pytest.mark.parametrize(
    ("issued", "words"),
    [
        ({"names": ("mx.elsewhere.example",)}, f"not for {NAME}"),
        ({"names": (NAME,), "begins_days": -90, "days": -1}, "outside its dates"),
    ],
)
def test_password_is_not_given_to_a_certificate_for_another_name_or_time(
    issued: dict[str, Any], words: str, trust: TrustStore
) -> None:
    names = issued.pop("names")
    context = AUTHORITY.issue(*names, **issued).server_context()
    seen, server = tried(replace(MSA, tls=context), trust)
    assert words in silence(seen, AccountLogin, 587)[1]
    assert auths(server) == []


def test_pinned_key_is_trusted_and_any_other_is_not() -> None:
    leaf = x509.load_pem_x509_certificates(CREDENTIALS.chain)[0]
    digest = parse_certificate(leaf.public_bytes(Encoding.DER)).spki_sha256
    seen, _ = tried(MSA, TrustStore(), using=account(certificate=f"sha256:{digest}"))
    assert fact(seen, AccountLogin).given_for == "pin"
    seen, server = tried(MSA, TrustStore(), using=account(certificate="sha256:" + "00" * 32))
    assert "not the one that the inventory pins" in silence(seen, AccountLogin, 587)[1]
    assert auths(server) == []


def test_any_certificate_does_where_the_inventory_says_so() -> None:
    seen, _ = tried(MSA, TrustStore(), using=account(certificate="any"))
    assert fact(seen, AccountLogin).given_for == "any"


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({"in_inventory": False}, Reason.SKIPPED),
        ({"roles": (Role.MX,)}, Reason.SKIPPED),
    ],
)
def test_host_that_is_not_ours_or_not_for_submission_is_left_alone(
    about: dict[str, Any], reason: Reason, trust: TrustStore
) -> None:
    seen, server = tried(MSA, trust, **about)
    assert {silence(seen, kind, 587)[0] for kind in KINDS} == {reason}
    assert server.sessions == []


def test_port_25_and_hosts_without_account_are_left_alone(trust: TrustStore) -> None:
    seen, server = tried(MSA, trust, port=25)
    assert silence(seen, AccountLogin, 25)[0] is Reason.SKIPPED
    assert server.sessions == []
    seen = seen_before({587: 1})
    asyncio.run(walk(seen, trust, {}, 587))
    assert "declares no login" in silence(seen, AccountLogin, 587)[1]


def test_secret_that_can_not_be_had_is_told_without_a_login(trust: TrustStore) -> None:
    def missing() -> str:
        raise UsageError("env:ALICE: the variable is not set, expected it to hold a secret")

    seen, server = tried(MSA, trust, using=account(password=missing))
    reason, detail = silence(seen, AccountLogin, 587)
    assert reason is Reason.NOT_DECLARED
    assert "env:ALICE: the variable is not set" in detail
    assert auths(server) == []


# Accounts are not locked


def shared(
    trust: TrustStore, using: Account, *behaviours: Behaviour
) -> tuple[Snapshot, list[SmtpServer]]:
    """Logins at 587 and the ports after it of one host, all at once."""

    async def run() -> tuple[Snapshot, list[SmtpServer]]:
        servers = [SmtpServer(behaviour) for behaviour in behaviours]
        for server in servers:
            await server.start()
        ports = {587 + place: server.port for place, server in enumerate(servers)}
        seen = seen_before(ports)
        await walk(seen, trust, {NAME: using}, *ports)
        for server in servers:
            await server.stop()
        return seen, servers

    return asyncio.run(run())


def test_wrong_passwords_are_tried_at_one_service_of_an_account(trust: TrustStore) -> None:
    seen, servers = shared(trust, account(), MSA, MSA, MSA)
    assert [len(auths(server)) for server in servers] == [3, 1, 1]
    assert fact(seen, RefusedLogins, 587)
    reason, detail = silence(seen, RefusedLogins, 588)
    assert reason is Reason.SKIPPED
    assert f"{NAME}:587" in detail


def test_refused_password_is_tried_once_however_many_services_there_are(
    trust: TrustStore,
) -> None:
    seen, servers = shared(trust, account("forgotten"), MSA, MSA, MSA, MSA)
    assert sum(len(auths(server)) for server in servers) == 1
    untried = [seen.get(AccountLogin, Service(NAME, ADDRESS, 587 + n)) for n in range(4)]
    told = [o for o in untried if isinstance(o, Unobserved)]
    assert len(told) == 3
    assert all("lest the account be locked" in o.detail for o in told)


def test_account_of_many_hosts_sees_one_wrong_password(trust: TrustStore) -> None:
    other = "mx2.example.net"
    context = AUTHORITY.issue(NAME, other).server_context()

    async def run() -> tuple[Snapshot, list[SmtpServer]]:
        servers = [SmtpServer(replace(MSA, tls=context)) for _ in range(2)]
        for server in servers:
            await server.start()
        seen = seen_before({587: servers[0].port})
        for observation in seen_before({587: servers[1].port}, other):
            seen.add([observation])
        accounts = {NAME: account(), other: account()}
        collector = await walk(seen, trust, accounts)
        at = (Service(NAME, ADDRESS, 587), Service(other, ADDRESS, 587))
        await asyncio.gather(*(ask(collector, seen, service) for service in at))
        for server in servers:
            await server.stop()
        return seen, servers

    seen, servers = asyncio.run(run())
    assert sorted(len(auths(server)) for server in servers) == [1, 3]
    skipped = seen.get(RefusedLogins, Service(other, ADDRESS, 587))
    assert isinstance(skipped, Unobserved)
    assert f"{NAME}:587" in skipped.detail


# Hostile servers


def after_auth(script: Script, context: Any = TLS) -> Script:
    """TLS from the start, EHLO with AUTH PLAIN, and then the script for what follows AUTH."""

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = TlsServerStream(context, reader, writer)
        await stream.handshake()
        stream.write(b"220 mx ESMTP\r\n")
        await stream.drain()
        while True:
            line = await stream.readuntil(b"\n")
            if line.upper().startswith(b"EHLO"):
                stream.write(b"250-mx\r\n250 AUTH PLAIN LOGIN\r\n")
            else:
                await script(stream, stream)  # type: ignore[arg-type]  # has what scripts use
            await stream.drain()

    return run


def hostile(script: Script, trust: TrustStore) -> Snapshot:
    async def run() -> Snapshot:
        async with raw_server(after_auth(script)) as server:
            seen = seen_before({465: server.port})
            await walk(seen, trust, {NAME: account()}, 465)
            return seen

    return asyncio.run(run())


def saying(octets: bytes) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(octets)

    return script


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(10)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    raise ConnectionAbortedError


async def never_ending(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for _ in range(1000):
        writer.write(b"334-and so on\r\n")


_ECHO = f"535 you said {PASSWORD} as {b64encode(f'{chr(0)}{ALICE}{chr(0)}{PASSWORD}'.encode())!r}"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (saying(b"334 \r\n"), Reason.PROTOCOL),
        (saying(b"334 not base64!\r\n"), Reason.PROTOCOL),
        (saying(b"334 " + b"QUJD" * 900 + b"\r\n"), Reason.PROTOCOL),
        (saying(bytes(range(256)) + b"\r\n"), Reason.PROTOCOL),
        (saying(f"{PASSWORD} was right\r\n".encode()), Reason.PROTOCOL),
        (never_ending, Reason.PROTOCOL),
        (saying(b"421 4.7.0 go away\r\n"), Reason.THROTTLED),
        (hang, Reason.TIMEOUT),
        (hang_up, Reason.DISCONNECTED),
    ],
)
def test_hostile_answer_to_auth_has_a_typed_outcome(
    script: Script, reason: Reason, trust: TrustStore
) -> None:
    seen = hostile(script, trust)
    assert {silence(seen, kind, 465)[0] for kind in KINDS} == {reason}
    assert_kept_secret(seen)


@pytest.mark.parametrize("code", [535, 454, 235])
def test_server_that_repeats_the_credentials_gets_them_into_no_fact(
    code: int, trust: TrustStore
) -> None:
    seen = hostile(saying(f"{code}{_ECHO[3:]}\r\n".encode()), trust)
    login = fact(seen, AccountLogin, 465)
    assert login.exchange.reply.code == code
    assert "you said (concealed) as" in login.exchange.reply.text
    assert_kept_secret(seen)


def test_scram_challenge_that_asks_for_years_of_work_is_refused(trust: TrustStore) -> None:
    behaviour = replace(
        MSA, auth=("SCRAM-SHA-1",), logins=Logins({ALICE: PASSWORD}, iterations=2_000_000)
    )
    seen, _ = tried(behaviour, trust)
    reason, detail = silence(seen, AccountLogin, 587)
    assert reason is Reason.PROTOCOL
    assert "iterations" in detail
