"""Dovecot: submission that hands mail to a Postfix on the same host, SASL, and mailboxes."""

import re
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.network import Namespace
from tests.lab.servers.server import Login, MailServer, Site

# Where the Postfix of the host listens for what Dovecot hands on.
BACKEND = "127.0.0.1:10025"
# Where other servers of the host ask Dovecot for logins.
SASL_PORT = 10026

# Where a Postfix of the host hands over what is for its mailboxes, and who reads them.
LMTP = "127.0.0.1:10029"
IMAPS_PORT = 993

_CONNECT = re.compile(r" submission-login: .*rip=([^,]+),.* lport=(\d+)")
# A pair of wrong logins is asked for, and slowed down as it should be; a third would be too much.
_ANNOYED = re.compile(r"too many|\b421\b|auth failed, (?:[3-9]|\d\d)", re.IGNORECASE)


@dataclass(frozen=True)
class DovecotSettings:
    """What one Dovecot is to be.

    options: over the good ones; listeners: per port, of submission. mailbox: of somebody whose mail
    it keeps, for IMAP inside TLS; it has no submission then.
    """

    options: Mapping[str, str] = field(default_factory=dict)
    listeners: Mapping[int, str] = field(default_factory=lambda: {465: "ssl = yes", 587: ""})
    mailbox: Login | None = None

    @property
    def ports(self) -> tuple[int, ...]:
        return () if self.mailbox else tuple(self.listeners)

    def start(self, namespace: Namespace, folder: Path, site: Site) -> "Dovecot":
        dovecot = Dovecot(namespace, folder)
        dovecot.serve(self, site)
        return dovecot


class Dovecot(MailServer):
    """One Dovecot with a submission service, or with mailboxes."""

    def serve(self, settings: DovecotSettings, site: Site) -> None:
        """Writes dovecot.conf, and starts."""
        self.ports = frozenset({IMAPS_PORT} if settings.mailbox else settings.ports)
        mail = self.folder / "mail"
        mail.mkdir()
        shutil.chown(mail, "nobody", "nogroup")
        path = self.folder / "dovecot.conf"
        path.write_text(self._configuration(settings, site))
        self.launch("dovecot", "-F", "-c", str(path))

    def queued(self) -> int:
        """None: it has no queue, and hands every message to the Postfix behind it."""
        return 0

    def connections(self, client: str) -> Counter[str]:
        found = _CONNECT.finditer(self.log.read_text())
        return Counter(match[2] for match in found if match[1] == client)

    def annoyance(self) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if _ANNOYED.search(line)]

    def delivered(self) -> list[str]:
        """The messages in its mailboxes."""
        return [path.read_text() for path in sorted(self.folder.glob("mail/*/new/*"))]

    def folders(self) -> dict[str, str]:
        """The settings that keep all that it writes in its own folder."""
        return {
            "base_dir": str(self.folder / "run"),
            "state_dir": str(self.folder / "state"),
            "log_path": str(self.log),
            "mail_location": f"maildir:{self.folder}/mail/%u",
        }

    def write_users(self, login: Login | None) -> Path:
        """The file of users and their passwords."""
        users = self.folder / "users"
        if login:
            users.write_text(f"{login.name}:{{PLAIN}}{login.password}\n")
        users.chmod(0o644)
        return users

    def _configuration(self, settings: DovecotSettings, site: Site) -> str:
        users = self.write_users(settings.mailbox or site.login)
        host, port = BACKEND.split(":")
        options = {
            "protocols": "imap lmtp" if settings.mailbox else "submission",
            **self.folders(),
            "hostname": site.host,
            "submission_relay_host": host,
            "submission_relay_port": port,
            "submission_relay_trusted": "yes",
            "auth_mechanisms": "plain scram-sha-256",
            "ssl_min_protocol": "TLSv1.2",
            "ssl_cipher_list": "ECDHE+AESGCM:ECDHE+CHACHA20",
            "disable_plaintext_auth": "yes",
            "login_log_format_elements": "user=<%u> method=%m rip=%r lip=%l mpid=%e %c lport=%a",
            "ssl": "required" if site.credentials else "no",
        }
        if site.credentials:
            chain, key = self.write_credentials(site.credentials)
            options |= {"ssl_cert": f"<{chain}", "ssl_key": f"<{key}"}
        options |= settings.options
        return "\n".join(
            (
                *(f"{name} = {value}" for name, value in options.items()),
                f"passdb {{\n  driver = passwd-file\n  args = {users}\n}}",
                "userdb {\n  driver = static\n  args = uid=nobody gid=nogroup\n}",
                *(_mailboxes() if settings.mailbox else _listeners(settings.listeners)),
                _sasl(),
                "",
            )
        )


def _listeners(listeners: Mapping[int, str]) -> list[str]:
    inner = [
        f"  inet_listener port{port} {{\n    port = {port}\n    {options}\n  }}"
        for port, options in listeners.items()
    ]
    closed = ("submission", "submissions")
    inner += [f"  inet_listener {name} {{\n    port = 0\n  }}" for name in closed]
    return ["service submission-login {", *inner, "}"]


def _mailboxes() -> list[str]:
    address, port = LMTP.split(":")
    return [
        "service imap-login {",
        "  inet_listener imap {\n    port = 0\n  }",
        f"  inet_listener imaps {{\n    port = {IMAPS_PORT}\n    ssl = yes\n  }}",
        "}",
        "service lmtp {",
        f"  inet_listener lmtp {{\n    address = {address}\n    port = {port}\n  }}",
        "}",
    ]


def _sasl() -> str:
    address = f"    address = 127.0.0.1\n    port = {SASL_PORT}"
    return f"service auth {{\n  inet_listener sasl {{\n{address}\n  }}\n}}"
