"""The lab: who is in it, what DNS says of them, and the fleet repository that describes them."""

import base64
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from ruamel.yaml import YAML

from audits.demo.certificates import Authority, Credentials
from tests.lab.network import HAS_IPV6, IPV4_NETWORK, IPV6_NETWORK, Namespace, Network
from tests.lab.servers.knot import Knot, Security, Zone, reverse_name
from tests.lab.servers.policy_host import PolicyHost
from tests.lab.servers.postfix import SUBMISSION, SUBMISSIONS, Postfix, PostfixSettings
from tests.lab.servers.server import Login, MailServer, Site, Software
from tests.lab.servers.unbound import Unbound

AUTHORITY, RESOLVER, SILENT_RESOLVER, POLICY_HOST, SECOND_RESOLVER, AUDITOR = 2, 3, 4, 5, 6, 100
REVERSE_ZONES = ("100.51.198.in-addr.arpa", "0.0.1.0.8.b.d.0.1.0.0.2.ip6.arpa")
GOOD, BOGUS = "example.net", "bogus.example"
WHOLE, THOUSAND = "whole.example", "thousand.example"
# The second resolver is mistaken about this zone.
DISPUTED = "disputed.example"
PROBE = {
    "ehlo": "audit.example.net",
    "sender": "probe@audit.example.net",
    "recipient": "canary@sink.example.org",
}
_PASSWORD = "correct horse"
_ENVIRONMENT = {"NO_COLOR": "1", "LAB_PASSWORD": _PASSWORD}
_ATTESTED = {
    "value": "app-passwords",
    "evidence_uri": f"https://wiki.{GOOD}/mfa",
    "by": "head of the lab",
    "date": "2026-01-01",
    "expires": "2099-12-31",
}
_EARLY_AUTH = {"smtpd_tls_auth_only": "no", "smtpd_sasl_auth_enable": "yes"}


def for_all(reply: str) -> str:
    """A Postfix restriction that gives this reply to every client."""
    return f"check_client_access static:{{{reply}}}"


def _at_client(restriction: str, *, at_once: bool = False) -> PostfixSettings:
    """A Postfix with a restriction for clients; at_once: before they have said anything."""
    main = {"smtpd_client_restrictions": restriction}
    return PostfixSettings(main=main | ({"smtpd_delay_reject": "no"} if at_once else {}))


_STS_POLICY = f"version: STSv1\nmode: enforce\nmx: mx1.{GOOD}\nmax_age: 604800\n"

# Addresses for documentation are as good as global ones in here.
_ALLOWED = {"params": {"allow_private": [f"{IPV4_NETWORK}.0/24", f"{IPV6_NETWORK}:/48"]}}


Certificate = Callable[[Authority, str], Credentials]


def trusted(authority: Authority, host: str) -> Credentials:
    """A certificate as it should be."""
    return authority.issue(host)


@dataclass(frozen=True)
class Machine:
    """A host of the lab, and the one domain that it takes mail for.

    label: names its namespace. number: the last part of its addresses. servers: what runs on it.
    certificate: makes what it serves; None for a host without TLS. ipv6: it has an AAAA record too,
    where this machine knows IPv6. dropped: filtered ports. signed: its domain has a signed zone of
    its own, with TLSA records of its certificate.
    """

    label: str
    number: int
    domain: str
    servers: tuple[Software, ...] = (PostfixSettings(),)
    certificate: Certificate | None = trusted
    ipv6: bool = False
    dropped: tuple[int, ...] = ()
    signed: bool = False

    @property
    def host(self) -> str:
        return f"mx1.{self.domain}"

    @property
    def address(self) -> str:
        return f"{IPV4_NETWORK}.{self.number}"

    @property
    def address6(self) -> str | None:
        return f"{IPV6_NETWORK}:{self.number:x}" if self.ipv6 and HAS_IPV6 else None

    @property
    def addresses(self) -> list[str]:
        return [self.address, self.address6] if self.address6 else [self.address]

    @property
    def ports(self) -> list[int]:
        return sorted(port for server in self.servers for port in server.ports)

    @property
    def roles(self) -> list[str]:
        return ["mx", "msa"] if set(self.ports) & {465, 587} else ["mx"]

    @property
    def login(self) -> Login | None:
        return Login("alice", self.domain, _PASSWORD) if "msa" in self.roles else None


MACHINES = (
    Machine(
        "good",
        10,
        GOOD,
        (
            PostfixSettings(
                services={25: {}, 465: SUBMISSIONS, 587: SUBMISSION},
                mechanisms="PLAIN SCRAM-SHA-256",
            ),
        ),
        ipv6=True,
    ),
    Machine(
        "open-relay",
        11,
        "open-relay.example.org",
        # Postfix serves nobody without a word of refusal in the list, so this one is never reached.
        (
            PostfixSettings(
                main={"smtpd_relay_restrictions": "check_client_access static:OK, reject"}
            ),
        ),
    ),
    Machine(
        "early-auth",
        12,
        "early-auth.example.org",
        (PostfixSettings(main=_EARLY_AUTH, services={25: {}, 587: {}}),),
    ),
    Machine("filtered", 13, "filtered.example.org", dropped=(25,)),
    Machine(
        "greylisting",
        14,
        "greylisting.example.org",
        (_at_client(for_all("450 4.2.0 Greylisted, come back later")),),
    ),
    Machine(
        "throttling",
        15,
        "throttling.example.org",
        (_at_client(for_all("421 4.7.0 Too many connections, come back later"), at_once=True),),
    ),
    Machine("cleartext", 16, "cleartext.example.org", certificate=None),
    Machine("late", 17, "late.example.org", (_at_client("sleep 8", at_once=True),)),
)


class Lab:
    """The running lab."""

    def __init__(
        self,
        machines: Sequence[Machine],
        auditor: Namespace,
        resolver: Unbound,
        offline: Namespace,
        servers: Mapping[str, Sequence[MailServer]],
        ca_file: Path,
    ) -> None:
        self.machines = machines
        self.auditor = auditor
        self.resolver = resolver
        self.offline = offline
        self.servers = servers
        self._ca_file = ca_file

    def queued(self) -> dict[str, int]:
        """Messages in the queues, by the label of their host; empty where nobody took any."""
        counts = {
            label: sum(server.queued() for server in servers)
            for label, servers in self.servers.items()
        }
        return {label: count for label, count in counts.items() if count}

    def postfix(self, label: str) -> Postfix:
        """The Postfix of a host, which has one."""
        (found,) = (each for each in self.servers[label] if isinstance(each, Postfix))
        return found

    def write_fleet(
        self,
        folder: Path,
        *,
        resolver: int = RESOLVER,
        addresses: bool = True,
        relay_forms: str = "usual",
        logins: bool = False,
        audits: Sequence[str] = (),
        reply_s: float = 5.0,
    ) -> Path:
        """Writes a fleet repository that describes the lab.

        resolver: the one that it asks. addresses: whether hosts have theirs in the inventory.
        relay_forms: how many ways of relaying are tried. logins: whether it has accounts.
        audits: what its policy asks beside the baseline. reply_s: how long it waits for a reply,
        and in proportion for a connection.
        """
        folder.joinpath("inventory").mkdir(parents=True)
        folder.joinpath("policies").mkdir()
        _dump(folder / "mailproof.yaml", self._settings(resolver, relay_forms, reply_s))
        _dump(folder / "policies/lab.yaml", _policy(audits))
        hosts = {
            machine.host: _host(machine, addresses=addresses, login=logins)
            for machine in self.machines
        }
        domains = {machine.domain: _domain(machine) for machine in self.machines}
        _dump(folder / "inventory/hosts.yaml", hosts)
        _dump(folder / "inventory/domains.yaml", domains | _MORE)
        return folder

    def mailproof(self, *arguments: str, cwd: Path, offline: bool = False) -> CompletedProcess[str]:
        """Runs the command line from the auditor's machine, or from one without a network."""
        namespace = self.offline if offline else self.auditor
        command = str(Path(sys.executable).with_name("mailproof"))
        return namespace.run(command, *arguments, cwd=cwd, timeout=180, env=_ENVIRONMENT)

    def _settings(self, resolver: int, relay_forms: str, reply_s: float) -> dict[str, object]:
        return {
            "inventory": "inventory",
            "policies": ["policies/lab.yaml"],
            "resolver": {
                "addresses": [f"{IPV4_NETWORK}.{resolver}"],
                "bogus_name": BOGUS,
                "timeout_s": 1.0,
            },
            "trust": {"ca_file": str(self._ca_file)},
            "vantage": {"name": "lab", "addresses": [f"{IPV4_NETWORK}.{AUDITOR}"]},
            "probe": {**PROBE, "relay_forms": relay_forms},
            "limits": {
                "connect_s": reply_s * 0.4,
                "banner_s": 4.0,
                "reply_s": reply_s,
                "https_s": 5.0,
            },
        }


_MORE = {BOGUS: {"sends": True, "receives": True}}


def _policy(more: Sequence[str]) -> dict[str, object]:
    return {
        "id": "lab",
        "version": 1,
        "title": "What is asked of the lab",
        "extends": ["baseline"],
        "audits": {**dict.fromkeys(more), "mx-target-resolves": _ALLOWED},
    }


def _host(machine: Machine, *, addresses: bool, login: bool) -> dict[str, object]:
    mail: dict[str, object] = {
        "roles": machine.roles,
        "services": [{"port": port} for port in machine.ports],
        "domains": [machine.domain],
        "helo_name": machine.host,
    }
    if addresses:
        mail |= {"addresses": machine.addresses, "sends_from": machine.addresses}
    if "msa" in machine.roles:
        mail["attest"] = {"submission_mfa": _ATTESTED}
    if login and machine.login:
        mail["login"] = {"username": machine.login.name, "password": "env:LAB_PASSWORD"}
    return {"hostname": machine.address, "data": {"mail": mail}}


def _domain(machine: Machine) -> dict[str, object]:
    domain: dict[str, object] = {
        "sends": True,
        "receives": True,
        "mx": [machine.host],
        "senders": [machine.host],
    }
    if "msa" in machine.roles:
        domain["submission"] = [machine.host]
    if machine.domain == GOOD:
        domain["dkim"] = [{"selector": "s2026"}, {"selector": "e2026"}]
    return domain


def _dump(path: Path, value: Mapping[str, object]) -> None:
    yaml = YAML()
    yaml.default_flow_style = False
    with path.open("w") as file:
        # Through JSON, so that tuples and shared objects come out as plain lists and mappings.
        yaml.dump(json.loads(json.dumps(value)), file)


def _records(machine: Machine) -> list[str]:
    name, host = f"{machine.domain}.", f"{machine.host}."
    return [
        f"{name} MX 10 {host}",
        f"{host} A {machine.address}",
        *([f"{host} AAAA {machine.address6}"] if machine.address6 else []),
        f'{name} TXT "v=spf1 mx -all"',
        f'{host} TXT "v=spf1 a -all"',
        f'_dmarc.{name} TXT "v=DMARC1; p=reject; rua=mailto:postmaster@{machine.domain}"',
    ]


def _rsa_record() -> str:
    """A key record with a fresh RSA key of 2048 bits (RFC 6376 section 3.6.1), as in a zone file.

    A character string of a TXT record holds 255 octets at most, so the text is cut in two.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
    return f'"{text[:200]}" "{text[200:]}"'


def _ed25519_record() -> str:
    """The same with an Ed25519 key (RFC 8463 section 4.2)."""
    public = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    return f'"v=DKIM1; k=ed25519; p={base64.b64encode(public).decode()}"'


class Digests(NamedTuple):
    """SHA-256 of public keys, in hex."""

    key: str
    issuer: str


def _digests(credentials: Credentials) -> Digests:
    """Of the certificate and the intermediate that a host serves."""
    keys = (each.public_key() for each in x509.load_pem_x509_certificates(credentials.chain))
    spki = (key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for key in keys)
    return Digests(*(sha256(octets).hexdigest() for octets in spki))


def _tlsa(host: str, *records: str) -> list[str]:
    return [f"_25._tcp.{host}. TLSA {record}" for record in records]


def _zones(
    machines: Sequence[Machine],
    namespaces: Mapping[str, Namespace],
    auditor: Namespace,
    keys: Mapping[str, Digests],
) -> list[Zone]:
    """All zones but the root: GOOD is a signed one, the other domains share an unsigned one.

    keys: of each host and of its issuer, by its label.
    """
    digests = keys[machines[0].label]
    good = [line for m in machines if m.domain == GOOD for line in _records(m)]
    unsigned = [m for m in machines if m.domain != GOOD and not m.signed]
    others = [line for m in unsigned for line in _records(m)]
    # A server that verifies recipients asks where the probes' foreign one is; nobody listens there.
    others.append(f"sink.example.org. MX 10 audit.{GOOD}.")
    # Somebody who names a host of ours as the backup of theirs, without a word to us.
    for machine in machines:
        name = f"backed-by-{machine.label}.example.org."
        others += [f"{name} MX 10 audit.{GOOD}.", f"{name} MX 20 {machine.host}."]
    net = [
        *good,
        f"ns1.{GOOD}. A {IPV4_NETWORK}.{AUTHORITY}",
        f"audit.{GOOD}. A {auditor.ipv4}",
        f"s2026._domainkey.{GOOD}. TXT {_rsa_record()}",
        f"e2026._domainkey.{GOOD}. TXT {_ed25519_record()}",
        f'_mta-sts.{GOOD}. TXT "v=STSv1; id=20260115"',
        f"mta-sts.{GOOD}. A {IPV4_NETWORK}.{POLICY_HOST}",
        f"_submissions._tcp.{GOOD}. SRV 0 1 465 mx1.{GOOD}.",
        f'{GOOD}. CAA 0 issue "ca.{GOOD}"',
        f'_smtp._tls.{GOOD}. TXT "v=TLSRPTv1; rua=mailto:postmaster@{GOOD}"',
        *_tlsa(f"mx1.{GOOD}", f"3 1 1 {digests.key}", f"2 1 1 {digests.issuer}"),
    ]
    pointers = [
        f"{reverse_name(address)}. PTR {name}."
        for name, namespace in [
            *((machine.host, namespaces[machine.label]) for machine in machines),
            (f"audit.{GOOD}", auditor),
        ]
        for address in (namespace.ipv4, namespace.ipv6)
        if address
    ]
    return [
        Zone(GOOD, Security.SIGNED, tuple(net)),
        Zone("example.org", Security.UNSIGNED, tuple(others)),
        Zone(BOGUS, Security.BOGUS, (f"{BOGUS}. MX 10 mx1.{GOOD}.",)),
        *(_signed_zone(machine, keys[machine.label]) for machine in machines if machine.signed),
        *_dane_zones(machines[0], digests),
        *_zones_to_count(machines[:2], digests),
        *(
            Zone(zone, Security.UNSIGNED, tuple(p for p in pointers if f".{zone}. " in p))
            for zone in REVERSE_ZONES
        ),
    ]


def _signed_zone(machine: Machine, digests: Digests) -> Zone:
    records = (f"3 1 1 {digests.key}", f"2 1 1 {digests.issuer}")
    lines = (*_records(machine), *_tlsa(machine.host, *records))
    return Zone(machine.domain, Security.SIGNED, lines)


def _dane_zones(good: Machine, digests: Digests) -> list[Zone]:
    """Domains that are served by GOOD's host under names of their own, one fault in each."""
    right = (f"3 1 1 {digests.key}", f"2 1 1 {digests.issuer}")

    def served(domain: str, security: Security, *records: str) -> Zone:
        host = f"mx1.{domain}"
        lines = (f"{domain}. MX 10 {host}.", f"{host}. A {good.address}", *_tlsa(host, *records))
        return Zone(domain, security, lines)

    alias = ("alias.example. MX 10 mx1.alias.example.", f"mx1.alias.example. CNAME {good.host}.")
    return [
        served("sound.example", Security.SIGNED, *right),
        served(DISPUTED, Security.SIGNED, *right),
        served("stale.example", Security.SIGNED, f"3 1 1 {'00' * 32}"),
        served("misnamed.example", Security.SIGNED, f"2 1 1 {digests.issuer}"),
        served("unusable.example", Security.SIGNED, f"1 1 1 {digests.key}"),
        served("untold.example", Security.SIGNED),
        served("insecure.example", Security.UNSIGNED, *right),
        served("island.example", Security.ISLAND, *right),
        served("expired.example", Security.EXPIRED, *right),
        served("unproven.example", Security.UNPROVEN),
        Zone("alias.example", Security.SIGNED, alias),
        *_with_child("parent.example", Security.SIGNED, served, right),
        *_with_child("strayed.example", Security.BOGUS, served, right),
    ]


def _with_child(
    domain: str, security: Security, served: Callable[..., Zone], records: Sequence[str]
) -> list[Zone]:
    """A signed domain whose MX host is in a zone of its own below it, delegated from there."""
    child = served(f"sub.{domain}", security, *records)
    return [Zone(domain, Security.SIGNED, (f"{domain}. MX 10 mx1.sub.{domain}.",)), child]


def _zones_to_count(machines: Sequence[Machine], digests: Digests) -> list[Zone]:
    """WHOLE, which has all that mail can have in the DNS, and a thousand domains behind one host.

    machines: where the MX hosts of WHOLE are.
    """
    hosts = [f"mx{number}.{WHOLE}." for number, _ in enumerate(machines, 1)]
    whole = [
        *(f"{WHOLE}. MX 10 {host}" for host in hosts),
        *(f"{host} A {machine.address}" for host, machine in zip(hosts, machines, strict=True)),
        *(f"_25._tcp.{host} TLSA 3 1 1 {digests.key}" for host in hosts),
        f"{WHOLE}. A {machines[0].address}",
        f'{WHOLE}. TXT "v=spf1 mx include:_spf.{WHOLE} -all"',
        f'_spf.{WHOLE}. TXT "v=spf1 ip4:{IPV4_NETWORK}.0/24 -all"',
        f"s1._domainkey.{WHOLE}. TXT {_rsa_record()}",
        f"s2._domainkey.{WHOLE}. TXT {_ed25519_record()}",
        f'_dmarc.{WHOLE}. TXT "v=DMARC1; p=reject; rua=mailto:postmaster@{WHOLE}"',
        f'_mta-sts.{WHOLE}. TXT "v=STSv1; id=20260115"',
        f"mta-sts.{WHOLE}. A {IPV4_NETWORK}.{POLICY_HOST}",
        f'_smtp._tls.{WHOLE}. TXT "v=TLSRPTv1; rua=mailto:postmaster@{WHOLE}"',
    ]
    host = f"mx1.{THOUSAND}."
    crowd = [f"d{number}.{THOUSAND}. MX 10 {host}" for number in range(1000)]
    crowd.append(f"{host} A {machines[0].address}")
    return [
        Zone(WHOLE, Security.SIGNED, tuple(whole)),
        Zone(THOUSAND, Security.UNSIGNED, tuple(crowd)),
    ]


@contextmanager
def running_lab(machines: Sequence[Machine] = MACHINES, name: str = "") -> Iterator[Lab]:
    """The whole lab, from the first namespace to the last; torn down however the block ends.

    name: short; it tells labs of one process apart.
    """
    with ExitStack() as stack:
        # A polite end from outside is to run the teardown too, as Ctrl-C does.
        stack.callback(signal.signal, signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        # Not pytest's folder: that one is closed to the accounts which the servers run under.
        folder = Path(tempfile.mkdtemp(prefix="mailproof-lab-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)

        network = stack.enter_context(Network(f"{IPV4_NETWORK}.{RESOLVER}", name))
        auditor = network.attach("audit", AUDITOR)
        network.attach("silent", SILENT_RESOLVER).drop()
        namespaces = {m.label: network.attach(m.label, m.number) for m in machines}

        authority = Authority("Lab")
        credentials = {m.label: m.certificate(authority, m.host) for m in machines if m.certificate}
        described = [m.label for m in machines if m.signed or m is machines[0]]
        digests = {label: _digests(credentials[label]) for label in described}
        knot = Knot(network.attach("ns1", AUTHORITY), folder / "knot")
        stack.callback(knot.stop)
        knot.serve(_zones(machines, namespaces, auditor, digests))
        unbound = Unbound(network.attach("resolver", RESOLVER), folder / "unbound")
        stack.callback(unbound.stop)
        unbound.serve(knot.namespace, knot.trust_anchor())
        second = Unbound(network.attach("second", SECOND_RESOLVER), folder / "second")
        stack.callback(second.stop)
        second.serve(knot.namespace, knot.trust_anchor(), mistaken=DISPUTED)

        ca_file = folder / "root.pem"
        ca_file.write_bytes(authority.root_pem)
        web = PolicyHost(network.attach("web", POLICY_HOST), folder / "web")
        stack.callback(web.stop)
        web.serve(_STS_POLICY, authority.issue(f"mta-sts.{GOOD}", f"mta-sts.{WHOLE}"))
        servers = {}
        for machine in machines:
            namespace = namespaces[machine.label]
            if machine.dropped:
                namespace.drop(*machine.dropped)
            site = _site(machine, credentials.get(machine.label))
            servers[machine.label] = [
                _started(stack, software, namespace, folder / f"{machine.label}-{place}", site)
                for place, software in enumerate(machine.servers)
            ]
        mail_servers = [server for each in servers.values() for server in each]
        for server in (knot, unbound, second, web, *mail_servers):
            server.wait()
        yield Lab(machines, auditor, unbound, network.isolated("offline"), servers, ca_file)


def _site(machine: Machine, credentials: Credentials | None) -> Site:
    return Site(machine.host, machine.domain, credentials, machine.login)


def _started(
    stack: ExitStack, software: Software, namespace: Namespace, folder: Path, site: Site
) -> MailServer:
    server = software.start(namespace, folder, site)
    stack.callback(server.stop)
    return server
