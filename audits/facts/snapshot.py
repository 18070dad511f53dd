"""All observations of a run: stored as JSON lines, overlaid, compared."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import Struct

from audits.errors import SnapshotError
from audits.facts.codec import decode_observation, encode_observation
from audits.facts.fact import AnyObservation, Fact, Observed, Unobserved, kind_of
from audits.subject import Subject, Vantage, sort_key

SCHEMA = "mailproof/facts/v1"

F = TypeVar("F", bound=Fact)


class Header(Struct, frozen=True):
    """The first line of a stored snapshot. as_of: when dates are judged, aware UTC."""

    schema: str
    run: str
    vantage: str
    as_of: datetime
    version: str


class Change(Struct, frozen=True):
    """One key whose observation differs between two snapshots; None where there is none."""

    before: AnyObservation | None
    after: AnyObservation | None


class Snapshot:
    """Observations by kind of fact and subject; a later one replaces an earlier one of its key."""

    def __init__(self, header: Header, observations: Iterable[AnyObservation] = ()) -> None:
        self.header = header
        self._by_kind: dict[str, dict[Subject, AnyObservation]] = {}
        self.add(observations)

    def add(self, observations: Iterable[AnyObservation]) -> None:
        for observation in observations:
            kind, subject = observation.key
            self._by_kind.setdefault(kind, {})[subject] = observation

    @property
    def vantage(self) -> Vantage:
        return Vantage(self.header.vantage)

    def get(self, fact: type[F], subject: Subject) -> Observed[F] | Unobserved | None:
        """The observation of that fact about that subject; None where it was never asked for."""
        found = self._by_kind.get(kind_of(fact), {}).get(subject)
        return found  # type: ignore[return-value]  # the store's key says which fact it holds

    def fact(self, fact: type[F], subject: Subject) -> F | None:
        """The fact itself, or None where it was not observed."""
        found = self.get(fact, subject)
        return found.fact if isinstance(found, Observed) else None

    def by_kind(self, kind: str, subject: Subject) -> Fact | None:
        """The observed fact of a kind that is given by name, or None."""
        found = self._by_kind.get(kind, {}).get(subject)
        return found.fact if isinstance(found, Observed) else None

    def facts(self, fact: type[F]) -> Iterator[F]:
        """All observed facts of a kind, in order of subject."""
        for observation in self.observations(fact):
            if isinstance(observation, Observed):
                yield observation.fact

    def observations(self, fact: type[F]) -> Iterator[Observed[F] | Unobserved]:
        """All observations of a kind, in order of subject."""
        found = self._by_kind.get(kind_of(fact), {})
        for subject in sorted(found, key=sort_key):
            yield found[subject]  # type: ignore[misc]  # as in get

    def __len__(self) -> int:
        return sum(map(len, self._by_kind.values()))

    def __iter__(self) -> Iterator[AnyObservation]:
        """All observations, sorted by subject, then kind."""
        keys = [(sort_key(s), kind, s) for kind, found in self._by_kind.items() for s in found]
        keys.sort(key=lambda key: key[:2])
        return (self._by_kind[kind][subject] for _, kind, subject in keys)

    def overlay(self, other: "Snapshot") -> "Snapshot":
        """A snapshot in which what `other` holds stands in front of what this one holds."""
        merged = Snapshot(other.header, self)
        merged.add(other)
        return merged

    def diff(self, other: "Snapshot") -> Iterator[Change]:
        """Every key whose fact or silence differs in `other`; provenance does not count."""
        before, after = ({o.key: o for o in s} for s in (self, other))
        for key in sorted(before.keys() | after.keys(), key=lambda k: (sort_key(k[1]), k[0])):
            old, new = before.get(key), after.get(key)
            if _content(old) != _content(new):
                yield Change(old, new)

    def lines(self) -> Iterator[bytes]:
        """The header, then one observation a line, sorted; no line breaks."""
        yield msgspec.json.encode(self.header, order="deterministic")
        yield from map(encode_observation, self)

    @classmethod
    def read(cls, lines: Iterable[bytes], name: str) -> "Snapshot":
        """The snapshot in `lines`; `name` stands for the file in errors.

        Raises SnapshotError with file and line: no header, another schema, a broken line.
        """
        numbered = enumerate(lines, start=1)
        _, first = next(numbered, (0, b""))
        snapshot = cls(read_header(first, name))
        snapshot.add(decode_observation(x, f"{name}:{n}") for n, x in numbered if x.strip())
        return snapshot


def read_header(line: bytes, name: str) -> Header:
    """The header on the first line of a stored snapshot; raises SnapshotError."""
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotError(f"{name}:1: found no header of a snapshot: {error}") from error
    if header.schema != SCHEMA:
        raise SnapshotError(f"{name}:1: found schema {header.schema!r}, expected {SCHEMA!r}")
    return header


def _content(observation: AnyObservation | None) -> object:
    match observation:
        case Observed(fact, _):
            return fact
        case Unobserved(kind, subject, reason, detail, _):
            return (kind, subject, reason, detail)
        case None:
            return None
