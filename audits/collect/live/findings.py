"""What is expected of a collector for one service, filled in step by step."""

from audits.facts.fact import (
    AnyObservation,
    Fact,
    Observed,
    Provenance,
    Reason,
    Silence,
    Unobserved,
    kind_of,
    subject_type,
)
from audits.subject import Path, Service, Subject


class Findings:
    """The wanted kinds of fact, each with what was seen of it or why it was not.

    The first word about a fact counts. Facts about a path are expected of every one of `paths`.
    """

    def __init__(
        self, wanted: frozenset[type[Fact]], service: Service, paths: tuple[Path, ...] = ()
    ) -> None:
        self.wanted = wanted
        self._service = service
        self._paths = paths
        self._seen: dict[tuple[type[Fact], Subject], Fact | Silence] = {}

    def wants(self, *kinds: type[Fact]) -> bool:
        """Whether anything is still to be noted about any of these kinds."""
        return not self.open.isdisjoint(kinds)

    @property
    def open(self) -> frozenset[type[Fact]]:
        """The wanted kinds that something is still to be noted about."""
        return frozenset(
            kind
            for kind in self.wanted
            if any((kind, subject) not in self._seen for subject in self._subjects(kind))
        )

    def saw(self, fact: Fact) -> None:
        """Notes a fact, if it is wanted."""
        if type(fact) in self.wanted:
            self._seen.setdefault((type(fact), fact.subject), fact)

    def silent(self, silence: Silence, *kinds: type[Fact]) -> None:
        """Notes why these kinds stay unobserved, as far as they are wanted and still open."""
        for kind in self.wanted.intersection(kinds):
            for subject in self._subjects(kind):
                self._seen.setdefault((kind, subject), silence)

    def rest(self, silence: Silence) -> None:
        """Notes why everything that is still open stays unobserved."""
        self.silent(silence, *self.wanted)

    def open_paths(self, kind: type[Fact]) -> list[Path]:
        """The paths that nothing is noted about yet; none where the kind is not wanted."""
        if kind not in self.wanted:
            return []
        return [path for path in self._paths if (kind, path) not in self._seen]

    def observations(self, provenance: Provenance) -> list[AnyObservation]:
        """One observation for every fact that is expected."""
        self.rest(Silence(Reason.INTERNAL, "the collector ended without a word about this"))
        return [
            Unobserved(kind_of(kind), subject, found.reason, found.detail, provenance)
            if isinstance(found, Silence)
            else Observed(found, provenance)
            for (kind, subject), found in self._seen.items()
        ]

    def _subjects(self, kind: type[Fact]) -> tuple[Subject, ...]:
        return self._paths if subject_type(kind) is Path else (self._service,)
