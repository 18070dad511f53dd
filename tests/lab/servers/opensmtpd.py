"""OpenSMTPD, from its Debian packages, unpacked beside the system."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.network import Namespace, run
from tests.lab.servers.server import MailServer, Site
from tests.lab.servers.unpacked import program

# 7.4 from backports. That of Debian 12 itself, 6.8, can't complete a TLS handshake.
CURRENT, STABLE = "backports/usr/sbin", "usr/sbin"
_ACCOUNTS = {"opensmtpd": 64802, "opensmtpq": 64803}

LISTENERS = {
    25: "tls pki lab",
    465: "smtps pki lab auth <logins> senders <owners>",
    587: "tls-require pki lab auth <logins> senders <owners>",
}
CIPHERS = 'smtp ciphers "ECDHE+AESGCM:ECDHE+CHACHA20"'
LOCAL = 'match from any for domain {{ "{domain}", "mx1.{domain}" }} action "mailbox"'
FOR_USERS = 'match auth from any for any action "out"'

# Its folders are compiled in. In its own mount namespace, others stand in their place.
_START = """\
set -e
mount --bind "$1/var-spool" /var/spool
mount --bind "$1/var-lib" /var/lib
mount --bind "$1/run" /run
exec "$2" -d -T smtp -f "$3"
"""

_CONNECT = re.compile(r" connected to listener \S+ \[hostname=\S+, port=(\d+)")
_ANNOYED = re.compile(r'result="?421|>>> 421|too many|limit', re.I)


@dataclass(frozen=True)
class OpenSmtpdSettings:
    """What one OpenSMTPD is to be.

    listeners: per port, what follows `listen on ... port N`. options: lines of global settings.
    matches: the rules, in order; `{domain}` stands for its domain. mailboxes: local parts; an
    empty one takes all. release: where its programs are.
    """

    listeners: Mapping[int, str] = field(default_factory=lambda: LISTENERS)
    options: tuple[str, ...] = (CIPHERS,)
    matches: tuple[str, ...] = (LOCAL, FOR_USERS)
    mailboxes: tuple[str, ...] = Site.MAILBOXES
    release: str = CURRENT

    @property
    def ports(self) -> tuple[int, ...]:
        return tuple(self.listeners)

    def start(self, namespace: Namespace, folder: Path, site: Site) -> "OpenSmtpd":
        opensmtpd = OpenSmtpd(namespace, folder)
        opensmtpd.serve(self, site)
        return opensmtpd


class OpenSmtpd(MailServer):
    """One smtpd, whose compiled-in accounts and folders exist in its namespaces alone."""

    def serve(self, settings: OpenSmtpdSettings, site: Site) -> None:
        """Writes smtpd.conf, and starts."""
        self.ports = frozenset(settings.ports)
        self.start_with(str(self._write_configuration(settings, site)), settings.release)

    def start_with(self, configuration: str, release: str) -> None:
        """Starts it with that file. release: where its programs are."""
        for account, uid in _ACCOUNTS.items():
            self.namespace.add_account(account, uid)
        for folder in ("var-spool", "var-lib/opensmtpd/empty", "run"):
            self.folder.joinpath(folder).mkdir(parents=True)
        smtpd = program(f"{release}/smtpd")
        self.launch("sh", "-c", _START, "start", str(self.folder), str(smtpd), configuration)

    def write_logins(self, site: Site) -> Path:
        """The table of users and their passwords."""
        logins = self.folder / "logins"
        logins.write_text(self._login(site))
        return logins

    def write_mailboxes(self, site: Site, local_parts: Iterable[str]) -> Path:
        """The table of who takes mail; an empty local part takes all of the domain."""
        mailboxes = self.folder / "mailboxes"
        addresses = [f"{local_part}@{site.domain}" for local_part in local_parts]
        # `RCPT TO:<Postmaster>` is about the host itself, RFC 5321 section 4.5.1.
        addresses.append(f"postmaster@{site.host}")
        mailboxes.write_text("".join(f"{address} nobody\n" for address in addresses))
        return mailboxes

    def queued(self) -> int:
        return sum(1 for _ in self.folder.glob("var-spool/smtpd/queue/*/*/message"))

    def connections(self, client: str) -> Counter[str]:
        # The listener's line has no address, and the other one no port; all clients are of the lab.
        log = self.log.read_text(errors="replace")
        if f"connected address={client} " not in log:
            return Counter()
        return Counter(match[1] for match in _CONNECT.finditer(log))

    def annoyance(self) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if _ANNOYED.search(line)]

    def _write_configuration(self, settings: OpenSmtpdSettings, site: Site) -> Path:
        logins, mailboxes = self.write_logins(site), self.write_mailboxes(site, settings.mailboxes)
        owners = self.folder / "owners"
        owners.write_text(f"{site.login.name} {site.login.name}\n" if site.login else "")
        lines = [f"table {path.name} file:{path}" for path in (logins, mailboxes, owners)]
        if site.credentials:
            chain, key = self.write_credentials(site.credentials)
            lines += [f'pki lab cert "{chain}"', f'pki lab key "{key}"']
        lines += settings.options
        lines += [
            f"listen on 0.0.0.0 port {port} {options} hostname {site.host}"
            for port, options in settings.listeners.items()
        ]
        # Both fail for a while, so that what is accepted stays in the queue.
        lines += [
            'action "mailbox" mda "exit 75" virtual <mailboxes>',
            'action "out" relay host smtp://127.0.0.1:9',
            *(match.format(domain=site.domain) for match in settings.matches),
        ]
        configuration = self.folder / "smtpd.conf"
        configuration.write_text("\n".join(lines) + "\n")
        return configuration

    def _login(self, site: Site) -> str:
        if site.login is None:
            return ""
        digest = run("openssl", "passwd", "-6", "-stdin", input=site.login.password).stdout
        return f"{site.login.name} {digest.strip()}\n"
