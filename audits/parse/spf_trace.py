"""The trace of an SPF evaluation while it grows; what comes out is bounded in size."""

from dataclasses import dataclass, field

from msgspec import Struct

from audits.facts.dns import SpfTerm
from audits.facts.fact import Silence
from audits.facts.spf import SpfQuery, SpfStep

_MAX_VALUES = 4
_MAX_VALUE = 300
# Terms that ask nothing of the DNS; a run of them that do not match is one step.
_PLAIN = ("ip4", "ip6")


class Question(Struct, frozen=True):
    """What an evaluation asks next. rdtype: TXT, A, AAAA, MX or PTR."""

    name: str
    rdtype: str


class Records(Struct, frozen=True):
    """The answer, aliases followed.

    rcode: NOERROR or NXDOMAIN. values: texts with their strings joined, addresses, or the names of
    MX hosts by preference and of PTR records.
    """

    rcode: str
    values: tuple[str, ...]


Answer = Records | Silence


@dataclass
class OpenStep:
    """A step that is under way. run: the step whose run of plain terms it continues, if any."""

    path: tuple[str, ...]
    domain: str
    term: SpfTerm | None
    target: str = ""
    more: int = 0
    queries: list[SpfQuery] = field(default_factory=list)
    lookups: int = 0
    voids: int = 0
    result: str = ""
    run: "OpenStep | None" = None


class Trace:
    """Steps in order, and what has been counted (RFC 7208 section 4.6.4)."""

    def __init__(self) -> None:
        self.lookups = 0
        self.voids = 0
        self._steps: list[OpenStep] = []

    def begin(self, path: tuple[str, ...], domain: str, term: SpfTerm | None = None) -> OpenStep:
        """A new step; one that continues a run of plain terms that did not match joins it."""
        last = self._steps[-1] if self._steps else None
        if last is not None and _continues(last, path, domain, term):
            last.more += 1
            return OpenStep(path, domain, term, run=last)
        step = OpenStep(path, domain, term, lookups=self.lookups, voids=self.voids)
        self._steps.append(step)
        return step

    def matched(self, step: OpenStep) -> None:
        """A step that turned out to match stands for itself."""
        if step.run is not None:
            step.run.more -= 1
            step.lookups, step.voids = self.lookups, self.voids
            self._steps.append(step)
        step.result = "match"

    def count(self, step: OpenStep) -> None:
        """The step's term is one that causes look-ups."""
        self.lookups += 1
        step.lookups = self.lookups

    def note(self, step: OpenStep, asked: Question, answer: Answer, *, may_be_void: bool) -> None:
        """A question of that step, and its answer."""
        if isinstance(answer, Silence):
            query = SpfQuery(asked.name, asked.rdtype, answer.reason, (), 0, False)
        else:
            void = may_be_void and not answer.values
            self.voids += void
            shown = tuple(value[:_MAX_VALUE] for value in answer.values[:_MAX_VALUES])
            query = SpfQuery(
                asked.name, asked.rdtype, answer.rcode, shown, len(answer.values), void
            )
        step.queries.append(query)
        step.voids = self.voids

    def steps(self, unfinished: str) -> tuple[SpfStep, ...]:
        """All steps; those that were under way at the end get `unfinished` as their result."""
        return tuple(
            SpfStep(
                path=tuple(each[:_MAX_VALUE] for each in step.path),
                domain=step.domain,
                term=step.term.text[:_MAX_VALUE] if step.term else "",
                more=step.more,
                target=step.target,
                queries=tuple(step.queries),
                lookups=step.lookups,
                voids=step.voids,
                result=step.result or unfinished,
            )
            for step in self._steps
        )


def _continues(last: OpenStep, path: tuple[str, ...], domain: str, term: SpfTerm | None) -> bool:
    return (
        term is not None
        and last.term is not None
        and term.name == last.term.name
        and term.name in _PLAIN
        and last.result == "no match"
        and (last.path, last.domain) == (path, domain)
    )
