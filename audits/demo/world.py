"""Brings the demo's fleet to life on loopback: its DNS, SMTP and HTTPS servers, and its files."""

import asyncio
import base64
import secrets
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from hashlib import sha256
from math import gcd, prod
from pathlib import Path
from types import TracebackType
from typing import Self

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dns.dnssectypes import Algorithm, DSDigest

from audits.demo.certificates import Authority, Credentials
from audits.demo.dns_server import DnsServer
from audits.demo.fleet import (
    ALIAS,
    DOMAINS,
    ED25519_SELECTOR,
    FILTER,
    HOSTS,
    HOSTS_UNDER,
    ORG,
    RSA_SELECTOR,
    SILENT_ZONE,
    WEB,
    policy_pages,
    zones,
)
from audits.demo.https_server import PolicyServer
from audits.demo.login import Logins
from audits.demo.repository import CA_FILE, PASSWORD_FILE, write_repository
from audits.demo.smtp_server import Behaviour, SmtpServer
from audits.errors import MailproofError

_LOOPBACK = "127.0.0.1"
_NEVER_S = 3600.0
_START_S = 30.0
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256")
_SMALL_FACTORS = prod(range(3, 2000, 2))
_MODERN = "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"
_OLDER = "ECDHE+AESGCM:ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=2"
_WITHOUT_TLS = ("no-starttls", "dead")
_CLOSED = ((f"dead.{HOSTS_UNDER}", 25), (WEB, 25))


class FailingZone(DnsServer):
    """Answers from its zones, and SERVFAIL for everything at and below one name.

    It stands for a validating resolver, and its zones for signed ones: AD is set on every answer.
    """

    def __init__(self, zones: Mapping[str, str], failing: str) -> None:
        super().__init__(zones)
        self._failing = dns.name.from_text(failing)

    async def reply(self, wire: bytes, *, over_tcp: bool) -> Iterable[bytes]:
        answers = await super().reply(wire, over_tcp=over_tcp)
        return [self._or_failure(answer) for answer in answers]

    def _or_failure(self, wire: bytes) -> bytes:
        response = dns.message.from_wire(wire)
        if not any(q.name.is_subdomain(self._failing) for q in response.question):
            response.flags |= dns.flags.AD
            return response.to_wire()
        for section in response.sections[1:]:
            section.clear()
        response.set_rcode(dns.rcode.SERVFAIL)
        return response.to_wire()


class World:
    """The fleet, alive between entering and leaving; `directory` is then its fleet repository.

    ports: the loopback port of each host and port, the filtering service's among them. It listens
    on ports that the system gives, writes below `directory` only, and leaves no server behind.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ports: dict[tuple[str, int], int] = {}
        self.resolver_port = 0
        self.policy_port = 0
        self._servers = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._servers.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._servers.aclose()

    async def _start(self) -> None:
        authority = Authority("mailproof demo")
        credentials = _credentials(authority)
        names = await self._servers.enter_async_context(
            FailingZone(
                zones(
                    dkim_records(),
                    _tlsa(authority, credentials),
                    zone_keys(f"{ORG}."),
                ),
                SILENT_ZONE,
            )
        )
        policies = await self._servers.enter_async_context(
            PolicyServer(policy_pages(), lambda name: authority.issue(name).server_context())
        )
        self.resolver_port, self.policy_port = names.port, policies.port
        password = secrets.token_urlsafe(12)
        for place, behaviour in behaviours(credentials, password).items():
            server = await self._servers.enter_async_context(SmtpServer(behaviour))
            self.ports[place] = server.port
        for place in _CLOSED:
            self.ports[place] = self._servers.enter_context(closed_port())
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / CA_FILE).write_bytes(authority.root_pem)
        (self.directory / PASSWORD_FILE).touch(mode=0o600)
        (self.directory / PASSWORD_FILE).write_text(f"{password}\n", encoding="utf-8")
        write_repository(self.directory, self.ports, self.resolver_port, self.policy_port)


@contextmanager
def running_world(directory: Path) -> Iterator[World]:
    """The fleet in a thread of its own, so that the caller's thread can run the real job on it.

    Raises MailproofError where the servers do not come up.
    """
    world = World(directory)
    loop: asyncio.AbstractEventLoop | None = None
    leave = asyncio.Event()
    ready = threading.Event()
    failure: list[BaseException] = []

    async def live() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        async with world:
            ready.set()
            await leave.wait()

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:  # noqa: BLE001  # carried over to the caller's thread
            failure.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="demo-fleet", daemon=True)
    thread.start()
    started = ready.wait(_START_S)
    if failure or not started:
        cause = failure[0] if failure else None
        raise MailproofError(f"the demo's servers do not start: {cause or 'no word'}") from cause
    try:
        yield world
    finally:
        if loop is not None:
            loop.call_soon_threadsafe(leave.set)
        thread.join(_START_S)


def behaviours(
    credentials: Mapping[str, Credentials], password: str = "secret"
) -> dict[tuple[str, int], Behaviour]:
    """How each service behaves, by host name and port; those of `_CLOSED` have none.

    password: of every account.
    """
    accounts = {host.label: Logins({host.login: password}) for host in HOSTS if host.login}
    accounts["lax-login"] = replace(accounts["lax-login"], any_sender=True, tells_users=True)
    served = {host.name: _served_by(host.name) for host in HOSTS} | {FILTER: _served_by(FILTER)}
    contexts = {
        label: each.server_context(_OLDER if label == "open-relay" else _MODERN)
        for label, each in credentials.items()
        if label not in _WITHOUT_TLS
    }

    def mx(label: str) -> Behaviour:
        name = f"{label}.{HOSTS_UNDER}" if label != FILTER else FILTER
        return Behaviour(hostname=name, local_domains=served[name], tls=contexts.get(label))

    def msa(label: str) -> Behaviour:
        return replace(
            mx(label),
            login_required=True,
            tls_required=True,
            auth=_MECHANISMS,
            logins=accounts.get(label),
        )

    def submission(label: str, starting: Behaviour) -> dict[tuple[str, int], Behaviour]:
        name = f"{label}.{HOSTS_UNDER}"
        return {
            (name, 587): starting,
            (name, 465): replace(msa(label), tls_required=False, implicit_tls=True),
        }

    in_clear = replace(msa("auth-in-clear"), tls_required=False, auth_before_tls=True)
    at_25 = {
        "good": mx("good"),
        "open-relay": replace(mx("open-relay"), relay=True),
        "no-starttls": mx("no-starttls"),
        "expired": mx("expired"),
        "greylisting": replace(mx("greylisting"), greylist=True),
        "injectable": replace(
            mx("injectable"), greeting="ESMTP Postfix (2.7.1)", keeps_plaintext=True
        ),
        "silent": replace(mx("silent"), greeting_delay_s=_NEVER_S),
        "busy": replace(mx("busy"), greeting="421 4.7.0 Too many connections, try again later"),
    }
    return {
        **{(f"{label}.{HOSTS_UNDER}", 25): behaviour for label, behaviour in at_25.items()},
        **submission("good", msa("good")),
        **submission("auth-in-clear", in_clear),
        **submission("wrong-name", msa("wrong-name")),
        **submission("lax-login", msa("lax-login")),
        **submission("no-auth", replace(mx("no-auth"), relay=True)),
        (FILTER, 25): mx(FILTER),
    }


def _credentials(authority: Authority) -> dict[str, Credentials]:
    """What each host has, by label, whether it serves it or not."""
    issued = {host.label: authority.issue(host.name) for host in HOSTS}
    return issued | {
        "good": authority.issue(f"good.{HOSTS_UNDER}", ALIAS),
        "expired": authority.issue(f"expired.{HOSTS_UNDER}", begins_days=-93, days=-3),
        "wrong-name": authority.issue("mail.elsewhere.example"),
        FILTER: authority.issue(FILTER),
    }


def _tlsa(
    authority: Authority, credentials: Mapping[str, Credentials]
) -> dict[str, tuple[str, ...]]:
    """For every host its own key and that of its issuer (RFC 6698 section 2.2)."""
    issuer = f"2 1 1 {_spki_digest(authority.intermediate)}"
    return {
        label if label == FILTER else f"{label}.{HOSTS_UNDER}": (
            f"3 1 1 {_spki_digest(x509.load_pem_x509_certificates(each.chain)[0])}",
            issuer,
        )
        for label, each in credentials.items()
    }


def _spki_digest(certificate: x509.Certificate) -> str:
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256(spki).hexdigest()


def zone_keys(zone: str) -> tuple[str, ...]:
    """DNSKEY and DS records of a fresh ECDSA key (RFC 6605), as a zone and its parent have them."""
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    key = dns.dnssec.make_dnskey(public, Algorithm.ECDSAP256SHA256, flags=257)
    ds = dns.dnssec.make_ds(dns.name.from_text(zone), key, DSDigest.SHA256)
    return f"DNSKEY {key.to_text()}", f"DS {ds.to_text()}"


def _served_by(host: str) -> tuple[str, ...]:
    names = {f"{host}."} | ({f"{ALIAS}."} if host == HOSTS[0].name else set())
    return tuple(d.name for d in DOMAINS if any(mx.split()[1] in names for mx in d.mx))


def dkim_records() -> dict[str, dict[str, str]]:
    """The key records of every domain, none shared, by name and selector."""
    return {
        domain.name: {
            RSA_SELECTOR: f"v=DKIM1; k=rsa; p={rsa_key(domain.dkim_bits or 0)}",
            ED25519_SELECTOR: f"v=DKIM1; k=ed25519; p={ed25519_key()}",
        }
        for domain in DOMAINS
    }


def rsa_key(bits: int) -> str:
    """An RSA public key in base64, as a DKIM record has it; empty for 0 bits.

    Nobody signs in the demo, so that no primes are looked for, which would take its time: a modulus
    without small factors looks no different.
    """
    if not bits:
        return ""
    modulus = 0
    while gcd(modulus, _SMALL_FACTORS) != 1:
        modulus = 1 << (bits - 1) | secrets.randbits(bits - 1) | 1
    public = rsa.RSAPublicNumbers(65537, modulus).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def ed25519_key() -> str:
    """The 32 octets of a fresh Ed25519 public key in base64 (RFC 8463 section 4.2)."""
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    return base64.b64encode(public.public_bytes_raw()).decode()


@contextmanager
def closed_port() -> Iterator[int]:
    """A loopback port that is held and not listened on: a connection is refused."""
    with socket.socket() as held:
        held.bind((_LOOPBACK, 0))
        yield int(held.getsockname()[1])
