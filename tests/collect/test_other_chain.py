"""The second certificate of a server, against servers that hold one or two, on loopback."""

import asyncio
import ssl
import tempfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from audits.collect.live.assembly import NO_QUESTIONS
from audits.collect.live.other_chain import OtherChainWalk
from audits.collect.live.pace import Pace
from audits.collect.live.tls_probe import TlsProbe
from audits.collect.live.trust import TrustStore
from audits.demo.certificates import Authority, Credentials
from audits.facts.dane import TlsaSet
from audits.facts.dns import Answer
from audits.facts.fact import Observed, Reason, Unobserved
from audits.facts.snapshot import Snapshot
from audits.facts.tls import CertificateChain, KeyType, OtherChain, TlsHandshake
from audits.facts.tls_offer import TlsAsk, TlsOffers, TlsQuestions
from audits.parse.tls_inquiry import suites_of_key
from audits.parse.tls_names import SUITES_BEFORE_13
from audits.parse.tls_policy import denied_suites
from audits.parse.tlsa import tlsa_record
from audits.subject import MailHost
from tests.collect.walking import NAME, SETTINGS, fleet, origin, service, walk
from tests.servers.smtp import (
    Behaviour,
    Script,
    SmtpServer,
    answering,
    hang_up,
    raw_server,
    silence,
    tls_alert,
)

AUTHORITY = Authority()
ELLIPTIC = AUTHORITY.issue(NAME)
RSA = AUTHORITY.issue(NAME, key=rsa.generate_private_key(65537, 2048))
SPKI = tlsa_record(3, 1, 1, bytes(32))


def serving(*held: Credentials) -> ssl.SSLContext:
    """A server's context that holds several certificates and picks by what its client takes."""
    context = held[0].server_context()
    with tempfile.TemporaryDirectory() as folder:
        for each in held[1:]:
            path = Path(folder) / "credentials.pem"
            path.write_bytes(each.key + each.chain)
            context.load_cert_chain(path)
    return context


def tlsa(*, secure: bool = True, records: bool = True) -> TlsaSet:
    name = f"_25._tcp.{NAME}"
    found = (SPKI,) if records else ()
    return TlsaSet(MailHost(NAME), name, (), Answer(name, "NOERROR", secure, (), 300), found, None)


async def ask(seen: Snapshot, port: int = 25) -> Observed[OtherChain] | Unobserved:
    collector = OtherChainWalk(origin(), SETTINGS, Pace(SETTINGS.limits), TrustStore())
    (found,) = await collector.collect(service(port), seen)
    assert isinstance(found, Unobserved) or isinstance(found.fact, OtherChain)
    return found  # type: ignore[return-value]  # the line above says so


def walked(
    context: ssl.SSLContext | None, *, ours: bool = True, promised: TlsaSet | None = None
) -> tuple[Observed[OtherChain] | Unobserved, Snapshot, SmtpServer]:
    """What comes of both conversations, the snapshot, and the server's log."""

    async def run() -> tuple[Observed[OtherChain] | Unobserved, Snapshot, SmtpServer]:
        async with SmtpServer(Behaviour(hostname=NAME, tls=context)) as server:
            seen = fleet(server.port, ours=ours)
            seen.add([Observed(promised or tlsa(), origin().live("test"))])
            await walk(seen, wanted={CertificateChain})
            found = await ask(seen)
            await server.settle()
            return found, seen, server

    return asyncio.run(run())


def after(script: Script) -> Observed[OtherChain] | Unobserved:
    """What comes of the second conversation where the server has changed into that script."""

    async def run() -> Observed[OtherChain] | Unobserved:
        async with SmtpServer(Behaviour(hostname=NAME, tls=serving(ELLIPTIC))) as server:
            first = await walk(fleet(server.port), wanted={CertificateChain})
        chain = first.get(CertificateChain, service())
        assert isinstance(chain, Observed)
        async with raw_server(script) as changed:
            seen = fleet(changed.port)
            seen.add([chain, Observed(tlsa(), origin().live("test"))])
            return await ask(seen)

    return asyncio.run(run())


@pytest.mark.parametrize("version", [None, ssl.TLSVersion.TLSv1_2])
def test_both_certificates_of_a_server_are_seen(version: ssl.TLSVersion | None) -> None:
    context = serving(ELLIPTIC, RSA)
    if version is not None:
        context.maximum_version = version
    found, seen, server = walked(context)
    first = seen.fact(CertificateChain, service())
    assert isinstance(found, Observed)
    assert first is not None
    assert first.leaf is not None
    assert found.fact.chain is not None
    assert found.fact.chain.leaf is not None
    types = {first.leaf.key_type, found.fact.chain.leaf.key_type}
    assert types == {"ec", "rsa"}
    assert found.fact.chain.names == (NAME,)
    assert len(found.fact.chain.certificates) == 2
    assert server.sessions[1] == ["EHLO mailproof.invalid", "STARTTLS", "QUIT"]


@pytest.mark.parametrize(("held", "asked"), [(ELLIPTIC, "rsa"), (RSA, "ecdsa")])
def test_a_server_with_one_certificate_says_that_it_has_no_other(
    held: Credentials, asked: KeyType
) -> None:
    found, _, server = walked(serving(held))
    assert isinstance(found, Observed)
    assert found.fact == OtherChain(service(), asked, None, "alert handshake_failure")
    assert len(server.sessions) == 2


def offered(
    context: ssl.SSLContext, questions: TlsQuestions = NO_QUESTIONS
) -> tuple[Observed[OtherChain] | Unobserved, TlsOffers, int]:
    """What comes of it where crafted hellos came first, these hellos, and all connections."""

    async def run() -> tuple[Observed[OtherChain] | Unobserved, TlsOffers, int]:
        async with SmtpServer(Behaviour(hostname=NAME, tls=context)) as server:
            seen = fleet(server.port)
            seen.add([Observed(tlsa(), origin().live("test"))])
            await walk(seen, wanted={TlsHandshake, CertificateChain})
            probe = TlsProbe(origin(), SETTINGS, Pace(SETTINGS.limits), questions)
            seen.add(await probe.collect(service(), seen))
            found = await ask(seen)
            offers = seen.fact(TlsOffers, service())
            assert offers is not None
            return found, offers, len(server.sessions)

    return asyncio.run(run())


FORBIDDEN = TlsQuestions.same(TlsAsk(suites=(denied_suites(("RC4", "3DES")) & SUITES_BEFORE_13,)))


@pytest.mark.parametrize(("held", "asked"), [(ELLIPTIC, "rsa"), (RSA, "ecdsa")])
@pytest.mark.parametrize("questions", [NO_QUESTIONS, FORBIDDEN], ids=["alone", "with-forbidden"])
def test_the_hello_with_forbidden_suites_shows_that_there_is_no_other(
    held: Credentials, asked: KeyType, questions: TlsQuestions
) -> None:
    found, offers, connections = offered(serving(held), questions)
    assert isinstance(found, Observed)
    assert found.fact == OtherChain(service(), asked, None, "alert handshake_failure")
    (offer,) = offers.offers
    assert suites_of_key(asked) <= set(offer.hello.suites)
    assert connections == 2


@pytest.mark.parametrize("questions", [NO_QUESTIONS, FORBIDDEN], ids=["alone", "with-forbidden"])
def test_another_certificate_is_read_in_a_handshake_and_forbidden_suites_asked_again(
    questions: TlsQuestions,
) -> None:
    found, offers, connections = offered(serving(ELLIPTIC, RSA), questions)
    assert isinstance(found, Observed)
    assert found.fact.chain is not None
    assert found.fact.chain.leaf is not None
    assert found.fact.chain.leaf.key_type == ("rsa" if found.fact.key_type == "rsa" else "ec")
    outcomes = [offer.outcome for offer in offers.offers]
    assert outcomes == (["accepted"] if questions is NO_QUESTIONS else ["accepted", "refused"])
    assert connections == 2 + len(outcomes)


@pytest.mark.parametrize(("held", "asked"), [(ELLIPTIC, "rsa"), (RSA, "ecdsa")])
def test_a_server_of_tls_1_3_alone_says_that_it_has_no_other(
    held: Credentials, asked: KeyType
) -> None:
    context = serving(held)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    found, offers, connections = offered(context)
    assert isinstance(found, Observed)
    assert found.fact == OtherChain(service(), asked, None, "alert handshake_failure")
    assert [offer.hello.highest.value for offer in offers.offers] == ["1.2", "1.3"]
    assert connections == 3


def test_another_certificate_in_tls_1_3_alone_is_known_of_but_not_seen() -> None:
    context = serving(ELLIPTIC, RSA)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    found, _, _ = offered(context)
    assert isinstance(found, Unobserved)
    assert found.reason is Reason.TLS
    assert "comes encrypted, and was not seen" in found.detail


def test_a_server_of_tls_1_3_alone_can_not_be_asked() -> None:
    context = serving(ELLIPTIC, RSA)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    found, _, _ = walked(context)
    assert isinstance(found, Unobserved)
    assert found.reason is Reason.TLS
    assert "TLS 1.3 only" in found.detail


@pytest.mark.parametrize(
    "promised", [tlsa(secure=False), tlsa(records=False)], ids=["insecure", "absent"]
)
def test_without_usable_records_nobody_is_asked_twice(promised: TlsaSet) -> None:
    found, _, server = walked(serving(ELLIPTIC, RSA), promised=promised)
    assert isinstance(found, Unobserved)
    assert found.reason is Reason.SKIPPED
    assert len(server.sessions) == 1


def test_a_host_of_somebody_else_is_not_asked_twice() -> None:
    async def run() -> tuple[Observed[OtherChain] | Unobserved, int]:
        async with SmtpServer(Behaviour(hostname=NAME, tls=serving(ELLIPTIC))) as server:
            seen = fleet(server.port)
            await walk(seen, wanted={CertificateChain})
            chain = seen.get(CertificateChain, service())
            assert chain is not None
            foreign = fleet(server.port, ours=False)
            foreign.add([chain, Observed(tlsa(), origin().live("test"))])
            return await ask(foreign), len(server.sessions)

    found, sessions = asyncio.run(run())
    assert isinstance(found, Unobserved)
    assert (found.reason, sessions) == (Reason.SKIPPED, 1)


def test_where_the_first_certificate_was_not_seen_there_is_no_second_question() -> None:
    found, _, server = walked(None)
    assert isinstance(found, Unobserved)
    assert found.reason is Reason.NOT_OFFERED
    assert len(server.sessions) == 1


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (silence, Reason.TIMEOUT),
        (hang_up, Reason.DISCONNECTED),
        (answering(silence), Reason.TIMEOUT),
        (answering(hang_up), Reason.DISCONNECTED),
        (answering(tls_alert(80)), Reason.TLS),
        (answering(silence, greeting=b"450 later\r\n"), Reason.DEFERRED),
        (answering(silence, greeting=b"421 later\r\n"), Reason.THROTTLED),
    ],
)
def test_a_server_that_does_not_answer_the_second_time_leaves_it_open(
    script: Script, reason: Reason
) -> None:
    found = after(script)
    assert isinstance(found, Unobserved)
    assert found.reason is reason


def test_insufficient_security_is_an_answer() -> None:
    found = after(answering(tls_alert(71)))
    assert isinstance(found, Observed)
    assert found.fact.chain is None
