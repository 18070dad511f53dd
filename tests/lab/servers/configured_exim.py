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
from tests.lab.servers.server import Site
from tests.lab.servers.unpacked import program
from tests.misconfigurations import Case

# The package that `fetch.sh` unpacks is of this version, or newer within Debian 12.
VERSION = "4.96-15+deb12u10"
_HOST, _DOMAIN = "mx1.example.net", "example.net"
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
        moved = {path: str(self.folder / Path(path).name) for path in case.texts}
        texts = {}
        for path, text in case.texts.items():
            for old in sorted(moved, key=len, reverse=True):
                text = text.replace(old, moved[old])
            text = text.replace(_HOST, site.host).replace(_DOMAIN, site.domain)
            text = _CERTIFICATE.sub(rf"\1 {chain}", text)
            texts[moved[path]] = _KEY.sub(rf"\1 {key}", text)
        place = moved[case.place]
        needed = {**self.folders(), "queue_only": "true"}
        texts[place] = "".join(f"{n} = {v}\n" for n, v in needed.items()) + texts[place]
        return dataclasses.replace(case, place=place, texts=texts, version=VERSION)
