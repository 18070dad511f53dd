"""The configuration would start.

## Rationale
A value of the wrong type or a missing rule does not show when files are saved. The daemon dies at
the next reload, or answers every client with 421, and mail stays away.

## Remediation
Put in place what the finding expects, and let the program check its files before a reload:
`postfix check`, `exim -bV -C FILE`, `doveconf -n -c FILE`, `smtpd -n -f FILE`.

A comment after a value is part of the value in Postfix: `smtpd_tls_security_level = may # mx` is no
level at all.
"""

from audits.evaluate.audit import Doc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, NotApplicable, Pass, Severity, Verdict, Violation, cite
from audits.facts.mta import MtaPrograms


@audit(
    to=(Target.MX_HOST, Target.MSA_HOST, Target.OUTBOUND_HOST),
    severity=Severity.HIGH,
    references=(Doc("postconf(5)"), Doc("doveconf(1)"), Doc("smtpd.conf(5)")),
)
def evaluate(programs: MtaPrograms) -> Verdict:
    if not programs.programs:
        return NotApplicable("no mail program of the host is known")
    wrong = []
    sound = []
    for place, program in enumerate(programs.programs):
        fatal = [n for n, problem in enumerate(program.problems) if problem.fatal]
        for number in fatal:
            problem = program.problems[number]
            evidence = cite(programs, f"/programs/{place}/problems/{number}", problem.message)
            message = f"{program.mta}: {problem.message}"
            wrong.append(Violation(message, (evidence,), None, problem.expected, about=message))
        if not fatal:
            sound.append(cite(programs, f"/programs/{place}/instance"))
    return Fail(tuple(wrong)) if wrong else Pass(tuple(sound))
