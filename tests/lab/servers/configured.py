"""Postfix with the main.cf and master.cf of a case of tests/data/mta.

What the lab needs to run many of them stands at the end of each file: folders, a log, and
transports to nowhere. Names, and paths of keys and tables, become those of the lab.
"""

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path

from tests.lab.network import Namespace, run
from tests.lab.servers.postfix import MASTER_CF, NOWHERE, START_POSTFIX, Postfix
from tests.lab.servers.server import Site
from tests.misconfigurations import Case

_HOST, _DOMAIN = "mx1.example.net", "example.net"
_KEYS = re.compile(r"/etc/ssl/[^\s,]+")
# A jail would have to hold the resolver's files and the plug-ins of SASL.
_IN_JAIL = re.compile(r"^((?:[\w.:]+[ \t]+)(?:\S+[ \t]+){3})y\b", re.MULTILINE)
# SQLite and the like aside, these are read from a file that `postmap` makes of the text.
_INDEXED = ("hash", "btree")


@dataclass(frozen=True)
class ConfiguredPostfix:
    """A case to be run; `ports` are those that its own listeners have, by our reading."""

    case: Case
    mechanisms: str = "PLAIN"

    @property
    def ports(self) -> tuple[int, ...]:
        listeners = self.case.reading().listeners
        return tuple(sorted(each.port for each in listeners if not each.loopback))

    def start(self, namespace: Namespace, folder: Path, site: Site) -> "AsConfigured":
        server = AsConfigured(namespace, folder)
        server.serve_case(self, site)
        return server


class AsConfigured(Postfix):
    """One Postfix that runs a case. case: the files as they were written."""

    case: Case

    def serve_case(self, settings: ConfiguredPostfix, site: Site) -> None:
        """Writes the files of the case, and starts."""
        self.ports = frozenset(settings.ports)
        self.case = self._written(settings.case, site)
        for path, text in self.case.texts.items():
            Path(path).write_text(text)
        for path in self.case.texts:
            kinds = [k for k in _INDEXED if f"{k}:{path}" in self.case.text("main.cf")]
            for kind in kinds:
                run("postmap", "-c", str(self._etc), f"{kind}:{path}")
        if site.login:
            self._write_login(site.login, settings.mechanisms)
        self.launch("sh", "-c", START_POSTFIX, "start", str(self._etc))

    def ready(self) -> bool:
        """It listens, or its files keep it from starting at all."""
        ended = self._process is not None and self._process.poll() is not None
        return ended or super().ready()

    def _written(self, case: Case, site: Site) -> Case:
        """The case with names and paths of the lab, and what the lab needs after its own lines."""
        assert site.credentials is not None
        self.folder.joinpath("mailname").write_text(f"{site.host}\n")
        key = self.folder / "mx1.pem"
        key.touch(mode=0o600)
        key.write_bytes(site.credentials.key + site.credentials.chain)
        moved = {
            path: str((self._etc if path.startswith(case.place) else self.folder) / Path(path).name)
            for path in case.texts
        }
        texts = {}
        for path, text in case.texts.items():
            for old in sorted(moved, key=len, reverse=True):
                text = text.replace(f":{old}", f":{moved[old]}")
            text = text.replace("/etc/mailname", str(self.folder / "mailname"))
            text = _KEYS.sub(str(key), text.replace(_HOST, site.host).replace(_DOMAIN, site.domain))
            texts[moved[path]] = text
        main, master = str(self._etc / "main.cf"), str(self._etc / "master.cf")
        needed = {**NOWHERE, **self._folders()}
        texts[main] += "".join(f"{name} = {value}\n" for name, value in needed.items())
        texts[master] = _IN_JAIL.sub(r"\1n", texts[master]) + MASTER_CF
        return dataclasses.replace(case, place=str(self._etc), texts=texts, version="3.7.11")
