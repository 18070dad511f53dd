"""Every parameter does something.

## Rationale
A misspelt parameter is no error to most mail programs: they ignore it, and the default rules that
its author meant to change.

## Remediation
Correct the name, or take the line out. A parameter that is set twice is in force where it stands
last; leave the one that is meant.
"""

from audits.evaluate.audit import Doc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
)
from audits.facts.mta import MtaPrograms


@audit(
    to=(Target.MX_HOST, Target.MSA_HOST, Target.OUTBOUND_HOST),
    severity=Severity.MEDIUM,
    references=(Doc("postconf(5)"), Doc("doveconf(1)")),
)
def evaluate(programs: MtaPrograms) -> Verdict:
    if not programs.programs:
        return NotApplicable("no mail program of the host is known")
    wrong = []
    for place, program in enumerate(programs.programs):
        for number, problem in enumerate(program.problems):
            if problem.fatal or problem.kind not in ("unknown", "ignored"):
                continue
            evidence = cite(programs, f"/programs/{place}/problems/{number}", problem.message)
            milder = Severity.LOW if problem.kind == "ignored" else None
            message = f"{program.mta}: {problem.message}"
            wrong.append(Violation(message, (evidence,), milder, problem.expected, about=message))
    if wrong:
        return Fail(tuple(wrong))
    return Pass(
        tuple(cite(programs, f"/programs/{n}/instance") for n in range(len(programs.programs)))
    )
