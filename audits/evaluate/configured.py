"""Verdicts on what a configuration says: the rulings of listeners and programs, settled alike."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.fact import Fact, Reason
from audits.facts.mta import Answer, MtaListeners, MtaPrograms, Question, Ruling


@dataclass(frozen=True)
class Asked:
    """A ruling, where it stands in its fact, and what it is about: `submission inet of postfix`."""

    fact: Fact
    pointer: str
    ruling: Ruling
    about: str

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The lines that decide; the reason itself where a built-in value does."""
        lines = range(len(self.ruling.lines))
        decisive = tuple(cite(self.fact, f"{self.pointer}/lines/{place}") for place in lines)
        return decisive or (cite(self.fact, f"{self.pointer}/why"),)


def of_listeners(
    fact: MtaListeners, question: Question, ports: Collection[int] = ()
) -> Iterator[Asked]:
    """What is ruled for the listeners that others can reach; on certain ports if any are named."""
    for place, listener in enumerate(fact.listeners):
        if listener.loopback or (ports and listener.port not in ports):
            continue
        for number, ruling in enumerate(listener.rulings):
            if ruling.question is question:
                about = f"{listener.name} of {listener.mta}"
                yield Asked(fact, f"/listeners/{place}/rulings/{number}", ruling, about)


def of_programs(fact: MtaPrograms, question: Question) -> Iterator[Asked]:
    """What is ruled for each program as a whole."""
    for place, program in enumerate(fact.programs):
        for number, ruling in enumerate(program.rulings):
            if ruling.question is question:
                yield Asked(fact, f"/programs/{place}/rulings/{number}", ruling, program.mta)


def settle(
    asked: Iterable[Asked],
    *,
    wrong: Answer,
    says: str,
    nothing: str,
    severity: Severity | None = None,
) -> Verdict:
    """Fail where any ruling is the wrong one, else undecided where one is open, else pass.

    says: what a wrong one means, after the name of its listener: `relays for strangers`.
    nothing: why the audit does not apply where nothing was asked.
    """
    asked = list(asked)
    if not asked:
        return NotApplicable(nothing)
    bad = violations(asked, wrong=wrong, says=says, severity=severity)
    if bad:
        return Fail(bad)
    for each in asked:
        if each.ruling.answer == "undecided":
            detail = f"{each.about}: {each.ruling.why}"
            return Undecided(Reason.NOT_COLLECTED, detail, each.evidence)
    return Pass(tuple(piece for each in asked for piece in each.evidence))


def violations(
    asked: Iterable[Asked], *, wrong: Answer, says: str, severity: Severity | None = None
) -> tuple[Violation, ...]:
    """A violation for each ruling that is the wrong one."""
    return tuple(
        Violation(
            f"{each.about} {says}: {each.ruling.why}", each.evidence, severity, about=each.about
        )
        for each in asked
        if each.ruling.answer == wrong
    )


def together(*verdicts: Verdict) -> Verdict:
    """One verdict of several: all violations, else the first open one, else all that passed."""
    failed = [violation for v in verdicts if isinstance(v, Fail) for violation in v.violations]
    if failed:
        return Fail(tuple(failed))
    for verdict in verdicts:
        if isinstance(verdict, Undecided):
            return verdict
    passed = [piece for v in verdicts if isinstance(v, Pass) for piece in v.evidence]
    return Pass(tuple(passed)) if passed else verdicts[0]
