"""Real servers from Debian packages in namespaces: Knot DNS, Unbound, and Postfix with Cyrus SASL.

Each has a folder and a PID namespace of its own, and is stopped by its own process id.
"""

import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path

import dns.dnssec
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from dns.dnssectypes import Algorithm, DSDigest

from audits.demo.certificates import Credentials
from tests.lab.network import Namespace, run

START_S = 20.0
STOP_S = 10.0


def wait_until(ready: Callable[[], bool], what: str, log: Path) -> None:
    """Returns once `ready`; raises with the end of the server's log where that takes too long."""
    deadline = time.monotonic() + START_S
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


class Server(ABC):
    """A server process in a namespace, from start to stop."""

    def __init__(self, namespace: Namespace, folder: Path) -> None:
        folder.mkdir(mode=0o755)
        self.namespace = namespace
        self.folder = folder
        self.log = folder / "log"
        self.log.touch()
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self, *argv: str) -> None:
        """Starts the server; `ready` says when it serves."""
        self._process = self.namespace.start(*argv, log=self.log)

    @abstractmethod
    def ready(self) -> bool:
        """Whether it answers."""

    def wait(self) -> None:
        wait_until(self.ready, f"{type(self).__name__} in {self.namespace.name}", self.log)

    def stop(self) -> None:
        """Ends the server and all that it forked; does nothing where it never started."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_S)
            self._process = None


class Security(StrEnum):
    """How a zone stands towards DNSSEC.

    bogus: signed, but its parent vouches for another key. island: signed, and the parent says
    nothing. expired: its signatures ended yesterday. unproven: what it denies, it denies without
    signatures.
    """

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    BOGUS = "bogus"
    ISLAND = "island"
    EXPIRED = "expired"
    UNPROVEN = "unproven"


_SIGNED_BY_KNOT = (Security.SIGNED, Security.BOGUS, Security.ISLAND)


@dataclass(frozen=True)
class Zone:
    """A zone of the lab. name: without final dot; records: zone file lines below SOA and NS."""

    name: str
    security: Security
    records: tuple[str, ...]


class Knot(Server):
    """An authoritative server for the root and for all zones of the lab, delegated from it."""

    HOST = "ns1.example.net"

    def serve(self, zones: Iterable[Zone]) -> None:
        """Makes keys, writes the zones and starts; Knot signs them as it loads them."""
        zones = list(zones)
        self._configuration = self.folder / "knot.conf"
        self._configuration.write_text(self._knot_conf(zones))
        for zone in zones:
            self._write(zone.name, zone.records)
        delegations = [line for zone in zones for line in self._delegation(zone)]
        self._write("", [*self._glue(), *delegations])
        self._generate_key("")
        self.launch("knotd", "-c", str(self._configuration))

    def trust_anchor(self) -> str:
        """The root's DS records, as a validating resolver takes them."""
        return "\n".join(f". IN DS {digest}" for digest in self._digests("")) + "\n"

    def ready(self) -> bool:
        """The root is served and signed, and so are the other zones, which are far smaller."""
        asked = self.namespace.run(
            "kdig", "+dnssec", "+timeout=1", "+retry=0", f"@{self.namespace.ipv4}", ".", "SOA"
        )
        return "RRSIG" in asked.stdout

    def _knot_conf(self, zones: Iterable[Zone]) -> str:
        lines = [
            "server:",
            f"  rundir: {self.folder}",
            "  listen: 0.0.0.0@53",
            "log:",
            "  - target: stderr",
            "    any: info",
            "database:",
            f"  storage: {self.folder}",
            "policy:",
            "  - id: lab",
            "    manual: on",
            "template:",
            "  - id: default",
            f"    storage: {self.folder}",
            "    journal-content: none",
            "    zonefile-load: whole",
            "    zonefile-sync: -1",
            "zone:",
            *_knot_zone("", signed=True),
        ]
        for zone in zones:
            lines += _knot_zone(zone.name, signed=zone.security in _SIGNED_BY_KNOT)
        return "\n".join(lines) + "\n"

    def _write(self, name: str, records: Iterable[str]) -> None:
        start = (
            f"$ORIGIN {name}.",
            "$TTL 300",
            f"@ SOA {self.HOST}. hostmaster.example.net. 1 3600 600 86400 60",
            f"@ NS {self.HOST}.",
        )
        path = self.folder / _zone_file(name)
        path.write_text("\n".join((*start, *records)) + "\n")

    def _glue(self) -> list[str]:
        return [f"{self.HOST}. A {self.namespace.ipv4}"]

    def _delegation(self, zone: Zone) -> list[str]:
        lines = [f"{zone.name}. NS {self.HOST}."]
        if zone.security is Security.UNSIGNED:
            return lines
        if zone.security not in _SIGNED_BY_KNOT:
            return [*lines, f"{zone.name}. DS {self._sign(zone)}"]
        self._generate_key(zone.name)
        if zone.security is Security.ISLAND:
            return lines
        digests = self._digests(zone.name)
        if zone.security is Security.BOGUS:
            digests = [digest[:-8] + "deadbeef" for digest in digests]
        return lines + [f"{zone.name}. DS {digest}" for digest in digests]

    def _sign(self, zone: Zone) -> str:
        """Signs a zone's file the way no signer does; the right-hand side of its DS record."""
        path = self.folder / _zone_file(zone.name)
        origin = dns.name.from_text(zone.name)
        content = dns.zone.from_text(path.read_text(), origin=origin, relativize=False)
        private = ec.generate_private_key(ec.SECP256R1())
        key = dns.dnssec.make_dnskey(private.public_key(), Algorithm.ECDSAP256SHA256, flags=257)
        ends = timedelta(days=-1 if zone.security is Security.EXPIRED else 14)
        now = datetime.now(UTC)
        dns.dnssec.sign_zone(
            content,
            keys=[(private, key)],
            inception=now - timedelta(days=7),
            expiration=now + ends,
        )
        if zone.security is Security.UNPROVEN:
            for node in content.values():
                node.delete_rdataset(
                    dns.rdataclass.IN, dns.rdatatype.RRSIG, covers=dns.rdatatype.NSEC
                )
        path.write_text(content.to_text(relativize=False))
        return dns.dnssec.make_ds(origin, key, DSDigest.SHA256).to_text()

    def _generate_key(self, name: str) -> None:
        self._keymgr(name, "generate", "algorithm=13", "ksk=yes", "zsk=yes")

    def _digests(self, name: str) -> list[str]:
        """The right-hand sides of the zone's DS records."""
        lines = self._keymgr(name, "ds").splitlines()
        return [line.split(" DS ", 1)[1] for line in lines if " DS " in line]

    def _keymgr(self, name: str, *command: str) -> str:
        return run("keymgr", "-c", str(self._configuration), f"{name}.", *command).stdout


def _knot_zone(name: str, *, signed: bool) -> list[str]:
    lines = [f'  - domain: "{name}."', f"    file: {_zone_file(name)}"]
    return lines + (["    dnssec-signing: on", "    dnssec-policy: lab"] if signed else [])


def _zone_file(name: str) -> str:
    return f"{name or 'root'}.zone"


class Unbound(Server):
    """A validating resolver that knows one root: the lab's."""

    def serve(self, root: Namespace, trust_anchor: str) -> None:
        """`root`: where the root's name server is; `trust_anchor`: the root's DS records."""
        self.folder.joinpath("root.hints").write_text(
            f". 3600000 NS {Knot.HOST}.\n{Knot.HOST}. 3600000 A {root.ipv4}\n"
        )
        self.folder.joinpath("root.anchor").write_text(trust_anchor)
        options = [
            "server:",
            f'  directory: "{self.folder}"',
            '  chroot: ""',
            '  username: ""',
            '  pidfile: ""',
            "  do-daemonize: no",
            "  use-syslog: no",
            "  verbosity: 1",
            "  val-log-level: 2",
            "  interface: 0.0.0.0",
            "  do-ip6: no",
            "  access-control: 0.0.0.0/0 allow",
            "  root-hints: root.hints",
            "  trust-anchor-file: root.anchor",
            "  ede: yes",
            # Otherwise it answers for the reverse zones of documentation addresses itself.
            "  unblock-lan-zones: yes",
            "remote-control:",
            "  control-enable: no",
        ]
        path = self.folder / "unbound.conf"
        path.write_text("\n".join(options) + "\n")
        self.launch("unbound", "-d", "-c", str(path))

    def ready(self) -> bool:
        return 53 in self.namespace.listening()


# What every Postfix of the lab has beside the stock settings of its version. No delivery agent
# exists: what is accepted stays in the queue, where `Postfix.queued` counts it.
_MAIN_CF = {
    "compatibility_level": "3.6",
    "alias_maps": "",
    "local_recipient_maps": "inline:{postmaster=postmaster}",
    "smtpd_tls_security_level": "may",
    "smtpd_tls_auth_only": "yes",
    "smtpd_sasl_type": "cyrus",
    "smtpd_sasl_path": "smtpd",
    **dict.fromkeys(
        ("default_transport", "relay_transport", "local_transport", "virtual_transport"),
        "nowhere",
    ),
    "defer_transports": "nowhere",
}

_MASTER_CF = """\
cleanup   unix       n - n - 0 cleanup
qmgr      unix       n - n 300 1 qmgr
tlsmgr    unix       - - n 1000? 1 tlsmgr
rewrite   unix       - - n - - trivial-rewrite
bounce    unix       - - n - 0 bounce
defer     unix       - - n - 0 bounce
trace     unix       - - n - 0 bounce
proxymap  unix       - - n - - proxymap
anvil     unix       - - n - 1 anvil
retry     unix       - - n - - error
postlog   unix-dgram n - n - 1 postlogd
"""

_SASL_CONF = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN
sasldb_path: {database}
"""

# What `postfix start-fg` does, without the shell that it keeps around the master.
_START_POSTFIX = """\
postfix -c "$1" check && exec "$(postconf -c "$1" -h daemon_directory)/master" -c "$1" -s
"""

_QUEUES = ("maildrop", "incoming", "active", "deferred", "hold")

SUBMISSION = {
    "smtpd_tls_security_level": "encrypt",
    "smtpd_sasl_auth_enable": "yes",
    "smtpd_relay_restrictions": "permit_sasl_authenticated,reject",
    "smtpd_recipient_restrictions": "permit_sasl_authenticated,reject",
}
SUBMISSIONS = {**SUBMISSION, "smtpd_tls_wrappermode": "yes"}


@dataclass(frozen=True)
class Login:
    """A mailbox that may submit mail."""

    user: str
    realm: str
    password: str


@dataclass(frozen=True)
class PostfixSettings:
    """What one Postfix is to be. services: per port, what its smtpd has beside main.cf.

    credentials: its key and certificates; None where the host has no TLS.
    """

    host: str
    domain: str
    credentials: Credentials | None
    main: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[int, Mapping[str, str]] = field(default_factory=lambda: {25: {}})
    login: Login | None = None


class Postfix(Server):
    """One Postfix instance with configuration, queue and data folders of its own."""

    def serve(self, settings: PostfixSettings) -> None:
        """Writes main.cf and master.cf, and starts."""
        self._ports = frozenset(settings.services)
        self._etc = self.folder / "etc"
        self._spool = self.folder / "spool"
        data = self.folder / "data"
        for folder in (self._etc, self._spool, data):
            folder.mkdir(mode=0o755)
        shutil.chown(data, "postfix")
        self._write_main_cf(settings, data)
        self._write_master_cf(settings)
        if settings.login:
            self._write_login(settings.login)
        self.launch("sh", "-c", _START_POSTFIX, "start", str(self._etc))

    def ready(self) -> bool:
        return self._ports <= self.namespace.listening()

    def queued(self) -> int:
        """How many messages were ever accepted: nothing takes one out of the queue again."""
        folders = (self._spool / queue for queue in _QUEUES)
        return sum(path.is_file() for folder in folders for path in folder.rglob("*"))

    def empty_queue(self) -> None:
        """Deletes all messages, for a test that sent one."""
        run("postsuper", "-c", str(self._etc), "-d", "ALL")

    def _write_main_cf(self, settings: PostfixSettings, data: Path) -> None:
        options = {
            **_MAIN_CF,
            "queue_directory": str(self._spool),
            "data_directory": str(data),
            "maillog_file": str(self.log),
            "maillog_file_prefixes": str(self.folder),
            "myhostname": settings.host,
            "mydestination": settings.domain,
            "cyrus_sasl_config_path": str(self._etc / "sasl"),
        }
        if settings.credentials:
            path = self._etc / "chain.pem"
            path.touch(mode=0o600)
            path.write_bytes(settings.credentials.key + settings.credentials.chain)
            options["smtpd_tls_chain_files"] = str(path)
        else:
            options["smtpd_tls_security_level"] = "none"
        options |= settings.main
        lines = "".join(f"{name} = {value}\n" for name, value in options.items())
        self._etc.joinpath("main.cf").write_text(lines)

    def _write_master_cf(self, settings: PostfixSettings) -> None:
        lines = []
        for port, options in settings.services.items():
            lines.append(f"{port} inet n - n - - smtpd\n")
            lines += [f"  -o {{ {name} = {value} }}\n" for name, value in options.items()]
        self._etc.joinpath("master.cf").write_text("".join(lines) + _MASTER_CF)

    def _write_login(self, login: Login) -> None:
        database = self.folder / "sasldb2"
        options = ("-p", "-c", "-f", str(database), "-u", login.realm)
        run("saslpasswd2", *options, login.user, input=login.password)
        shutil.chown(database, "postfix")
        # Debian's build looks in the folder `sasl` beside main.cf, whatever main.cf says.
        self._etc.joinpath("sasl").mkdir()
        path = self._etc / "sasl/smtpd.conf"
        path.write_text(_SASL_CONF.format(database=database))


_SERVE_FOLDER = """
import functools, http.server, ssl, sys
folder, chain = sys.argv[1:]
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
server = http.server.ThreadingHTTPServer(("0.0.0.0", 443), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(chain)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


class PolicyHost(Server):
    """An MTA-STS policy host (RFC 8461 section 3.3), on the standard library's HTTP server."""

    def serve(self, policy: str, credentials: Credentials) -> None:
        """`policy`: the text of the policy, lines ending in LF."""
        page = self.folder / "site/.well-known/mta-sts.txt"
        page.parent.mkdir(parents=True)
        page.write_text(policy)
        chain = self.folder / "chain.pem"
        chain.touch(mode=0o600)
        chain.write_bytes(credentials.key + credentials.chain)
        self.launch(sys.executable, "-c", _SERVE_FOLDER, str(self.folder / "site"), str(chain))

    def ready(self) -> bool:
        return 443 in self.namespace.listening()


def reverse_name(address: str) -> str:
    """The name below in-addr.arpa or ip6.arpa where the address has its PTR, without final dot."""
    return ip_address(address).reverse_pointer
