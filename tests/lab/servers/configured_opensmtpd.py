"""OpenSMTPD with the configuration of a case of tests/data/mta.

Names, and paths of keys and tables, become those of the lab. What is accepted stays in the queue.
"""

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path

from tests.lab.network import Namespace
from tests.lab.servers.opensmtpd import CURRENT, OpenSmtpd
from tests.lab.servers.relocated import relocated
from tests.lab.servers.server import Site
from tests.misconfigurations import Case

# The package that `fetch.sh` unpacks for CURRENT.
VERSION = "7.4.0p1"
_LOCAL = re.compile(r'^(action "local").*$', re.MULTILINE)
_RELAY = re.compile(r'^(action "(?:relay|out)").*$', re.MULTILINE)


@dataclass(frozen=True)
class ConfiguredOpenSmtpd:
    """A case to be run; `ports` are those that it has by our reading."""

    case: Case

    @property
    def ports(self) -> tuple[int, ...]:
        listeners = self.case.reading().listeners
        return tuple(sorted(each.port for each in listeners if not each.loopback))

    def start(self, namespace: Namespace, folder: Path, site: Site) -> "OpenSmtpdAsConfigured":
        server = OpenSmtpdAsConfigured(namespace, folder)
        server.serve_case(self, site)
        return server


class OpenSmtpdAsConfigured(OpenSmtpd):
    """One OpenSMTPD that runs a case. case: the files as they were written."""

    case: Case

    def serve_case(self, settings: ConfiguredOpenSmtpd, site: Site) -> None:
        """Writes the files of the case, and starts."""
        self.ports = frozenset(settings.ports)
        self.case = self._written(settings.case, site)
        for path, text in self.case.texts.items():
            Path(path).write_text(text)
        self.start_with(self.case.place, CURRENT)

    def _written(self, case: Case, site: Site) -> Case:
        assert site.credentials is not None
        chain, key = self.write_credentials(site.credentials)
        paths = {
            "/etc/ssl/mx1.pem": chain,
            "/etc/ssl/private/mx1.key": key,
            "/etc/mail/logins": self.write_logins(site),
        }
        mailboxes = self.write_mailboxes(site, Site.MAILBOXES)
        moved = relocated(case, self.folder, site)
        texts = {}
        for path, text in moved.texts.items():
            for old, new in paths.items():
                text = text.replace(old, str(new))
            text = _LOCAL.sub(r'\1 mda "exit 75" virtual <mailboxes>', text)
            texts[path] = _RELAY.sub(r"\1 relay host smtp://127.0.0.1:9", text)
        # A table has to stand before the rule that names it, and this line in front of all others.
        texts[moved.place] = f"table mailboxes file:{mailboxes}\n{texts[moved.place]}"
        return dataclasses.replace(moved, texts=texts, version=VERSION)
