"""The collector of MTA-STS policies against HTTPS servers on loopback."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from audits.collect.collector import Origin
from audits.collect.live.https import MAX_BODY_BYTES, MtaStsFetch, trust_context
from audits.collect.live.resolver import Resolver
from audits.demo.certificates import Authority, Credentials
from audits.facts.dns import Answer, MtaStsTxt
from audits.facts.fact import AnyObservation, Observed, Reason, Unobserved, kind_of
from audits.facts.https import MtaStsPolicy
from audits.facts.snapshot import SCHEMA, Header, Snapshot
from audits.parse.mta_sts import sts_records
from audits.settings import LimitSettings, Settings, TrustSettings
from audits.subject import Domain
from tests.servers.dns import Behaviour, ScriptedDns
from tests.servers.https import ScriptedHttps, page

NOW = datetime.now(UTC)
ORIGIN = Origin("here", lambda: NOW)
D = Domain("d.example")
HOST = "mta-sts.d.example"
ZONES = {
    "d.example.": """
@ 300 SOA ns hostmaster 1 3600 600 86400 60
mta-sts 300 A 192.0.2.1
other 300 A 192.0.2.1
"""
}
POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: mx1.d.example\r\nmax_age: 604800\r\n"
AUTHORITY = Authority("test root")
GOOD = AUTHORITY.issue(HOST)


def _seen(texts: tuple[str, ...] = ("v=STSv1; id=1",), domain: Domain = D) -> Snapshot:
    answer = Answer(f"_mta-sts.{domain}", "NOERROR", False, (), 300)
    fact = MtaStsTxt(domain, answer, texts, sts_records(texts))
    return _snapshot(Observed(fact, ORIGIN.live("dns-domain")))


def _snapshot(*observations: AnyObservation) -> Snapshot:
    return Snapshot(Header(SCHEMA, "run", "here", NOW, "0"), observations)


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[..., AnyObservation]:
    """Fetch the policy of D from a server, and return the one observation."""
    roots = tmp_path / "roots.pem"
    roots.write_bytes(AUTHORITY.root_pem)

    def run(
        server: ScriptedHttps,
        credentials: Credentials = GOOD,
        *,
        seen: Snapshot | None = None,
        domain: Domain = D,
        script: Mapping[str | tuple[str, str], Behaviour] | None = None,
        https_s: float = 5.0,
        trusted: Path | None = roots,
        port: int | None = None,
    ) -> AnyObservation:
        async def main() -> AnyObservation:
            async with (
                ScriptedDns(ZONES, script) as names,
                server.listening(credentials.server_context()),
                Resolver(names.settings) as resolver,
            ):
                settings = Settings(
                    limits=LimitSettings(https_s=https_s, connect_s=https_s),
                    trust=TrustSettings(ca_file=None if trusted is None else str(trusted)),
                    redirect={"192.0.2.1:443": f"127.0.0.1:{port or server.port}"},
                )
                collector = MtaStsFetch(resolver, ORIGIN, MtaStsFetch.provides, settings)
                snapshot = _seen() if seen is None else seen
                (observation,) = await collector.collect(domain, snapshot)
                return observation

        return asyncio.run(main())

    return run


Fetch = Callable[..., AnyObservation]


def _policy(observation: AnyObservation) -> MtaStsPolicy:
    assert isinstance(observation, Observed), observation
    assert isinstance(observation.fact, MtaStsPolicy)
    return observation.fact


def _unobserved(observation: AnyObservation) -> Unobserved:
    assert isinstance(observation, Unobserved), observation
    return observation


def test_a_policy_is_fetched_by_its_name_from_the_address_that_dns_gave(fetch: Fetch) -> None:
    server = ScriptedHttps([page(POLICY)])
    fact = _policy(fetch(server))
    assert fact.failure is None
    assert (fact.status, fact.content_type, fact.truncated) == (200, "text/plain", False)
    assert (fact.mode, fact.mx, fact.max_age_s) == ("enforce", ("mx1.d.example",), 604800)
    assert fact.malformed is None
    assert fact.address == "127.0.0.1"
    assert fact.body_bytes == len(POLICY)
    assert server.names == [HOST]
    head = server.heads[0].lower()
    assert head.startswith(b"get /.well-known/mta-sts.txt http/1.1\r\n")
    assert b"host: mta-sts.d.example\r\n" in head


def test_a_wildcard_certificate_is_valid_for_the_name(fetch: Fetch) -> None:
    fact = _policy(fetch(ScriptedHttps([page(POLICY)]), AUTHORITY.issue("*.d.example")))
    assert fact.failure is None


def test_a_redirect_is_recorded_and_not_followed(fetch: Fetch) -> None:
    more = "Location: https://www.d.example/mta-sts.txt\r\n"
    server = ScriptedHttps([page(POLICY, "301 Moved Permanently", more=more)])
    fact = _policy(fetch(server))
    assert (fact.status, fact.location) == (301, "https://www.d.example/mta-sts.txt")
    assert fact.version is None
    assert len(server.heads) == 1


def test_another_status_and_type_are_recorded(fetch: Fetch) -> None:
    fact = _policy(fetch(ScriptedHttps([page(b"<p>", "404 Not Found", "text/html")])))
    assert (fact.status, fact.content_type, fact.body) == (404, "text/html", "<p>")
    assert fact.malformed is None


def test_a_broken_policy_says_how(fetch: Fetch) -> None:
    fact = _policy(fetch(ScriptedHttps([page(b"version: STSv1\nmode: \xff\n")])))
    assert fact.malformed == "line 2: a control or undecodable character"


def test_an_endless_body_is_cut(fetch: Fetch) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
    server = ScriptedHttps([head, *([b"x" * 65_536] * 200)])
    fact = _policy(fetch(server))
    assert fact.truncated
    assert fact.body_bytes == MAX_BODY_BYTES


def test_a_slow_drip_ends_with_the_time_for_the_whole_fetch(fetch: Fetch) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
    began = time.monotonic()
    silence = _unobserved(fetch(ScriptedHttps([head, *([b"x"] * 500)], pause_s=0.02), https_s=0.4))
    assert time.monotonic() - began < 3
    assert silence.reason is Reason.TIMEOUT
    assert silence.detail == "nothing from mta-sts.d.example within 0.4 s"


def test_a_silent_server_is_a_timeout(fetch: Fetch) -> None:
    silence = _unobserved(fetch(ScriptedHttps([], silent=True), https_s=0.3))
    assert silence.reason is Reason.TIMEOUT


@pytest.mark.parametrize("sent", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\nBad Header\r\n\r\n"])
def test_garbage_is_no_http(fetch: Fetch, sent: bytes) -> None:
    assert _unobserved(fetch(ScriptedHttps([sent]))).reason is Reason.HTTP


def test_headers_without_end_are_no_http(fetch: Fetch) -> None:
    flood = [b"HTTP/1.1 200 OK\r\n", *([b"X-Y: " + b"z" * 60_000 + b"\r\n"] * 50)]
    assert _unobserved(fetch(ScriptedHttps(flood))).reason is Reason.HTTP


def test_a_broken_off_answer_is_unobserved(fetch: Fetch) -> None:
    cut = page(POLICY)[:-10]
    assert isinstance(fetch(ScriptedHttps([cut])), Unobserved)
    assert isinstance(fetch(ScriptedHttps([])), Unobserved)


def test_a_refused_connection_is_a_failure(fetch: Fetch) -> None:
    fact = _policy(fetch(ScriptedHttps([]), port=1))
    assert fact.failure == "127.0.0.1:1: connection refused"
    assert fact.status is None


def _common_name_only() -> Credentials:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    certificate = builder.sign(key, hashes.SHA256())
    return Credentials(
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        (AUTHORITY.issue("www.d.example"), "Hostname mismatch"),
        (AUTHORITY.issue(HOST, days=-1, begins_days=-10), "certificate has expired"),
        (AUTHORITY.self_signed(HOST), "self-signed certificate"),
        (AUTHORITY.issue(HOST, with_intermediate=False), "unable to get local issuer"),
    ],
)
def test_a_certificate_that_does_not_verify_is_a_failure(
    fetch: Fetch, credentials: Credentials, words: str
) -> None:
    server = ScriptedHttps([page(POLICY)])
    failure = _policy(fetch(server, credentials)).failure
    assert failure is not None
    assert words in failure
    assert server.heads == []


def test_a_common_name_alone_does_not_verify(fetch: Fetch, tmp_path: Path) -> None:
    credentials = _common_name_only()
    trusted = tmp_path / "self.pem"
    trusted.write_bytes(credentials.chain)
    failure = _policy(fetch(ScriptedHttps([page(POLICY)]), credentials, trusted=trusted)).failure
    assert failure is not None
    assert "Hostname mismatch" in failure


def test_verification_is_the_same_under_every_python() -> None:
    flags = trust_context(TrustSettings()).verify_flags
    assert not flags & (ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN)


def test_private_roots_count_only_where_they_are_named(fetch: Fetch) -> None:
    failure = _policy(fetch(ScriptedHttps([page(POLICY)]), trusted=None)).failure
    assert failure is not None
    assert "certificate of 127.0.0.1:" in failure


def test_unreadable_roots_are_named(fetch: Fetch, tmp_path: Path) -> None:
    silence = _unobserved(fetch(ScriptedHttps([page(POLICY)]), trusted=tmp_path / "none.pem"))
    assert silence.reason is Reason.INTERNAL
    assert "none.pem: No such file" in silence.detail


def test_no_record_means_no_fetch(fetch: Fetch) -> None:
    server = ScriptedHttps([page(POLICY)])
    assert _unobserved(fetch(server, seen=_seen(("unrelated",)))).reason is Reason.ABSENT
    assert _unobserved(fetch(server, seen=_snapshot())).reason is Reason.NOT_COLLECTED
    silent = Unobserved(kind_of(MtaStsTxt), D, Reason.SERVFAIL, "x", ORIGIN.live("dns-domain"))
    assert _unobserved(fetch(server, seen=_snapshot(silent))).reason is Reason.SERVFAIL
    assert server.heads == []


def test_an_absent_name_is_a_failure_and_a_silent_one_is_unobserved(fetch: Fetch) -> None:
    ghost = Domain("ghost.example")
    seen = _seen(domain=ghost)
    fact = _policy(fetch(ScriptedHttps([]), domain=ghost, seen=seen))
    assert fact.failure == "mta-sts.ghost.example does not exist"
    assert fact.address is None
    script = {HOST: Behaviour(rcode="SERVFAIL")}
    assert _unobserved(fetch(ScriptedHttps([]), script=script)).reason is Reason.SERVFAIL


def test_an_unfit_tls_server_is_a_failure(fetch: Fetch) -> None:
    class Old(Credentials):
        def server_context(self) -> ssl.SSLContext:
            context = super().server_context()
            context.set_ciphers("NULL:@SECLEVEL=0")
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            return context

    failure = _policy(fetch(ScriptedHttps([page(POLICY)]), Old(GOOD.chain, GOOD.key))).failure
    assert failure is not None
    assert failure.startswith("TLS with 127.0.0.1:")
