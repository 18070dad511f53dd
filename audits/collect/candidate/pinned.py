"""What the repository's files say that a host runs, to be held against what it does run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from audits.collect.candidate.mta_files import ProgramFiles, read_files
from audits.collect.collector import Origin
from audits.facts.fact import AnyObservation, Fact, Reason, Silence, observation
from audits.facts.pinned import PinnedPrograms
from audits.facts.snapshot import Snapshot
from audits.parse.config_tree import Reading
from audits.subject import MailHost, Subject


class PinnedFiles:
    """The configuration that the repository has of a host's mail programs."""

    name: ClassVar[str] = "pinned-files"
    about: ClassVar[type[Subject]] = MailHost
    provides: ClassVar[frozenset[type[Fact]]] = frozenset({PinnedPrograms})
    requires: ClassVar[frozenset[type[Fact]]] = frozenset()

    def __init__(
        self, origin: Origin, pinned: Mapping[str, Sequence[ProgramFiles]], base: Path
    ) -> None:
        self._origin = origin
        self._pinned = pinned
        self._base = base

    async def collect(self, subject: Subject, seen: Snapshot) -> Sequence[AnyObservation]:
        assert isinstance(subject, MailHost)
        found = self._programs(subject)
        return [observation(PinnedPrograms, subject, found, self._origin.live(self.name))]

    def _programs(self, host: MailHost) -> PinnedPrograms | Silence:
        files = self._pinned.get(host.name)
        if not files:
            return Silence(Reason.SKIPPED, f"the repository has no configuration of {host}")
        readings = read_files(files, self._base)
        read = tuple(each.program for each in readings if isinstance(each, Reading))
        silent = [each for each in readings if isinstance(each, Silence)]
        return PinnedPrograms(host, read) if read else silent[0]
