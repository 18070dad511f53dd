"""The directory of one run: every file whole or not there, and a mark while it is not complete."""

import errno
import os
import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO

from msgspec.structs import replace

from audits.errors import OutputError, SnapshotError
from audits.evidence.manifest import Manifest, decode_manifest, digest, encode_manifest
from audits.facts.codec import encode_observation
from audits.facts.fact import AnyObservation
from audits.facts.snapshot import Header, Snapshot, read_header

FACTS = "facts.jsonl"
RESULTS = "results.jsonl"
SUMMARY = "summary.json"
REPORT = "report.html"
JUDGED_BY = "policy.json"
PREVIOUS = "previous.jsonl"
BASE = "base.jsonl"
MANIFEST = "manifest.json"
_PARTIAL = "facts.partial.jsonl"
_INCOMPLETE = "INCOMPLETE"
_CHUNK_BYTES = 1 << 20


def run_id(at: datetime) -> str:
    """`20261123T020000Z-3fa9c1`: sorts by time, and two runs of one second differ."""
    return f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


class RunDirectory:
    """Files of one run. Each is written beside its name and renamed: never half there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._partial: IO[bytes] | None = None

    @classmethod
    def create(cls, parent: Path, name: str) -> "RunDirectory":
        """A new directory marked INCOMPLETE. Raises OutputError."""
        run = cls(parent / name)
        try:
            run.path.mkdir(parents=True)
            (run.path / _INCOMPLETE).write_text(
                "This run is under way or was cut off. Go on with it: mailproof run --resume\n"
            )
        except OSError as error:
            raise OutputError(f"{run.path}: can't be made: {error.strerror}") from error
        return run

    @classmethod
    def open(cls, path: Path) -> "RunDirectory":
        """The directory of a stored run. Raises SnapshotError where there is none."""
        run = cls(path)
        if not (path / FACTS).is_file() and not (path / _PARTIAL).is_file():
            raise SnapshotError(f"{path}: found no {FACTS}; expected the directory of a run")
        return run

    def make(self) -> None:
        """The directory, if it is not there yet. Raises OutputError."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.path}: can't be made: {error.strerror}") from error

    @property
    def complete(self) -> bool:
        return not (self.path / _INCOMPLETE).exists()

    def checkpoint(self, header: Header, observations: Iterable[AnyObservation]) -> None:
        """Starts the file that a cut-off run is resumed from, with what is known so far."""
        snapshot = Snapshot(header, observations)
        self.write(_PARTIAL, snapshot.lines())
        self._partial = (self.path / _PARTIAL).open("ab", buffering=0)

    def keep(self, observations: Sequence[AnyObservation]) -> None:
        """Adds observations to the checkpoint, all of them or none. Raises OutputError."""
        if self._partial is None:
            return
        lines = b"".join(encode_observation(o) + b"\n" for o in observations)
        before = self._partial.tell()
        try:
            if self._partial.write(lines) < len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            # Whoever goes on from here must not take half of what a collector saw for all of it.
            with suppress(OSError):
                self._partial.truncate(before)
            name = self.path / _PARTIAL
            raise OutputError(f"{name}: can't be written: {error.strerror}") from error

    def write(self, name: str, lines: Iterable[bytes], *, end: bytes = b"\n") -> None:
        """A whole file, line by line, with 0o644 less the umask. Raises OutputError."""
        target = self.path / name
        beside = target.with_name(f".{name}.{os.getpid()}")
        try:
            with beside.open("wb") as file:
                file.writelines(line + end for line in lines)
            beside.replace(target)
        except OSError as error:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise OutputError(f"{target}: can't be written: {error.strerror}") from error

    def read(self, name: str) -> Iterator[bytes]:
        """The lines of a file, without line ends. Raises SnapshotError."""
        path = self.path / name
        try:
            with path.open("rb") as file:
                for line in file:
                    yield line.rstrip(b"\r\n")
        except OSError as error:
            raise SnapshotError(f"{path}: can't be read: {error.strerror}") from error

    def snapshot(self) -> Snapshot:
        """What was observed: the whole, or as far as the checkpoint of a cut-off run goes.

        The last line of a checkpoint may be half written; it is left out.
        """
        if (self.path / FACTS).is_file():
            return Snapshot.read(self.read(FACTS), str(self.path / FACTS))
        name = str(self.path / _PARTIAL)
        lines = list(self.read(_PARTIAL))
        try:
            return Snapshot.read(lines, name)
        except SnapshotError:
            return Snapshot.read(lines[:-1], name)

    def excerpt(self, kinds: Collection[str]) -> Snapshot:
        """Only the observations of some kinds of fact. Raises SnapshotError."""
        marks = [f'"{kind}"'.encode() for kind in kinds]
        lines = self.read(FACTS)
        header = next(lines, b"")
        # Whatever has none of the marks need not be decoded.
        near = (line for line in lines if any(mark in line for mark in marks))
        snapshot = Snapshot.read([header, *near], str(self.path / FACTS))
        return Snapshot(snapshot.header, (o for o in snapshot if o.key[0] in kinds))

    def remember(self, previous: Snapshot) -> None:
        """Keeps what audits need of an earlier run, so that this one can be judged by itself."""
        self.write(PREVIOUS, previous.lines())

    def previous(self) -> Snapshot | None:
        """What was kept of an earlier run. Raises SnapshotError."""
        path = self.path / PREVIOUS
        return Snapshot.read(self.read(PREVIOUS), str(path)) if path.is_file() else None

    def keep_base(self, base: Snapshot) -> None:
        """Keeps what the files said that a change under review is compared with."""
        self.write(BASE, base.lines())

    def base(self) -> Snapshot | None:
        """What was kept of the base of a change. Raises SnapshotError."""
        path = self.path / BASE
        return Snapshot.read(self.read(BASE), str(path)) if path.is_file() else None

    def manifest(self) -> Manifest:
        return decode_manifest(b"\n".join(self.read(MANIFEST)), str(self.path / MANIFEST))

    def finish(self, manifest: Manifest) -> None:
        """Writes the manifest; takes the mark away, and the checkpoint, if it is complete."""
        self.close()
        self.write(MANIFEST, [encode_manifest(manifest)])
        if manifest.complete:
            (self.path / _PARTIAL).unlink(missing_ok=True)
            (self.path / _INCOMPLETE).unlink(missing_ok=True)

    def renew(self) -> None:
        """Brings the manifest of a complete run up to date with its files."""
        if self.complete:
            self.finish(replace(self.manifest(), files=self.digests()))

    def digests(self) -> dict[str, str]:
        """SHA-256 of every file that a manifest names, by name; not of what a kill left beside."""
        names = sorted(
            p.name
            for p in self.path.iterdir()
            if p.is_file()
            and not p.name.startswith(".")
            and p.name not in (MANIFEST, _INCOMPLETE, _PARTIAL)
        )
        return {name: digest(_chunks(self.path / name)) for name in names}

    def close(self) -> None:
        if self._partial is not None:
            self._partial.close()
            self._partial = None


def complete_runs(parent: Path, vantage: str) -> Iterator[RunDirectory]:
    """The complete runs below a directory that were made from that vantage, latest first."""
    for path in sorted(parent.glob(f"*/{FACTS}"), reverse=True):
        run = RunDirectory(path.parent)
        with suppress(SnapshotError):
            header = read_header(next(run.read(FACTS), b""), str(path))
            if run.complete and header.vantage == vantage:
                yield run


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
