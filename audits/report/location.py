"""Where in a repository a result belongs: the line that a reviewer would change."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from msgspec import Struct

from audits.evaluate.result import Result
from audits.evaluate.verdict import Evidence
from audits.facts.declared import DeclaredDomain, DeclaredHost
from audits.facts.dns import MxSet
from audits.facts.mta import ConfigLine, MtaListeners, MtaPrograms, TrustedNetworks
from audits.facts.place import Place
from audits.facts.pointer import pointer_value
from audits.facts.snapshot import Snapshot
from audits.facts.zone import ZoneRecord, ZoneRecords
from audits.report.anchor import owner_of
from audits.report.material import Material
from audits.report.sanitise import visible
from audits.subject import MailHost, Subject

CONFIGURATION = "mailproof.yaml"
_LOCATED = re.compile(r"(.+):([1-9]\d*)")


class Repository(Struct, frozen=True):
    """The repository that CI checks out. folder: where in it the fleet is kept; empty at its root.

    foreign: names of policy files that come with mailproof, and are in no repository of a user.
    """

    folder: str = ""
    foreign: frozenset[str] = frozenset()


class Locator:
    """Finds a place for every result of a run: CI shows only what has one.

    The evidence has the first word: a line of a configuration or of a zone under review. Then the
    line of the inventory that declares the host or domain, or the domain that leads to a host
    nobody declared, the line of the policy, and in the end the configuration.
    Of several lines of evidence those come first that the base of a change does not have.
    """

    def __init__(
        self, material: Material, repository: Repository, base: Snapshot | None = None
    ) -> None:
        self._material = material
        self._repository = repository
        self._new: set[Place] = set()
        if base is not None:
            known = {(place.file, text) for place, text in _lines(base)}
            read = _lines(material.snapshot)
            self._new = {place for place, text in read if (place.file, text) not in known}
        self._lines: dict[Subject, Place] = {}
        for kind in (DeclaredHost, DeclaredDomain):
            for seen in material.snapshot.observations(kind):
                if place := self._read(seen.provenance.source):
                    self._lines[seen.key[1]] = place
        self._led: dict[Subject, Place] | None = None
        self._rules: dict[str, Place] = {}
        for rule in material.policy.rules:
            place = self._read(rule.where)
            if place is not None and rule.where.rpartition(":")[0] not in repository.foreign:
                self._rules[rule.audit] = place

    def place(self, result: Result) -> Place:
        """Where a result is shown; its file is named from the top of the repository."""
        for place in self.evident(result):
            return place
        return self._declared(result)

    def evident(self, result: Result) -> Iterator[Place]:
        """Every place of the repository that the evidence names, new ones first, each once."""
        pieces = [piece for violation in result.violations for piece in violation.evidence]
        pieces.sort(key=lambda piece: piece.place not in self._new)
        found = (self._of(piece) for piece in pieces or result.evidence)
        silent = (self._source(unseen.kind, unseen.subject) for unseen in result.unknown)
        places = (place for group in (found, silent) for place in group if place is not None)
        yield from dict.fromkeys(places)

    def _of(self, evidence: Evidence) -> Place | None:
        if evidence.place is not None:
            return self._inside(evidence.place)
        return self._beside(evidence) or self._source(evidence.kind, evidence.subject)

    def _beside(self, evidence: Evidence) -> Place | None:
        """Of a value that is built in, the line nearest to where another one would be written."""
        fact = self._material.snapshot.by_kind(evidence.kind, evidence.subject)
        if not isinstance(fact, MtaListeners | MtaPrograms):
            return None
        parts = evidence.pointer.split("/")
        for length in range(len(parts), 0, -1):
            try:
                inner = pointer_value(fact, "/".join(parts[:length]))
            except LookupError:
                continue
            for place, _ in _written(inner):
                return self._inside(place)
        return None

    def _source(self, kind: str, subject: Subject) -> Place | None:
        provenance = self._material.provenance(kind, subject)
        return self._read(provenance.source) if provenance is not None else None

    def _declared(self, result: Result) -> Place:
        owner = owner_of(result.subject)
        own = self._lines.get(owner) if owner is not None else None
        led = self._leading().get(owner) if own is None and owner is not None else None
        last = Place(self._named(CONFIGURATION), 1)
        return own or led or self._rules.get(result.audit) or last

    def _leading(self) -> dict[Subject, Place]:
        """Of every MX host the domain that leads there, where that is declared."""
        if self._led is None:
            self._led = {}
            for mx in self._material.snapshot.facts(MxSet):
                line = self._lines.get(mx.subject)
                if line is not None:
                    self._led = {MailHost(name): line for name in mx.targets} | self._led
        return self._led

    def _read(self, source: str) -> Place | None:
        """The place that `file:line` names; None for `live`."""
        found = _LOCATED.fullmatch(source)
        return self._inside(Place(found[1], int(found[2]))) if found is not None else None

    def _inside(self, place: Place) -> Place | None:
        """The place from the top of the repository; None for a file of a host."""
        path = PurePosixPath(place.file)
        if path.is_absolute() or ".." in path.parts:
            return None
        return Place(self._named(path.as_posix()), max(place.line, 1), max(place.column, 1))

    def _named(self, file: str) -> str:
        folder = self._repository.folder
        return visible(f"{folder}/{file}" if folder else file)


def _lines(snapshot: Snapshot) -> Iterator[tuple[Place, str]]:
    """Every line that files under review gave, and what it says."""
    for kind in (MtaListeners, MtaPrograms, TrustedNetworks, ZoneRecords):
        for fact in snapshot.facts(kind):
            yield from _written(fact)


def _written(value: object) -> Iterator[tuple[Place, str]]:
    match value:
        case ConfigLine(place, text):
            yield place, text
        case ZoneRecord(name, rdtype, text, place):
            yield place, f"{name} {rdtype} {text}"
        case Struct():
            for part in value.__struct_fields__:
                yield from _written(getattr(value, part))
        case tuple():
            for part in value:
                yield from _written(part)
        case _:
            return
