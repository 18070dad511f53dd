"""Exim with GnuTLS, from Debian's packages exim4-daemon-light and -heavy, unpacked."""

import re
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.network import Namespace
from tests.lab.servers.dovecot import SASL_PORT
from tests.lab.servers.server import MailServer, Site
from tests.lab.servers.unpacked import program

HEAVY = "heavy/usr/sbin/exim4"
_ACCOUNT, UID = "Debian-exim", 64801

# TLS 1.2 and 1.3 with forward secrecy, AEAD and no SHA-1, as GnuTLS writes it.
TLS_PRIORITIES = (
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM"
    ":+CHACHA20-POLY1305:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-SIGN-ECDSA-SHA1:-SIGN-RSA-SHA1"
)
TLS_ON_SUBMISSION = """\
  deny    condition = ${if eq{$received_port}{25}{no}{yes}}
          !encrypted = *
          message   = 530 5.7.0 Must issue a STARTTLS command first
"""
OWN_ADDRESS_ALONE = """\
  deny    authenticated = *
          !condition    = ${if eqi{$sender_address}{$authenticated_id}}
          message       = 553 5.7.1 not your address
"""
MAIL_ACL = TLS_ON_SUBMISSION + OWN_ADDRESS_ALONE
NO_STRANGE_LOCAL_PARTS = """\
  deny    domains     = +local_domains
          local_parts = ^[.] : ^.*[@%!/|]
          message     = restricted characters in address
  deny    domains     = !+local_domains
          local_parts = ^[./|] : ^.*[@%!] : ^.*/\\\\.\\\\./
          message     = restricted characters in address
"""
TRUSTED = """\
  accept  hosts         = : +relay_from_hosts
  accept  authenticated = *
"""
LOGIN_ON_SUBMISSION = """\
  deny    condition = ${if eq{$received_port}{25}{no}{yes}}
          message   = 530 5.7.0 Authentication required
"""
LOGIN_BEFORE_MAIL = """\
  deny    condition      = ${if eq{$received_port}{25}{no}{yes}}
          !authenticated = *
          message        = 530 5.7.0 Authentication required
"""
LOCAL_ONLY = """\
  accept  local_parts = postmaster
          domains     = +local_domains
  require verify  = sender
  require message = relay not permitted
          domains = +local_domains : +relay_to_domains
  require verify  = recipient
  accept
"""
RCPT_ACL = NO_STRANGE_LOCAL_PARTS + TRUSTED + LOGIN_ON_SUBMISSION + LOCAL_ONLY

_ROUTERS = """\
remote:
  driver    = dnslookup
  domains   = ! +local_domains
  transport = out
  no_more
mailbox:
  driver      = accept
  domains     = +local_domains
  local_parts = {mailboxes}
  transport   = hold
"""
# What percent_hack_domains did in Exim 3.
PERCENT_ROUTER = """\
percent:
  driver    = redirect
  domains   = +local_domains
  condition = ${if match{$local_part}{%}}
  data      = ${sg{$local_part}{%}{@}}
"""
_TRANSPORTS = """\
out:
  driver = smtp
hold:
  driver = appendfile
  file   = /dev/null
  user   = nobody
"""
_AUTHENTICATORS = """\
plain:
  driver           = plaintext
  public_name      = PLAIN
  server_prompts   = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{name}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id    = $auth2
"""
CRAM_MD5 = """\
cram:
  driver        = cram_md5
  public_name   = CRAM-MD5
  server_secret = ${if eq{$auth1}{alice}{secret}fail}
  server_set_id = $auth1
"""

# What a Dovecot of the host has a say in.
_ASK_DOVECOT = "".join(
    f"""\
{mechanism.lower().replace("-", "_")}:
  driver        = dovecot
  public_name   = {mechanism}
  server_socket = 127.0.0.1 {SASL_PORT}
  server_set_id = $auth1
"""
    for mechanism in ("PLAIN", "SCRAM-SHA-256")
)

_CONNECT = re.compile(
    r" SMTP connection from (?:\S+ )*?\[([^\]]+)\](?::\d+)? I=\[[^\]]+\]:(\d+) \(TCP/IP"
)
_ANNOYED = re.compile(r"too many|dropped|refused: |\b421\b")


@dataclass(frozen=True)
class EximSettings:
    """What one Exim is to be.

    main: options over the good ones, lists such as `hostlist relay_from_hosts` among them;
    `{domain}` stands for its domain.
    mail_acl, rcpt_acl: those of MAIL and RCPT; the first accepts at its end. routers: before the
    usual ones. authenticators: beside PLAIN. asks_dovecot: who may log in, in the place of them.
    """

    main: Mapping[str, str] = field(default_factory=dict)
    mail_acl: str = MAIL_ACL
    rcpt_acl: str = RCPT_ACL
    routers: str = ""
    authenticators: str = ""
    asks_dovecot: bool = False
    ports: tuple[int, ...] = (25, 465, 587)

    def start(self, namespace: Namespace, folder: Path, site: Site) -> "Exim":
        exim = Exim(namespace, folder)
        exim.serve(self, site)
        return exim


class Exim(MailServer):
    """One Exim daemon, whose compiled-in account exists in its namespace alone."""

    def serve(self, settings: EximSettings, site: Site) -> None:
        """Writes the configuration, and starts."""
        self.ports = frozenset(settings.ports)
        self.prepare()
        path = self.folder / "exim.conf"
        path.write_text(self._configuration(settings, site))
        self.launch(*self._program(settings), "-bdf", "-C", str(path))

    @staticmethod
    def _program(settings: EximSettings) -> tuple[str, ...]:
        if not settings.asks_dovecot:
            return (str(program("usr/sbin/exim4")),)
        folders = (program("heavy/usr/lib"), *program("heavy/usr/lib").glob("*-linux-gnu"))
        libraries = f"LD_LIBRARY_PATH={':'.join(map(str, folders))}"
        return ("env", libraries, str(program(HEAVY)))

    def prepare(self) -> None:
        """The account and the folders that every Exim needs."""
        self.namespace.add_account(_ACCOUNT, UID)
        self._spool, self._logs = self.folder / "spool", self.folder / "logs"
        for folder in (self._spool, self._logs):
            folder.mkdir()
            shutil.chown(folder, UID, UID)

    def folders(self) -> dict[str, str]:
        """The options that name its program and its folders."""
        return {
            "exim_path": str(program("usr/sbin/exim4")),
            "spool_directory": str(self._spool),
            "log_file_path": f"{self._logs}/%slog",
            "pid_file_path": str(self.folder / "pid"),
        }

    def queued(self) -> int:
        return sum(1 for _ in self._spool.glob("input/**/*-H"))

    def connections(self, client: str) -> Counter[str]:
        found = _CONNECT.finditer(self._log())
        return Counter(match[2] for match in found if match[1] == client)

    def annoyance(self) -> list[str]:
        return [line for line in self._log().splitlines() if _ANNOYED.search(line)]

    def _log(self) -> str:
        return "".join(path.read_text(errors="replace") for path in self._logs.glob("main*"))

    def _configuration(self, settings: EximSettings, site: Site) -> str:
        main = {**self._main(settings, site), **settings.main}
        login = site.login
        credentials = {"name": login.name, "password": login.password} if login else None
        sections = {
            "acl": f"acl_mail:\n{settings.mail_acl}  accept\nacl_rcpt:\n{settings.rcpt_acl}",
            "routers": settings.routers + _ROUTERS.format(mailboxes=" : ".join(site.MAILBOXES)),
            "transports": _TRANSPORTS,
            "authenticators": settings.authenticators
            + (_AUTHENTICATORS.format(**credentials) if credentials else ""),
        }
        if settings.asks_dovecot:
            sections["authenticators"] = _ASK_DOVECOT
        lines = "".join(
            f"{name} = {value.replace('{domain}', site.domain)}\n" for name, value in main.items()
        )
        return lines + "".join(f"\nbegin {name}\n{text}" for name, text in sections.items())

    def _main(self, settings: EximSettings, site: Site) -> dict[str, str]:
        options = {
            "primary_hostname": site.host,
            "domainlist local_domains": f"@ : {site.domain}",
            "domainlist relay_to_domains": "",
            "hostlist relay_from_hosts": "127.0.0.1",
            **self.folders(),
            "log_selector": "+smtp_connection +incoming_interface +smtp_protocol_error",
            "smtp_banner": "$smtp_active_hostname ESMTP",
            "pipelining_connect_advertise_hosts": "",
            "keep_environment": "",
            "queue_only": "true",
            "daemon_smtp_ports": " : ".join(map(str, settings.ports)),
            "tls_on_connect_ports": "465",
            "tls_require_ciphers": TLS_PRIORITIES,
            "acl_smtp_mail": "acl_mail",
            "acl_smtp_rcpt": "acl_rcpt",
            "auth_advertise_hosts": "${if and{{def:tls_in_cipher}{!eq{$received_port}{25}}}{*}{}}",
            "tls_advertise_hosts": "*" if site.credentials else "",
        }
        if site.credentials:
            chain, key = self.write_credentials(site.credentials)
            for path in (chain, key):
                shutil.chown(path, UID)
            options |= {"tls_certificate": str(chain), "tls_privatekey": str(key)}
        return options
