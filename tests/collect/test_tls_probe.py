"""The TLS prober against real TLS servers and hostile ones on loopback."""

import asyncio
import functools
import ssl
import struct
import time
import tracemalloc
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from msgspec.structs import replace
from OpenSSL import SSL

from audits.collect.live.pace import Pace
from audits.collect.live.tls_probe import TlsProbe
from audits.demo.certificates import Authority, Credentials
from audits.facts.codec import decode_observation, encode_observation
from audits.facts.fact import Observed, Provenance, Reason, Unobserved
from audits.facts.snapshot import Snapshot
from audits.facts.tls import TlsHandshake
from audits.facts.tls_offer import TlsAsk, TlsOffer, TlsOffers, TlsQuestions, Version
from audits.parse.tls_inquiry import group_standing
from audits.parse.tls_names import HYBRIDS, SUITES, suite_name
from audits.settings import Settings
from tests.build import silent
from tests.catalog.tls.offering import ask, offers
from tests.collect.walking import NAME, SETTINGS, fleet, origin, service
from tests.servers.openssl import openssl_server
from tests.servers.smtp import Behaviour, Script, SmtpServer, answering, raw_server

AUTHORITY = Authority()
EC = AUTHORITY.issue(NAME)
RSA = AUTHORITY.issue(NAME, key=rsa.generate_private_key(65537, 2048))
# For servers that answer, however busy this machine is; the hostile ones get what `walking` has.
PATIENT = replace(
    SETTINGS, limits=replace(SETTINGS.limits, banner_s=10.0, reply_s=10.0, tls_s=10.0, host_s=60.0)
)
GOOD = "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"
RSA_KEY = load_pem_private_key(RSA.key, None)
RSA_CERTIFICATE = load_pem_x509_certificate(RSA.chain)
PROVENANCE = Provenance("test", "here", origin().clock(), "live")


def context(
    ciphers: str,
    credentials: Credentials = EC,
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> ssl.SSLContext:
    made = credentials.server_context()
    made.set_ciphers(ciphers)
    made.minimum_version, made.maximum_version = oldest, newest
    return made


def shaken(version: str | None, port: int = 25) -> Observed[TlsHandshake]:
    fact = TlsHandshake(service(port), version is not None, None, version, "x", NAME, 0.1)
    return Observed(fact, PROVENANCE)


def on_a_loop(test: Callable[..., Coroutine[None, None, None]]) -> Callable[..., None]:
    """A test that is a coroutine, on an event loop of its own."""

    @functools.wraps(test)
    def run(*args: object, **fixtures: object) -> None:
        asyncio.run(test(*args, **fixtures))

    return run


class Probed:
    """What the prober found, in how many connections."""

    def __init__(self, offers: TlsOffers, connections: int) -> None:
        self.offers = offers.offers
        self.connections = connections

    def outcomes(self) -> set[str]:
        return {offer.outcome for offer in self.offers}

    def reasons(self) -> set[Reason]:
        return {offer.silence.reason for offer in self.offers if offer.silence is not None}

    def suites(self, version: Version) -> set[str]:
        return {
            suite_name(offer.answer.suite)
            for offer in self.offers
            if offer.answer is not None and offer.answer.version is version
        }


async def probe(
    server_port: int,
    asked: TlsAsk | None = None,
    *,
    port: int = 25,
    current: str | None = "TLSv1.3",
    settings: Settings = PATIENT,
) -> Probed:
    """The prober's work on a server on loopback."""
    seen = fleet(server_port, port)
    seen.add([shaken(current, port)])
    pace = Pace(settings.limits)
    questions = TlsQuestions.same(ask() if asked is None else asked)
    found = await _collected(TlsProbe(origin(), settings, pace, questions), seen, port)
    assert isinstance(found, Observed), found
    assert isinstance(found.fact, TlsOffers)
    return Probed(found.fact, sum(pace.dialled.values()))


async def _collected(collector: TlsProbe, seen: Snapshot, port: int = 25) -> object:
    (found,) = await collector.collect(service(port), seen)
    return found


async def probe_context(made: ssl.SSLContext, port: int = 25, **how: object) -> Probed:
    behaviour = Behaviour(hostname=NAME, tls=made, implicit_tls=port == 465)
    async with SmtpServer(behaviour) as server:
        return await probe(server.port, port=port, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("port", [25, 587, 465])
@on_a_loop
async def test_well_kept_service_refuses_all_that_is_forbidden_in_five_connections(
    port: int,
) -> None:
    found = await probe_context(context(GOOD), port)
    assert found.connections == 5
    assert [offer.outcome for offer in found.offers] == [
        "refused",
        "refused",
        "refused",
        "accepted",
        "refused",
    ]
    assert found.suites(Version.TLS12) == {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"}


@on_a_loop
async def test_old_versions_and_suites_are_found() -> None:
    old = context("ALL:COMPLEMENTOFALL:@SECLEVEL=0", RSA, ssl.TLSVersion.TLSv1)
    found = await probe_context(old)
    assert found.suites(Version.TLS11)
    assert any("anon" in name or "NULL" in name for name in found.suites(Version.TLS12))
    assert any(o.answer is not None and o.answer.scheme == 0x0201 for o in found.offers)


@on_a_loop
async def test_service_with_tls_1_0_alone_is_found_by_the_first_hello() -> None:
    only = ssl.TLSVersion.TLSv1
    found = await probe_context(context("AES128-SHA:@SECLEVEL=0", RSA, only, only), current=None)
    assert found.offers[0].answer is not None
    assert found.offers[0].answer.version is Version.TLS10


@on_a_loop
async def test_static_rsa_and_cbc_are_told_apart() -> None:
    found = await probe_context(context("AES256-GCM-SHA384:ECDHE-RSA-AES128-SHA", RSA))
    assert "TLS_RSA_WITH_AES_256_GCM_SHA384" in found.suites(Version.TLS12)
    assert found.connections <= 7


@on_a_loop
async def test_deep_finds_each_suite_of_each_version() -> None:
    names = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-SHA:AES256-SHA:@SECLEVEL=0"
    settings = replace(PATIENT, probe=replace(PATIENT.probe, tls="all"))
    made = context(names, RSA, ssl.TLSVersion.TLSv1_1)
    found = await probe_context(made, settings=settings)
    assert found.suites(Version.TLS12) == {
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        "TLS_RSA_WITH_AES_256_CBC_SHA",
    }
    assert found.suites(Version.TLS11) == {
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        "TLS_RSA_WITH_AES_256_CBC_SHA",
    }
    assert found.suites(Version.TLS10) == set()
    assert len(found.suites(Version.TLS13)) == 3
    assert "inconclusive" not in found.outcomes()


@on_a_loop
async def test_group_of_s_server_is_named(tmp_path: Path) -> None:
    async with openssl_server(tmp_path, RSA, "-tls1_2", "-groups", "P-224", "-cipher", "ECDHE") as (
        at,
        _,
    ):
        found = await probe(at, port=465, current="TLSv1.2")
    groups = {o.answer.group for o in found.offers if o.answer is not None}
    assert 21 in groups
    assert Version.SSL2 in {o.hello.highest for o in found.offers}


_BSI = frozenset({23, 26})


@pytest.mark.parametrize("credentials", [RSA, EC], ids=["rsa", "ecdsa"])
@pytest.mark.parametrize(
    ("groups", "brainpool"), [("X25519:P-256:brainpoolP256r1", True), ("X25519:P-256", False)]
)
@on_a_loop
async def test_required_curves_of_s_server_are_told_apart(
    tmp_path: Path, credentials: Credentials, groups: str, brainpool: bool
) -> None:
    asked = TlsAsk(groups=frozenset({22, 27, 28}), required=_BSI)
    options = ("-groups", groups, "-cipher", "ECDHE+AESGCM")
    async with openssl_server(tmp_path, credentials, *options) as (at, _):
        found = await probe(at, asked, port=465)
    standing = {code: group_standing(code, found.offers) for code in _BSI}
    assert {code: met and met[1] for code, met in standing.items()} == {23: True, 26: brainpool}
    assert found.connections == 2


@on_a_loop
async def test_required_curve_of_tls_1_3_alone_is_refused_by_s_server(tmp_path: Path) -> None:
    asked = TlsAsk(features=True, required=_BSI)
    async with openssl_server(tmp_path, RSA, "-tls1_3", "-groups", "P-256") as (at, _):
        found = await probe(at, asked, port=465)
    standing = {code: group_standing(code, found.offers) for code in _BSI}
    assert {code: met and met[1] for code, met in standing.items()} == {23: True, 26: False}


# The prime of 1024 bits that RFC 2409 section 6.2 gives
_OAKLEY_2 = """-----BEGIN DH PARAMETERS-----
MIGHAoGBAP//////////yQ/aoiFowjTExmKLgNwc0SkCTgiKZ8x0Agu+pjsTmyJR
Sgh5jjQE3e+VGbPNOkMbMCsKbfJfFDdP4TVtbVHCReSFtXZiXn7G9ExC6aY37WsL
/1y29Aa37e44a/taiZ+lrp8kEXxLH+ZJKGZR7OZTgf//////////AgEC
-----END DH PARAMETERS-----
"""


@on_a_loop
async def test_size_of_a_diffie_hellman_group_is_measured(tmp_path: Path) -> None:
    made = context("DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0", RSA)
    parameters = tmp_path / "dh.pem"
    parameters.write_text(_OAKLEY_2)
    made.load_dh_params(parameters)
    found = await probe_context(made)
    assert {o.answer.dh_bits for o in found.offers if o.answer is not None} == {1024}


def openssl4(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> object:
    """A TLS server of the OpenSSL that pyOpenSSL brings, which knows hybrids."""
    made = SSL.Context(SSL.TLS_METHOD)
    made.use_privatekey(RSA_KEY)
    made.use_certificate(RSA_CERTIFICATE)
    server = SSL.Connection(made, None)
    server.set_accept_state()

    async def serve() -> None:
        while octets := await reader.read(65536):
            server.bio_write(octets)
            with suppress(SSL.Error):
                server.do_handshake()
            try:
                writer.write(server.bio_read(65536))
            except SSL.Error:
                return

    return serve()


@on_a_loop
async def test_hybrid_group_is_found_without_any_post_quantum_code() -> None:
    async with raw_server(openssl4) as server:  # type: ignore[arg-type]  # gives a coroutine
        found = await probe(server.port, TlsAsk(hybrids=HYBRIDS), port=465)
    assert found.connections == 1
    (offer,) = found.offers
    assert offer.answer is not None
    assert offer.answer.retry
    assert offer.answer.group in HYBRIDS


@on_a_loop
async def test_ssl_2_is_asked_where_tls_1_3_is_not() -> None:
    made = context(GOOD, newest=ssl.TLSVersion.TLSv1_2)
    found = await probe_context(made, current="TLSv1.2")
    assert found.connections == 5
    (ssl2,) = [o for o in found.offers if o.hello.highest is Version.SSL2]
    assert (ssl2.outcome, ssl2.alert) == ("refused", 70)


async def silent_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    for octet in b"\x16\x03\x03\x40\x00\x02":
        writer.write(bytes([octet]))
        await writer.drain()
        await asyncio.sleep(0.05)
    while True:
        writer.write(b"\x00")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless_records(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    while not writer.is_closing():
        writer.write(b"\x16\x03\x03\x40\x00" + b"\x02\xff\xff\xf0" + bytes(16380))
        await writer.drain()


async def huge_record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"\x16\x03\x03\xff\xff" + bytes(70000))
    await reader.read()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(bytes(range(200)))
    await reader.read()


async def wrong_type(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"\x17\x03\x03\x00\x05hello")
    await reader.read()


async def alert_storm(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    while not writer.is_closing():
        writer.write(b"\x15\x03\x03\x00\x02\x01\x70" * 100)
        await writer.drain()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def half_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write_eof()
    await reader.read()


async def limit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"421 4.7.0 too many connections\r\n")


HOSTILE = {
    "silent": (silent_server, Reason.TIMEOUT),
    "drip": (drip, Reason.TIMEOUT),
    "endless records": (endless_records, Reason.PROTOCOL),
    "huge record": (huge_record, Reason.PROTOCOL),
    "garbage": (garbage, Reason.PROTOCOL),
    "wrong record type": (wrong_type, Reason.PROTOCOL),
    "alert storm": (alert_storm, Reason.PROTOCOL),
    "hangs up": (hang_up, Reason.DISCONNECTED),
    "resets": (reset, Reason.DISCONNECTED),
    "half-close": (half_close, Reason.DISCONNECTED),
    "421 in clear": (limit, Reason.THROTTLED),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("port", [25, 465])
@on_a_loop
async def test_hostile_server_leaves_each_question_open_for_its_reason(
    kind: str, port: int
) -> None:
    script, reason = HOSTILE[kind]
    tracemalloc.start()
    begun = time.monotonic()
    async with raw_server(script if port == 465 else answering(script)) as server:
        found = await probe(server.port, port=port, settings=SETTINGS)
    taken_s, (_, peak) = time.monotonic() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.outcomes() == {"inconclusive"}
    assert found.reasons() == {reason}
    # Two hellos, each tried again, and no more: the server is left alone. Of four that it hangs up
    # on without a word, one is tried again.
    assert found.connections == (5 if kind in ("hangs up", "half-close") else 4)
    assert taken_s < SETTINGS.limits.host_s
    assert peak < 4_000_000


@on_a_loop
async def test_answer_in_single_octets_is_read() -> None:
    async def one_by_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        for octet in b"\x15\x03\x03\x00\x02\x02\x28":
            writer.write(bytes([octet]))
            await writer.drain()
            await asyncio.sleep(0.001)

    async with raw_server(answering(one_by_one)) as server:
        found = await probe(server.port)
    assert found.outcomes() == {"refused"}


@on_a_loop
async def test_question_without_answer_is_asked_once_more_at_the_end() -> None:
    turns = 0

    async def moody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal turns
        turns += 1
        first = turns == 1
        await reader.read(65536)
        if not first:
            writer.write(b"\x15\x03\x03\x00\x02\x02\x28")

    async with raw_server(answering(moody)) as server:
        found = await probe(server.port, settings=SETTINGS)
    assert found.outcomes() == {"refused"}
    assert found.connections == len(found.offers) + 1


@pytest.mark.parametrize(("current", "first"), [("TLSv1.3", 2), (None, 1)])
@on_a_loop
async def test_hellos_come_two_at_once_where_tls_is_known_to_be_spoken(
    current: str | None, first: int
) -> None:
    now, most = 0, []

    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now
        now += 1
        most.append(now)
        await reader.read(65536)
        await asyncio.sleep(0.1)
        writer.write(b"\x15\x03\x03\x00\x02\x02\x28")
        await reader.read()
        now -= 1

    async with raw_server(answering(refusing)) as server:
        found = await probe(server.port, current=current)
    assert found.outcomes() == {"refused"}
    assert max(most) == 2
    assert most[: first + 1].count(2) == first - 1


def closing_instead(made: ssl.SSLContext) -> Script:
    """A TLS server that hangs up wherever it would send an alert, as Dovecot does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = made.wrap_bio(incoming, outgoing, server_side=True)
        while octets := await reader.read(65536):
            incoming.write(octets)
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
            except ssl.SSLError:
                return

    return serve


@on_a_loop
async def test_hanging_up_is_a_refusal_where_another_hello_is_accepted_meanwhile() -> None:
    async with raw_server(answering(closing_instead(context(GOOD)))) as server:
        found = await probe(server.port)
    assert [offer.outcome for offer in found.offers] == [
        "closed",
        "closed",
        "closed",
        "accepted",
        "closed",
    ]
    assert found.connections == 6


@on_a_loop
async def test_hanging_up_now_and_then_is_no_refusal() -> None:
    turns = 0

    async def moody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal turns
        turns += 1
        if turns == 1:
            await reader.read(1)
        else:
            await closing_instead(context(GOOD))(reader, writer)

    asked = TlsAsk(versions=frozenset({Version.SSL3}), features=True)
    async with raw_server(answering(moody)) as server:
        found = await probe(server.port, asked)
    assert [offer.outcome for offer in found.offers] == ["closed", "accepted"]
    assert found.connections == 3
    turns = 0
    async with raw_server(answering(moody)) as server:
        features = await probe(server.port, TlsAsk(features=True))
    assert [offer.outcome for offer in features.offers] == ["accepted"]


@on_a_loop
async def test_starttls_that_is_missing_this_once_is_no_refusal() -> None:
    async with SmtpServer(Behaviour(hostname=NAME)) as server:
        found = await probe(server.port)
    assert found.outcomes() == {"inconclusive"}
    assert found.reasons() == {Reason.DEFERRED}


@on_a_loop
async def test_closed_port_is_no_refusal() -> None:
    async with SmtpServer(Behaviour(hostname=NAME)) as server:
        at = server.port
    found = await probe(at)
    assert found.outcomes() == {"inconclusive"}


@on_a_loop
async def test_deadline_of_the_service_ends_the_questions() -> None:
    limits = replace(SETTINGS.limits, host_s=1.6, tls_s=5.0, connect_s=0.2)
    async with raw_server(answering(silent_server)) as server:
        begun = time.monotonic()
        found = await probe(server.port, settings=replace(SETTINGS, limits=limits))
    assert time.monotonic() - begun < 1.6
    assert found.reasons() <= {Reason.TIMEOUT, Reason.INTERRUPTED}


@on_a_loop
async def test_host_of_somebody_else_is_not_asked() -> None:
    async with SmtpServer(Behaviour(hostname=NAME, tls=context(GOOD))) as server:
        seen = fleet(server.port, ours=False)
        seen.add([shaken("TLSv1.3")])
        collector = TlsProbe(origin(), SETTINGS, Pace(SETTINGS.limits), TlsQuestions.same(ask()))
        found = await _collected(collector, seen)
        assert server.sessions == []
    assert isinstance(found, Unobserved)
    assert found.reason is Reason.SKIPPED


@on_a_loop
async def test_service_without_a_handshake_is_silent_for_the_same_reason() -> None:
    seen = fleet(1)
    seen.add([silent(TlsHandshake, service(), Reason.NOT_OFFERED, "no STARTTLS")])
    collector = TlsProbe(origin(), SETTINGS, Pace(SETTINGS.limits), TlsQuestions.same(ask()))
    found = await _collected(collector, seen)
    assert isinstance(found, Unobserved)
    assert (found.reason, found.detail) == (Reason.NOT_OFFERED, "no STARTTLS")


def test_facts_survive_storing() -> None:
    stored = Observed(offers(), PROVENANCE)
    assert decode_observation(encode_observation(stored), "test:1") == stored
    assert all(isinstance(offer, TlsOffer) for offer in stored.fact.offers)
    assert set(stored.fact.offers[0].hello.suites) < set(SUITES)
