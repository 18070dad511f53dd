import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from audits.collect.live.tcp import Target, Unheard, dial
from audits.collect.live.tls import Handshake, shake_hands
from audits.collect.live.trust import TrustStore
from audits.demo.certificates import Authority, Credentials, short_rsa_key
from audits.errors import UsageError
from audits.facts.fact import Reason
from audits.facts.tls import CertificateChain
from audits.subject import Service
from tests.servers.smtp import (
    Behaviour,
    Script,
    SmtpServer,
    hang_up,
    raw_server,
    silence,
    tls_alert,
    tls_garbage,
    tls_half_record,
    tls_refusal,
)

NAME = "mx.example.net"
SERVICE = Service(NAME, "192.0.2.1", 465)
AUTHORITY = Authority()
NOW = datetime.now(UTC)
OK, EXPIRED_LEAF, NO_ISSUER, SELF_SIGNED_LEAF = 0, 10, 20, 18


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> TrustStore:
    path = tmp_path_factory.mktemp("trust") / "root.pem"
    path.write_bytes(AUTHORITY.root_pem)
    return TrustStore(str(path))


async def shake(address: str, port: int, server_name: str = NAME) -> Handshake:
    attempt = await dial(Target(address, port), 1)
    assert attempt.stream is not None
    try:
        return await shake_hands(attempt.stream, server_name, 0.3)
    finally:
        attempt.stream.close()


def with_context(context: ssl.SSLContext, server_name: str = NAME) -> Handshake:
    """The handshake with a server that has this context."""

    async def run() -> Handshake:
        async with SmtpServer(Behaviour(tls=context, implicit_tls=True)) as server:
            return await shake(server.address, server.port, server_name)

    return asyncio.run(run())


def with_script(script: Script) -> Handshake:
    async def run() -> Handshake:
        async with raw_server(script) as server:
            return await shake(server.address, server.port)

    return asyncio.run(run())


def served(credentials: Credentials, trust: TrustStore) -> CertificateChain:
    handshake = with_context(credentials.server_context())
    return trust.chain_fact(SERVICE, handshake.chain, NOW)


def test_a_handshake_gives_version_cipher_and_chain() -> None:
    credentials = AUTHORITY.issue(NAME)
    handshake = with_context(credentials.server_context())
    assert (handshake.error, handshake.version) == (None, "TLSv1.3")
    assert handshake.cipher is not None
    assert handshake.cipher.startswith("TLS_")
    expected = x509.load_pem_x509_certificates(credentials.chain)
    assert list(handshake.chain) == [c.public_bytes(Encoding.DER) for c in expected]


def test_a_handshake_with_tls_1_2_completes() -> None:
    context = AUTHORITY.issue(NAME).server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert with_context(context).version == "TLSv1.2"


def test_a_name_that_sni_can_not_carry_is_left_out() -> None:
    context = AUTHORITY.issue(NAME).server_context()
    handshake = with_context(context, server_name=f"{'a' * 70}.example.net")
    assert (handshake.error, handshake.server_name) == (None, "")


def test_an_old_version_alone_is_a_failed_handshake() -> None:
    context = AUTHORITY.issue(NAME).server_context()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("PSK")
    assert with_script(tls_refusal(context)).error == "alert handshake_failure"


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (40, "handshake_failure"),
        (70, "protocol_version"),
        (71, "insufficient_security"),
        (80, "internal_error"),
        (112, "unrecognized_name"),
    ],
)
def test_an_alert_is_named(number: int, name: str) -> None:
    assert with_script(tls_alert(number)).error == f"alert {name}"


def test_text_instead_of_tls_is_quoted() -> None:
    handshake = with_script(tls_garbage)
    assert handshake.error == "not TLS: the server sent '500 what was that?'"
    assert handshake.heard == "500 what was that?"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (hang_up, Reason.DISCONNECTED),
        (tls_half_record, Reason.DISCONNECTED),
        (silence, Reason.TIMEOUT),
    ],
)
def test_a_connection_that_breaks_off_or_falls_silent_is_unheard(
    script: Script, reason: Reason
) -> None:
    with pytest.raises(Unheard) as caught:
        with_script(script)
    assert caught.value.silence.reason is reason
    assert "TLS handshake" in caught.value.silence.detail


def test_a_complete_chain_is_trusted(trust: TrustStore) -> None:
    chain = served(AUTHORITY.issue(NAME), trust)
    assert [c.subject for c in chain.certificates] == [
        f"CN={NAME}",
        "CN=Demo CA intermediate",
    ]
    assert chain.names == (NAME,)
    assert chain.verification is not None
    assert (chain.verification.code, chain.verification.stores[0]) == (OK, "system")


def test_a_chain_without_its_intermediate_is_not_trusted(trust: TrustStore) -> None:
    chain = served(AUTHORITY.issue(NAME, with_intermediate=False), trust)
    assert chain.verification is not None
    assert (chain.verification.code, chain.verification.depth) == (NO_ISSUER, 0)
    assert "issuer" in chain.verification.message


def test_a_self_signed_certificate_is_not_trusted(trust: TrustStore) -> None:
    chain = served(AUTHORITY.self_signed(NAME), trust)
    assert chain.verification is not None
    assert chain.verification.code == SELF_SIGNED_LEAF


def test_an_expired_certificate_is_verified_for_a_time_inside_its_dates(trust: TrustStore) -> None:
    chain = served(AUTHORITY.issue(NAME, begins_days=-30, days=-2), trust)
    # The authority is younger than the leaf's first days; its dates and the leaf's don't meet.
    assert chain.verification is not None
    leaf = chain.certificates[0]
    assert leaf.not_after < NOW
    assert leaf.not_before <= chain.verification.at <= leaf.not_after


def test_expiry_alone_leaves_trust_intact(tmp_path: Path) -> None:
    authority = Authority(now=NOW - timedelta(days=60))
    root = tmp_path / "root.pem"
    root.write_bytes(authority.root_pem)
    chain = served(authority.issue(NAME, days=30), TrustStore(str(root)))
    assert chain.certificates[0].not_after < NOW
    assert chain.verification is not None
    assert chain.verification.code == OK


def test_each_chain_is_verified_for_its_own_time(tmp_path: Path) -> None:
    authority = Authority(now=NOW - timedelta(days=60))
    root = tmp_path / "root.pem"
    root.write_bytes(authority.root_pem)
    trust = TrustStore(str(root))
    for days in (30, 90, 30):
        verification = served(authority.issue(NAME, days=days), trust).verification
        assert verification is not None
        assert verification.code == OK


def test_a_short_key_is_observed_and_trusted(trust: TrustStore) -> None:
    chain = served(AUTHORITY.issue(NAME, key=short_rsa_key()), trust)
    assert chain.certificates[0].key_bits == 1024
    assert chain.verification is not None
    assert chain.verification.code == OK


def test_a_private_authority_counts_for_its_own_host_only(tmp_path: Path) -> None:
    root = tmp_path / "private.pem"
    root.write_bytes(AUTHORITY.root_pem)
    store = TrustStore()
    chain = with_context(AUTHORITY.issue(NAME).server_context()).chain
    with_it = store.verify(chain, NOW, str(root))
    assert (with_it.code, with_it.stores) == (OK, ("system", str(root)))
    assert store.verify(chain, NOW).code == NO_ISSUER


def test_a_malformed_certificate_is_named_and_left_out(trust: TrustStore) -> None:
    chain = trust.chain_fact(SERVICE, (b"\x30\x03abc",), NOW)
    assert (chain.certificates, chain.verification) == ((), None)
    assert chain.malformed is not None
    assert "malformed" in chain.malformed


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_an_authority_that_can_not_be_read_is_a_usage_error(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"ca\.pem"):
        TrustStore(str(path))


def test_private_ca_is_named_from_the_fleets_folder(tmp_path: Path) -> None:
    authority = Authority()
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "lab.pem").write_bytes(authority.root_pem)
    pem = authority.issue(NAME).chain
    chain = [c.public_bytes(Encoding.DER) for c in x509.load_pem_x509_certificates(pem)]
    found = TrustStore(base=tmp_path).verify(chain, datetime.now(UTC), "ca/lab.pem")
    assert found.code == 0
    assert found.stores == ("system", "ca/lab.pem")
