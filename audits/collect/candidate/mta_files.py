"""Configuration files of mail programs from a repository, in place of those on the hosts."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from audits.collect.collector import Collector, Origin
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
from audits.parse.config_tree import ConfigText, ConfigTree, Reading
from audits.subject import MailHost, Subject

# More than any configuration has: a path that leads elsewhere must not fill the memory.
_MOST_FILES = 2_000
_MOST_OCTETS = 4 * 1024 * 1024


@dataclass(frozen=True)
class ProgramFiles:
    """Where the configuration of a program is in the repository: its folder or its first file.

    version: which the program is that will read it, such as `3.7.11`; None where nobody said.
    """

    mta: Mta
    path: Path
    version: str | None = None


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
        candidates: Mapping[str, Sequence[ProgramFiles]],
        base: Path,
        *,
        outside: Reason = Reason.SKIPPED,
        behind: Collector | None = None,
    ) -> None:
        """candidates: the programs of each host by its name.

        base: the folder from which messages and annotations name the files. outside: the reason for
        which nothing is said of other hosts. behind: what is asked about other hosts instead.
        """
        self._origin = origin
        self._wanted = frozenset(wanted) & self.provides
        self._candidates = candidates
        self._base = base
        self._outside = outside
        self._behind = behind

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        """Every wanted fact, or why it is missing; from behind what files do not say."""
        if not isinstance(subject, MailHost):
            raise TypeError(f"{self.name} is about hosts, not {subject}")
        programs = self._candidates.get(subject.name, ())
        if not programs and self._behind is not None:
            return await self._behind.collect(subject, seen)
        provenance = self._origin.live(self.name)
        if not programs:
            words = "no configuration of this host is under review"
            return unobserved(self._wanted, subject, self._outside, words, provenance)
        found = configured(subject, read_files(programs, self._base), self._wanted, provenance)
        if self._behind is None:
            return found
        told = {each.key for each in found}
        return [
            *found,
            *(o for o in await self._behind.collect(subject, seen) if o.key not in told),
        ]


def read_files(programs: Iterable[ProgramFiles], base: Path) -> list[Reading | Silence]:
    """What the files of each program say, or why they say nothing."""
    return [reading for each in programs for reading in read_programs(*_program(each, base))]


def _program(files: ProgramFiles, base: Path) -> tuple[ConfigTree, list[Installed]]:
    """The files of a program, at the places that they would have on the host."""
    mta, path = files.mta, files.path
    place = USUAL_PLACE[mta]
    on_host, first = (place, "") if mta is Mta.POSTFIX else place.rsplit("/", 1)
    root = path if path.is_dir() else path.parent
    begins = place if path.is_dir() or not first else f"{on_host}/{path.name}"
    texts: dict[str, ConfigText] = {}
    silent: dict[str, Silence] = {}
    for file in _files(root):
        at = f"{on_host}/{file.relative_to(root).as_posix()}"
        shown = str(file.relative_to(base) if file.is_relative_to(base) else file)
        if not _inside(file, base if root.is_relative_to(base) else root):
            silent[at] = Silence(
                Reason.DENIED, f"{shown} is a link that leads out of the repository"
            )
            continue
        try:
            octets = file.read_bytes()[: _MOST_OCTETS + 1]
        except OSError as error:
            silent[at] = Silence(Reason.DENIED, f"{shown}: {error.strerror}")
            continue
        if len(octets) > _MOST_OCTETS:
            silent[at] = Silence(Reason.PROTOCOL, f"{shown} has over {_MOST_OCTETS} octets")
        else:
            texts[at] = ConfigText(shown, octets.decode("utf-8", "backslashreplace"))
    return ConfigTree(texts, silent), [Installed(mta, begins, files.version)]


def _inside(file: Path, folder: Path) -> bool:
    """Whether a link stays in a folder: a change must not have others' files read and quoted."""
    return file.resolve().is_relative_to(folder.resolve())


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
