"""Worlds written down as YAML, and what the audits make of them; tests/test_vectors.py says how."""

import asyncio
import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256, sha512
from pathlib import Path
from re import compile as pattern
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID
from msgspec import Struct, field
from ruamel.yaml import YAML

from audits.catalog import load
from audits.cli.exits import for_results
from audits.collect.collector import Origin
from audits.collect.live.assembly import assembled
from audits.collect.live.available import AVAILABLE
from audits.collect.live.tcp import is_address
from audits.collect.live.traffic import Traffic
from audits.collect.plan import plan
from audits.collect.stages import Collection, Population
from audits.demo.certificates import Authority, Credentials
from audits.demo.world import closed_port
from audits.evaluate.engine import evaluate
from audits.evaluate.policy import Policy, Rule, tls_questions
from audits.evaluate.result import Result
from audits.evaluate.verdict import Severity
from audits.facts.declared import DeclaredDomain, DeclaredHost, FleetScope
from audits.facts.fact import AnyObservation, Fact, Observed
from audits.facts.snapshot import SCHEMA, Header, Snapshot
from audits.fleet import Fleet, read_fleet
from audits.settings import (
    LimitSettings,
    ReputationSettings,
    ResolverSettings,
    SecondResolverSettings,
    Settings,
    TrustSettings,
)
from audits.subject import Subject, Vantage
from tests.servers.dns import Asked, Behaviour, ScriptedDns
from tests.servers.https import ScriptedHttps, page
from tests.servers.smtp import Behaviour as SmtpBehaviour
from tests.servers.smtp import SmtpServer

FOLDER = Path(__file__).parent / "data" / "vectors"
_PORTS = (25, 443, 465, 587)
# Cases in which somebody stays silent need not wait; on a busy machine the others must not lose.
_SILENT_S = 0.2
_PATIENT_S = 9.0
_SERVER = pattern(r"127\.0\.0\.1:[0-9]+")
_TOKEN = pattern(r"<<([^<>]+)>>")


class Expected(Struct, frozen=True, forbid_unknown_fields=True):
    """What one audit is to say. subject: the start of its name, where there are several.

    says, not_says: text that is, or is not, among the messages, notes and quotes of the result.
    """

    outcome: str
    severity: str | None = None
    says: str | None = None
    not_says: str | None = None
    subject: str | None = None


class Page(Struct, frozen=True, forbid_unknown_fields=True):
    """What an HTTPS server sends. certificate: as in Mta, or `cn-only`, `wildcard`."""

    body: str = ""
    status: str = "200 OK"
    type: str = "text/plain"
    headers: dict[str, str] = field(default_factory=dict)
    certificate: str = "good"
    silent: bool = False
    refused: bool = False


class Mta(Struct, frozen=True, forbid_unknown_fields=True):
    """An SMTP server. behaviour: fields of audits.demo.smtp_server.Behaviour that differ.

    certificate: good, expired, self-signed, wrong-name, untrusted, leaf-only, or none for no TLS.
    with_rsa: another one with an RSA key stands by for clients that take no other.
    """

    certificate: str = "good"
    with_rsa: bool = False
    ports: tuple[int, ...] = (25,)
    behaviour: dict[str, Any] = field(default_factory=dict)


class Inventory(Struct, frozen=True, forbid_unknown_fields=True):
    """domains: as in domains.yaml. hosts: by name, what stands under `data.mail` in hosts.yaml."""

    domains: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {"example.com": {"sends": True, "receives": True}}
    )
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)


class SecondResolver(Struct, frozen=True, forbid_unknown_fields=True):
    """Another resolver with the same zone, which fails at other names."""

    fails: dict[str, str] = field(default_factory=dict)


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """One world, and what is expected of it."""

    id: str
    rule: str
    expect: dict[str, str | Expected | tuple[Expected, ...]]
    row: str | None = None
    truth: dict[str, str] = field(default_factory=dict)
    zone: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fails: dict[str, str] = field(default_factory=dict)
    secure: tuple[str, ...] = ()
    trusted_resolver: bool = True
    second: SecondResolver | None = None
    inventory: Inventory = Inventory()
    lists: tuple[str, ...] = ()
    domain_lists: tuple[str, ...] = ()
    https: dict[str, Page] = field(default_factory=dict)
    smtp: dict[str, Mta] = field(default_factory=dict)
    params: dict[str, dict[str, Any]] = field(default_factory=dict)
    asks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    never_asks: tuple[str, ...] = ()
    exit_code: int | None = None
    before: dict[str, Any] | None = None

    def expectations(self) -> Iterator[tuple[str, Expected]]:
        """Every audit with each of the things that are expected of it."""
        for audit, expected in self.expect.items():
            match expected:
                case str():
                    yield audit, Expected(expected)
                case Expected():
                    yield audit, expected
                case _:
                    yield from ((audit, each) for each in expected)


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    cases: tuple[Case, ...]
    texts: dict[str, str] = field(default_factory=dict)


def cases(folder: Path = FOLDER) -> list[Case]:
    """All cases of all files, by file, in order."""
    return [case for path in sorted(folder.glob("*.yaml")) for case in _read(path)]


def _read(path: Path) -> Sequence[Case]:
    plain = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    texts: dict[str, str] = plain.get("texts", {})
    worlds = [world for case in plain["cases"] for world in (case, case.get("before") or {})]
    for zone in (world["zone"] for world in worlds if "zone" in world):
        for name, records in zone.items():
            zone[name] = [
                _TOKEN.sub(lambda found: texts.get(found[1], found[0]), record)
                for record in ([records] if isinstance(records, str) else records)
            ]
    try:
        return msgspec.convert(plain, _File).cases
    except msgspec.ValidationError as error:
        raise ValueError(f"{path.name}: {error}") from error


@dataclass(frozen=True)
class Seen:
    """What came of a case."""

    results: list[Result]
    snapshot: Snapshot
    asked: list[Asked]
    traffic: Traffic
    exit_code: int


def judged(
    case: Case, loop: asyncio.Runner, folder: Path, *, timeout_s: float | None = None
) -> Seen:
    """The world of a case brought up on loopback, looked at by the collectors, and judged.

    timeout_s: how long the resolver waits for an answer; by default no longer than a case needs.
    """
    if timeout_s is None:
        fails = {**case.fails, **(case.second.fails if case.second else {})}
        timeout_s = _SILENT_S if "TIMEOUT" in fails.values() else _PATIENT_S
    previous = None
    if case.before is not None:
        earlier = {**msgspec.to_builtins(case), "before": None, **case.before}
        previous = judged(msgspec.convert(earlier, Case), loop, folder).snapshot
    audits = load()
    unknown = case.expect.keys() - audits.keys()
    assert not unknown, f"no such audit: {unknown}"
    facts: set[type[Fact]] = {DeclaredDomain, DeclaredHost, FleetScope}
    facts = facts.union(*(audits[audit].facts() for audit in case.expect))
    chosen = plan(facts, AVAILABLE)
    rules = (Rule(a, True, None, case.params.get(a, {}), None, case.id) for a in case.expect)
    policy = Policy("vectors", "1", "Vectors", Severity.HIGH, ("vectors",), tuple(rules))
    world = World(case, folder, timeout_s)
    loop.run(world.start())
    try:
        now = datetime.now(UTC)
        origin = Origin("here", lambda: now)
        fleet = _fleet(case, folder, now)
        inventory = {host.fact.subject: host for host in fleet.hosts}
        scope = FleetScope(Vantage("here"), fleet.host_names, None)
        snapshot = Snapshot(Header(SCHEMA, "vectors", "here", now, "0"))
        snapshot.add([Observed(scope, origin.live("inventory")), *fleet.domains, *fleet.hosts])
        settings = world.settings
        questions = tls_questions(policy, audits)
        with assembled(chosen, settings, folder, origin, loop, questions=questions) as live:
            if chosen.asks_dns:
                snapshot.add([live.preflight()])
            world.names.asked.clear()
            population = Population(fleet.domains, fleet.hosts, inventory)
            Collection(
                snapshot, chosen, live.collectors, population, settings.limits, origin, _Silent()
            ).run(loop)
    finally:
        loop.run(world.stop())
    stored = Snapshot.read(list(snapshot.lines()), case.id)
    results = list(evaluate(stored, policy, audits, previous=previous))
    ends_with = for_results(results, policy.gate, max_unknown=0)
    return Seen(results, stored, world.names.asked, live.resolver.traffic, ends_with)


class _Silent:
    """Watches without a word."""

    def stage(self, name: str, total: int) -> None:
        pass

    def done(self, subject: Subject) -> None:
        pass

    def seen(self, observations: Sequence[AnyObservation]) -> None:
        pass


def _fleet(case: Case, folder: Path, now: datetime) -> Fleet:
    """The inventory, through files, as it always comes. JSON is YAML."""
    hosts = {name: {"data": {"mail": mail}} for name, mail in case.inventory.hosts.items()}
    domains = dict(case.inventory.domains)
    (folder / "domains.yaml").write_text(json.dumps(domains, default=str))
    if hosts:
        (folder / "hosts.yaml").write_text(json.dumps(hosts))
    else:
        (folder / "hosts.yaml").unlink(missing_ok=True)
    return read_fleet(folder, vantage="here", at=now)


class World:
    """The servers of a case. Every address of its zone leads to loopback, if only to a closed port.

    names: its DNS server. settings: those under which it is to be looked at.
    """

    def __init__(self, case: Case, folder: Path, timeout_s: float = _PATIENT_S) -> None:
        self._case = case
        self._timeout_s = timeout_s
        self._servers = AsyncExitStack()
        self._roots = folder / "roots.pem"
        self._served = {
            host: _credentials(mta.certificate, host)
            for host, mta in case.smtp.items()
            if mta.certificate != "none"
        }
        self._zone = {name: list(records) for name, records in case.zone.items()}
        for place, host in enumerate(case.https, start=1):
            self._zone.setdefault(host, [f"A 198.18.0.{place}"])
        self._rsa = {h: _rsa_credentials(h) for h, mta in case.smtp.items() if mta.with_rsa}
        self.names = ScriptedDns({".": self.zone_text}, _script(case, case.fails))
        self.settings = Settings()

    @property
    def zone_text(self) -> str:
        """All records as one zone at the root."""
        head = "@ 300 SOA ns.invalid. hostmaster.invalid. 1 3600 600 86400 300\n"
        return head + "".join(
            f"{name.rstrip('.')}. 300 {_record(_TOKEN.sub(self._token, record))}\n"
            for name, records in self._zone.items()
            for record in records
        )

    async def start(self) -> None:
        redirect = dict.fromkeys(self._endpoints(self._zone), self._closed())
        for host, mta in self._case.smtp.items():
            for port in mta.ports:
                redirect |= dict.fromkeys(
                    self._endpoints([host], [port]), await self._smtp(host, mta, port)
                )
        for host, document in self._case.https.items():
            endpoints = self._endpoints([host], [443])
            if not document.refused:
                redirect |= dict.fromkeys(endpoints, await self._https(host, document))
        await self._servers.enter_async_context(self.names)
        second = await self._second()
        documents = self._case.https.items()
        own = [_credentials("cn-only", h).chain for h, d in documents if d.certificate == "cn-only"]
        self._roots.write_bytes(authority().root_pem + b"".join(own))
        https_s = 1 if any(document.silent for _, document in documents) else _PATIENT_S
        late = any("greeting_delay_s" in mta.behaviour for mta in self._case.smtp.values())
        smtp_s = 1 if late else _PATIENT_S
        self.settings = Settings(
            resolver=ResolverSettings(
                (self.names.address,),
                self.names.port,
                timeout_s=self._timeout_s,
                tries=1,
                second=second,
            ),
            limits=LimitSettings(
                gap_s=0,
                connect_s=smtp_s,
                banner_s=smtp_s,
                reply_s=smtp_s,
                tls_s=smtp_s,
                https_s=https_s,
                domain_s=3 * _PATIENT_S,
            ),
            trust=TrustSettings(str(self._roots)),
            reputation=ReputationSettings(self._case.lists, self._case.domain_lists),
            redirect=redirect,
        )

    async def stop(self) -> None:
        await self._servers.aclose()

    async def _second(self) -> SecondResolverSettings | None:
        if self._case.second is None:
            return None
        script = _script(self._case, self._case.second.fails)
        names = ScriptedDns({".": self.zone_text}, script)
        await self._servers.enter_async_context(names)
        return SecondResolverSettings((names.address,), names.port)

    def _closed(self) -> str:
        return f"127.0.0.1:{self._servers.enter_context(closed_port())}"

    def _endpoints(
        self, names: Mapping[str, object] | Sequence[str], ports: Sequence[int] = _PORTS
    ) -> list[str]:
        """Every address of these names, with every one of these ports."""
        found = [a for name in names for a in _addresses(self._zone, name) or _itself(name)]
        if names is self._zone:
            declared = self._case.inventory.hosts.values()
            found += [a for mail in declared for a in mail.get("addresses", ())]
        shown = [f"[{address}]" if ":" in address else address for address in found]
        return [f"{address}:{port}" for address in shown for port in ports]

    async def _smtp(self, host: str, mta: Mta, port: int) -> str:
        tls = self._served[host].server_context() if host in self._served else None
        if tls is not None and host in self._rsa:
            self._rsa[host].add_to(tls)
        usual = SmtpBehaviour(
            hostname=host,
            local_domains=tuple(self._case.inventory.domains),
            tls=tls,
            implicit_tls=port == 465,
        )
        tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in mta.behaviour.items()}
        server = await self._servers.enter_async_context(SmtpServer(replace(usual, **tuples)))
        return f"127.0.0.1:{server.port}"

    async def _https(self, host: str, document: Page) -> str:
        more = "".join(f"{name}: {value}\r\n" for name, value in document.headers.items())
        sent = page(document.body.encode(), document.status, document.type, more)
        server = ScriptedHttps([sent], silent=document.silent)
        context = _context(document.certificate, host)
        await self._servers.enter_async_context(server.listening(context))
        return f"127.0.0.1:{server.port}"

    def _token(self, found: Any) -> str:
        """`leaf S M HOST`, `issuer S M HOST`: TLSA data (RFC 6698 section 2.1) of what is served.

        `rsa S M HOST`: of the certificate that stands by. `root S M HOST`: of the root, which
        nobody serves.
        """
        which, selector, matching, host = found[1].split()
        served = self._rsa if which == "rsa" else self._served
        chain = x509.load_pem_x509_certificates(served[host].chain)
        by_name = {"leaf": chain[0], "issuer": chain[-1], "root": authority().root}
        certificate = by_name["leaf" if which == "rsa" else which]
        octets = (
            certificate.public_bytes(Encoding.DER)
            if selector == "0"
            else certificate.public_key().public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
        )
        return {"0": octets, "1": sha256(octets).digest(), "2": sha512(octets).digest()}[
            matching
        ].hex()


def _script(case: Case, fails: Mapping[str, str]) -> dict[str | tuple[str, str], Behaviour]:
    script = {_place(where): Behaviour(authentic=True) for where in case.secure}
    if case.secure and case.trusted_resolver:
        script["."] = Behaviour(authentic=True)
    for where, how in fails.items():
        script[_place(where)] = {
            "TIMEOUT": Behaviour(silent=True),
            "BOGUS": Behaviour(rcode="SERVFAIL", bogus=True),
        }.get(how) or Behaviour(rcode=how)
    return script


def _place(where: str) -> str | tuple[str, str]:
    name, _, rdtype = where.partition(" ")
    return (name, rdtype) if rdtype else name


def _record(record: str) -> str:
    """A record as a master file has it; a bare TXT value is put into strings of 255 octets."""
    rdtype, _, value = record.partition(" ")
    if rdtype != "TXT" or value.startswith('"'):
        return record
    octets = value.encode()
    strings = [octets[i : i + 255] for i in range(0, len(octets), 255)] or [b""]
    return " ".join(["TXT", *(f'"{"".join(map(_escaped, string))}"' for string in strings)])


def _escaped(octet: int) -> str:
    plain = 32 <= octet < 127 and octet not in b'"\\'
    return chr(octet) if plain else f"\\{octet:03d}"


def _itself(name: str) -> list[str]:
    """A server may be named by its address, where a host has several."""
    return [name] if is_address(name) else []


def _addresses(zone: Mapping[str, Sequence[str]], name: str) -> list[str]:
    """The addresses of a name or of the end of its aliases."""
    found = []
    for rdtype, value in (record.split()[:2] for record in zone.get(name, ())):
        if rdtype == "CNAME":
            found += _addresses({n: r for n, r in zone.items() if n != name}, value)
        elif rdtype in ("A", "AAAA"):
            found.append(value)
    return found


@cache
def authority(name: str = "vectors") -> Authority:
    """The authority that the world trusts, or by another name one that it does not.

    It bears the name of an organization whose name in CAA records is known.
    """
    return Authority(name, organization="Internet Security Research Group")


@cache
def _credentials(certificate: str, host: str) -> Credentials:
    match certificate:
        case "good":
            return authority().issue(host)
        case "expired":
            return authority().issue(host, begins_days=-93, days=-3)
        case "self-signed":
            return authority().self_signed(host)
        case "wrong-name":
            return authority().issue("elsewhere.invalid")
        case "untrusted":
            return authority("strangers").issue(host)
        case "leaf-only":
            return authority().issue(host, with_intermediate=False)
        case "wildcard":
            return authority().issue(f"*.{host.partition('.')[2]}")
        case "cn-only":
            return _cn_only(host)
    raise ValueError(f"no such certificate: {certificate}")


@cache
def _rsa_credentials(host: str) -> Credentials:
    return authority().issue(host, key=rsa.generate_private_key(65537, 2048))


@cache
def _context(certificate: str, host: str) -> ssl.SSLContext:
    return _credentials(certificate, host).server_context()


def _cn_only(host: str) -> Credentials:
    """A root of its own, and the host named where nobody may look (RFC 8461 section 4.2)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    return Credentials(
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def words(result: Result) -> str:
    """All text of a result, for a look at what it says; ports differ from run to run."""
    said = [result.note or "", *(f"{u.reason} {u.detail}" for u in result.unknown)]
    said += [violation.message for violation in result.violations]
    cited = [*result.evidence, *(e for v in result.violations for e in v.evidence)]
    return _SERVER.sub("a server", "\n".join([*said, *(str(evidence.quote) for evidence in cited)]))
