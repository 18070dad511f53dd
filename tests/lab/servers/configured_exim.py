"""Exim with the configuration of a case of tests/data/mta.

What the lab needs to run many of them stands at its beginning: folders, logs, and that nothing is
sent on. Names, and paths of keys and tables, become those of the lab.
"""

import dataclasses
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from audits.facts.mta import Mta
from tests.lab.network import Namespace
from tests.lab.servers.exim import UID, Exim
from tests.lab.servers.relocated import relocated
from tests.lab.servers.server import Site
from tests.lab.servers.unpacked import program
from tests.misconfigurations import Case

# The package that `fetch.sh` unpacks is of this version, or newer within Debian 12.
VERSION = "4.96-15+deb12u10"
_CERTIFICATE = re.compile(r"^(tls_certificate\s*=).*$", re.MULTILINE)
_KEY = re.compile(r"^(tls_privatekey\s*=).*$", re.MULTILINE)


@dataclass(frozen=True)
class ConfiguredExim:
    """A case to be run; `ports` are those that it has by our reading."""

    case: Case

    @property
    def ports(self) -> tuple[int, ...]:
        assert self.case.mta is Mta.EXIM
        listeners = self.case.reading().listeners
        return tuple(sorted(each.port for each in listeners if not each.loopback))

    def start(self, namespace: Namespace, folder: Path, site: Site) -> "EximAsConfigured":
        server = EximAsConfigured(namespace, folder)
        server.serve_case(self, site)
        return server


class EximAsConfigured(Exim):
    """One Exim that runs a case. case: the files as they were written."""

    case: Case

    def serve_case(self, settings: ConfiguredExim, site: Site) -> None:
        """Writes the files of the case, and starts."""
        self.ports = frozenset(settings.ports)
        self.prepare()
        self.case = self._written(settings.case, site)
        for path, text in self.case.texts.items():
            Path(path).write_text(text)
        self.launch(str(program("usr/sbin/exim4")), "-bdf", "-C", self.case.place)

    def ready(self) -> bool:
        """It listens, or its files keep it from starting at all."""
        ended = self._process is not None and self._process.poll() is not None
        return ended or super().ready()

    def _written(self, case: Case, site: Site) -> Case:
        assert site.credentials is not None
        chain, key = self.write_credentials(site.credentials)
        for file in (chain, key):
            shutil.chown(file, UID)
        moved = relocated(case, self.folder, site)
        texts = {
            path: _KEY.sub(rf"\1 {key}", _CERTIFICATE.sub(rf"\1 {chain}", text))
            for path, text in moved.texts.items()
        }
        needed = {**self.folders(), "queue_only": "true"}
        own = "".join(f"{name} = {value}\n" for name, value in needed.items())
        texts[moved.place] = own + texts[moved.place]
        return dataclasses.replace(moved, texts=texts, version=VERSION)
