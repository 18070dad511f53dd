"""The configuration files of one host, as text by path, wherever they come from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from posixpath import normpath

from audits.facts.fact import Reason, Silence
from audits.facts.mta import ConfiguredListener, Program, TrustedNetwork


@dataclass(frozen=True)
class ConfigText:
    """The text of one file. shown: the name under which messages and evidence give it."""

    shown: str
    text: str


class ConfigTree:
    """Files by their absolute path on the host, POSIX style.

    silent: paths that were tried and not had, with the reason. Any other path was not supplied.
    """

    def __init__(
        self,
        files: Mapping[str, ConfigText],
        silent: Mapping[str, Silence] | None = None,
    ) -> None:
        self._files = {normpath(path): text for path, text in files.items()}
        self._silent = {normpath(path): why for path, why in (silent or {}).items()}

    def read(self, path: str) -> ConfigText | Silence:
        """The file, or why it is not here: not supplied is NOT_COLLECTED."""
        path = normpath(path)
        if path in self._files:
            return self._files[path]
        missing = Silence(Reason.NOT_COLLECTED, f"{path} was not supplied")
        return self._silent.get(path, missing)

    def matching(self, pattern: str) -> Iterator[str]:
        """The paths that match a shell pattern in which `*` does not cross folders, in order."""
        depth = pattern.count("/")
        for path in sorted(self._files):
            if path.count("/") == depth and fnmatchcase(path, pattern):
                yield path


@dataclass(frozen=True)
class Reading:
    """What one program's configuration says.

    secret_files: paths that it names of private keys and password maps, which nobody reads.
    certificate_files: paths of the certificates that it presents to clients; empty where its files
    do not tell all of them.
    """

    program: Program
    listeners: tuple[ConfiguredListener, ...]
    networks: tuple[TrustedNetwork, ...]
    networks_open: str | None
    secret_files: tuple[str, ...]
    certificate_files: tuple[str, ...] = ()
