"""Configuration files of mail programs from a repository, in place of those on the hosts."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from audits.collect.collector import Origin
from audits.collect.configured import (
    KINDS,
    USUAL_PLACE,
    Installed,
    configured,
    read_programs,
)
from audits.facts.fact import AnyObservation, Fact, Reason, Silence, unobserved
from audits.facts.mta import Mta
from audits.facts.snapshot import Snapshot
from audits.parse.config_tree import ConfigText, ConfigTree
from audits.subject import MailHost, Subject

# More than any configuration has: a path that leads elsewhere must not fill the memory.
_MOST_FILES = 2_000
_MOST_OCTETS = 4 * 1024 * 1024


class MtaFiles:
    """What the files under review say of a host's mail programs."""

    name: ClassVar[str] = "candidate-files"
    about: ClassVar[type[Subject]] = MailHost
    provides: ClassVar[frozenset[type[Fact]]] = KINDS
    requires: ClassVar[frozenset[type[Fact]]] = frozenset()

    def __init__(
        self,
        origin: Origin,
        wanted: Iterable[type[Fact]],
        candidates: Mapping[str, Mapping[Mta, Path]],
        base: Path,
    ) -> None:
        """candidates: for each host the folder or first file of each program's configuration.

        base: the folder from which messages and annotations name the files.
        """
        self._origin = origin
        self._wanted = frozenset(wanted) & self.provides
        self._candidates = candidates
        self._base = base

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        """Every wanted fact, or why it is missing."""
        if not isinstance(subject, MailHost):
            raise TypeError(f"{self.name} is about hosts, not {subject}")
        programs = self._candidates.get(subject.name, {})
        provenance = self._origin.live(self.name)
        if not programs:
            words = "no configuration of this host is under review"
            return unobserved(self._wanted, subject, Reason.SKIPPED, words, provenance)
        readings = [
            reading
            for mta, path in programs.items()
            for reading in read_programs(*_program(mta, path, self._base))
        ]
        return configured(subject, readings, self._wanted, provenance)


def _program(mta: Mta, path: Path, base: Path) -> tuple[ConfigTree, list[Installed]]:
    """The files of a program, at the places that they would have on the host."""
    place = USUAL_PLACE[mta]
    on_host, first = (place, "") if mta is Mta.POSTFIX else place.rsplit("/", 1)
    root = path if path.is_dir() else path.parent
    begins = place if path.is_dir() or not first else f"{on_host}/{path.name}"
    files: dict[str, ConfigText] = {}
    silent: dict[str, Silence] = {}
    for file in _files(root):
        at = f"{on_host}/{file.relative_to(root).as_posix()}"
        shown = str(file.relative_to(base) if file.is_relative_to(base) else file)
        try:
            octets = file.read_bytes()[: _MOST_OCTETS + 1]
        except OSError as error:
            silent[at] = Silence(Reason.DENIED, f"{shown}: {error.strerror}")
            continue
        if len(octets) > _MOST_OCTETS:
            silent[at] = Silence(Reason.PROTOCOL, f"{shown} has over {_MOST_OCTETS} octets")
        else:
            files[at] = ConfigText(shown, octets.decode("utf-8", "backslashreplace"))
    return ConfigTree(files, silent), [Installed(mta, begins, None)]


def _files(root: Path) -> Iterator[Path]:
    """The files below a folder, in order; links are followed for files alone."""
    count = 0
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            count += 1
            if count > _MOST_FILES:
                return
            yield Path(folder, name)
