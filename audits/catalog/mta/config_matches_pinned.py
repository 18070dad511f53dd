"""A running host has the configuration that the repository has of it.

## Rationale
What was changed by hand was reviewed by nobody, and the next deployment takes it away: a hole that
nobody knows of, or a cure that nobody wrote down.

## Remediation
Commit what is right of the difference, and deploy the repository's files over the rest. Name in
`ignore` what is to differ from host to host.

## Limits
Parameters are compared with references put in, and tables that they name are not. The files are
those that `mailproof.yaml` names under `candidate`, as they are checked out.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from audits.evaluate.audit import Doc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
)
from audits.facts.mta import MtaPrograms, Program
from audits.facts.pinned import PinnedPrograms


@audit(
    to=Target.ANY_HOST,
    severity=Severity.MEDIUM,
    references=(Doc("NIST SP 800-128"),),
    frameworks=(
        Doc("ISO/IEC 27002:2022", "8.9"),
        Doc("CIS v8.1", "4.1"),
        Doc("NIST SP 800-53r5", "CM-6"),
    ),
)
def evaluate(
    running: MtaPrograms, pinned: PinnedPrograms, *, ignore: tuple[str, ...] = ()
) -> Verdict:
    pairs = list(_pairs(running, pinned))
    if not pairs:
        return NotApplicable("no program that runs there is one that the repository configures")
    found = [
        violation
        for place, other in pairs
        for violation in _differences(running, place, pinned, other, ignore)
    ]
    if found:
        return Fail(tuple(found))
    return Pass(tuple(cite(running, f"/programs/{place}/mta") for place, _ in pairs))


def _pairs(running: MtaPrograms, pinned: PinnedPrograms) -> Iterator[tuple[int, int]]:
    """The places of programs that are on both sides; instances are told apart by their folder."""
    there = {(each.mta, each.instance): n for n, each in enumerate(pinned.programs)}
    for place, program in enumerate(running.programs):
        other = there.get((program.mta, program.instance))
        if other is not None:
            yield place, other


def _differences(
    running: MtaPrograms, place: int, pinned: PinnedPrograms, other: int, ignore: tuple[str, ...]
) -> Iterator[Violation]:
    """One violation for each parameter, in order of name."""
    here, there = running.programs[place], pinned.programs[other]
    is_set, is_pinned = _values(here), _values(there)
    for name in sorted(is_set.keys() | is_pinned.keys()):
        if any(fnmatchcase(name, pattern) for pattern in ignore):
            continue
        (at, value), (of, wanted) = is_set.get(name, (-1, None)), is_pinned.get(name, (-1, None))
        if value == wanted:
            continue
        evidence: list[Evidence] = []
        if at >= 0:
            evidence.append(cite(running, f"/programs/{place}/parameters/{at}/line"))
        if of >= 0:
            evidence.append(cite(pinned, f"/programs/{other}/parameters/{of}/line"))
        yield Violation(
            f"{here.mta}: {name} is {_shown(value)}, and the repository has it {_shown(wanted)}",
            tuple(evidence),
            expected=f"{name} {_shown(wanted)}",
        )


def _values(program: Program) -> dict[str, tuple[int, str]]:
    """Each parameter's place and value, blanks folded; the last one of a name holds."""
    return {
        parameter.name: (place, " ".join(parameter.effective.split()))
        for place, parameter in enumerate(program.parameters)
    }


def _shown(value: str | None) -> str:
    return "not set" if value is None else repr(value) if value else "empty"
