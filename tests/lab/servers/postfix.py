"""Postfix with Cyrus SASL, from its Debian package."""

import re
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.network import Namespace, run
from tests.lab.servers.server import Login, MailServer, Site

# What keeps the lab to itself. No delivery agent exists: what is accepted stays in the queue, where
# `Postfix.queued` counts it.
NOWHERE = {
    "alias_maps": "",
    "local_recipient_maps": "inline:{"
    + ", ".join(f"{mailbox}={mailbox}" for mailbox in Site.MAILBOXES)
    + "}",
    **dict.fromkeys(
        ("default_transport", "relay_transport", "local_transport", "virtual_transport"),
        "nowhere",
    ),
    "defer_transports": "nowhere",
}
# What every Postfix of the lab has beside that and the stock settings of its version, since it is
# better than stock.
_MAIN_CF = {
    **NOWHERE,
    "compatibility_level": "3.6",
    "disable_vrfy_command": "yes",
    "smtpd_forbid_unauth_pipelining": "yes",
    "smtpd_tls_protocols": ">=TLSv1.2",
    "smtpd_tls_mandatory_protocols": ">=TLSv1.2",
    "smtpd_tls_exclude_ciphers": "aNULL",
    "tls_medium_cipherlist": "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2",
    "smtpd_tls_security_level": "may",
    "smtpd_tls_auth_only": "yes",
    "smtpd_sasl_type": "cyrus",
    "smtpd_sasl_path": "smtpd",
}

MASTER_CF = """\
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

_DELIVERY = """\
smtp      unix       - - n - - smtp
local     unix       - n n - - local
lmtp      unix       - - n - - lmtp
"""

_SASL_CONF = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: {mechanisms}
sasldb_path: {database}
"""

# What `postfix start-fg` does, without the shell that it keeps around the master.
START_POSTFIX = """\
postfix -c "$1" check && exec "$(postconf -c "$1" -h daemon_directory)/master" -c "$1" -s
"""

_QUEUES = ("maildrop", "incoming", "active", "deferred", "hold")
_CONNECT = re.compile(r" postfix/(\S+?)/smtpd\[\d+\]: connect from \S+\[([^\]]+)\]")
_ANNOYED = re.compile(r": 421 |too many errors|rate limit", re.I)
# From smtpd_soft_error_limit errors on, it waits a second before each reply, and logs nothing then.
_SESSION = re.compile(r" disconnect from .* commands=(\d+)(?:/(\d+))?$")
_SOFT_ERROR_LIMIT = 10

OWN_ADDRESS_ALONE = {
    "smtpd_sender_login_maps": "inline:{{alice@$mydestination = alice@$mydestination}}",
    "smtpd_sender_restrictions": "reject_sender_login_mismatch",
}
SUBMISSION = {
    "smtpd_tls_security_level": "encrypt",
    "smtpd_sasl_auth_enable": "yes",
    "smtpd_relay_restrictions": "permit_sasl_authenticated,reject",
    "smtpd_recipient_restrictions": "permit_sasl_authenticated,reject",
}
SUBMISSIONS = {**SUBMISSION, "smtpd_tls_wrappermode": "yes"}


def _slowed(line: str) -> bool:
    session = _SESSION.search(line)
    if session is None:
        return False
    done, sent = int(session[1]), int(session[2] or session[1])
    return sent - done >= _SOFT_ERROR_LIMIT


@dataclass(frozen=True)
class PostfixSettings:
    """What one Postfix is to be.

    main: beside the stock settings. services: per port, what its smtpd has beside main.cf; a port
    may have an address before it, `127.0.0.1:10025`. mechanisms: of SASL. delivers_to: the address
    of the one host that all mail for other domains goes on to; nothing is delivered without.
    """

    main: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[int | str, Mapping[str, str]] = field(default_factory=lambda: {25: {}})
    mechanisms: str = "PLAIN SCRAM-SHA-256"
    delivers_to: str = ""

    @property
    def ports(self) -> tuple[int, ...]:
        return tuple(port for port in self.services if isinstance(port, int))

    def start(self, namespace: Namespace, folder: Path, site: Site) -> "Postfix":
        postfix = Postfix(namespace, folder)
        postfix.serve(self, site)
        return postfix


class Postfix(MailServer):
    """One Postfix instance with configuration, queue and data folders of its own."""

    def __init__(self, namespace: Namespace, folder: Path) -> None:
        super().__init__(namespace, folder)
        self._etc, self._spool, self._data = (folder / name for name in ("etc", "spool", "data"))
        for made in (self._etc, self._spool, self._data):
            made.mkdir(mode=0o755)
        shutil.chown(self._data, "postfix")

    def serve(self, settings: PostfixSettings, site: Site) -> None:
        """Writes main.cf and master.cf, and starts."""
        self.ports = frozenset(settings.ports)
        self._write_main_cf(settings, site)
        self._write_master_cf(settings)
        if site.login:
            self._write_login(site.login, settings.mechanisms)
        self.launch("sh", "-c", START_POSTFIX, "start", str(self._etc))

    def queued(self) -> int:
        folders = (self._spool / queue for queue in _QUEUES)
        return sum(path.is_file() for folder in folders for path in folder.rglob("*"))

    def connections(self, client: str) -> Counter[str]:
        found = _CONNECT.finditer(self.log.read_text())
        return Counter(match[1] for match in found if match[2] == client)

    def annoyance(self) -> list[str]:
        lines = self.log.read_text().splitlines()
        return [line for line in lines if _ANNOYED.search(line) or _slowed(line)]

    def empty_queue(self) -> None:
        """Deletes all messages, for a test that sent one."""
        run("postsuper", "-c", str(self._etc), "-d", "ALL")

    def _folders(self) -> dict[str, str]:
        """The parameters that keep it apart from all others."""
        return {
            "queue_directory": str(self._spool),
            "data_directory": str(self._data),
            "maillog_file": str(self.log),
            "maillog_file_prefixes": str(self.folder),
        }

    def _write_main_cf(self, settings: PostfixSettings, site: Site) -> None:
        options = {
            **_MAIN_CF,
            **self._folders(),
            "myhostname": site.host,
            "mydestination": site.domain,
            "cyrus_sasl_config_path": str(self._etc / "sasl"),
        }
        if site.credentials:
            chain, key = self.write_credentials(site.credentials)
            options["smtpd_tls_chain_files"] = f"{key}, {chain}"
        else:
            options["smtpd_tls_security_level"] = "none"
        if settings.delivers_to:
            options |= {
                "default_transport": f"smtp:[{settings.delivers_to}]",
                "local_transport": "local:$myhostname",
                "defer_transports": "",
            }
        options |= settings.main
        lines = "".join(f"{name} = {value}\n" for name, value in options.items())
        self._etc.joinpath("main.cf").write_text(lines)

    def _write_master_cf(self, settings: PostfixSettings) -> None:
        lines = []
        for place, options in settings.services.items():
            # A name of its own in the log for each listener.
            name = {"syslog_name": f"postfix/{place}"}
            lines.append(f"{place} inet n - n - - smtpd\n")
            lines += [f"  -o {{ {key} = {value} }}\n" for key, value in (name | options).items()]
        lines += [MASTER_CF, _DELIVERY if settings.delivers_to else ""]
        self._etc.joinpath("master.cf").write_text("".join(lines))

    def _write_login(self, login: Login, mechanisms: str) -> None:
        database = self.folder / "sasldb2"
        options = ("-p", "-c", "-f", str(database), "-u", login.realm)
        run("saslpasswd2", *options, login.user, input=login.password)
        shutil.chown(database, "postfix")
        # Debian's build looks in the folder `sasl` beside main.cf, whatever main.cf says.
        self._etc.joinpath("sasl").mkdir()
        path = self._etc / "sasl/smtpd.conf"
        path.write_text(_SASL_CONF.format(database=database, mechanisms=mechanisms))
