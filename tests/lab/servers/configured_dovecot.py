"""Dovecot with the configuration of a case of tests/data/mta.

What the lab needs to run many of them stands at its beginning: folders, a log, and users. Names,
and paths of keys and passwords, become those of the lab. Of the services, submission alone is run.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from tests.lab.network import Namespace
from tests.lab.servers.dovecot import BACKEND, Dovecot
from tests.lab.servers.relocated import relocated
from tests.lab.servers.server import Site
from tests.misconfigurations import Case

VERSION = "2.3.19.1"
_PORTS = (465, 587)
_USERS = "userdb {\n  driver = static\n  args = uid=nobody gid=nogroup\n}\n"


@dataclass(frozen=True)
class ConfiguredDovecot:
    """A case to be run, with its submission service alone."""

    case: Case

    @property
    def ports(self) -> tuple[int, ...]:
        listeners = self.case.reading().listeners
        return tuple(sorted(each.port for each in listeners if each.port in _PORTS))

    def start(self, namespace: Namespace, folder: Path, site: Site) -> "DovecotAsConfigured":
        server = DovecotAsConfigured(namespace, folder)
        server.serve_case(self, site)
        return server


class DovecotAsConfigured(Dovecot):
    """One Dovecot that runs a case. case: the files as they were written."""

    case: Case

    def serve_case(self, settings: ConfiguredDovecot, site: Site) -> None:
        """Writes the files of the case, and starts."""
        self.ports = frozenset(settings.ports)
        self.case = self._written(settings.case, site)
        for path, text in self.case.texts.items():
            Path(path).write_text(text)
        self.launch("dovecot", "-F", "-c", self.case.place)

    def ready(self) -> bool:
        """It listens, or its files keep it from starting at all."""
        ended = self._process is not None and self._process.poll() is not None
        return ended or super().ready()

    def _written(self, case: Case, site: Site) -> Case:
        assert site.credentials is not None
        chain, key = self.write_credentials(site.credentials)
        paths = {
            "/etc/dovecot/mx1.pem": chain,
            "/etc/dovecot/private/mx1.key": key,
            "/etc/dovecot/users": self.write_users(site.login),
        }
        moved = relocated(case, self.folder, site)
        texts = {}
        for path, text in moved.texts.items():
            for old, new in paths.items():
                text = text.replace(old, str(new))
            texts[path] = text.replace("protocols = imap submission", "protocols = submission")
        host, port = BACKEND.split(":")
        needed = {
            **self.folders(),
            "hostname": site.host,
            "submission_relay_host": host,
            "submission_relay_port": port,
        }
        own = "".join(f"{name} = {value}\n" for name, value in needed.items())
        texts[moved.place] = own + _USERS + texts[moved.place]
        return dataclasses.replace(moved, texts=texts, version=VERSION)
