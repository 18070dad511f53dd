"""Mail leaves inside TLS where the receiver offers it.

## Rationale
A sender that never tries STARTTLS sends everything in clear, to receivers that would have had TLS.

## Remediation
Use TLS wherever the receiver offers it.

Postfix: `smtp_tls_security_level = may`, or `dane` with a validating resolver.
Exim: no `hosts_avoid_tls = *` at the smtp transport.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.configured import of_programs, settle
from audits.evaluate.target import Target
from audits.evaluate.verdict import Severity, Verdict
from audits.facts.mta import MtaPrograms, Question


@audit(
    to=Target.OUTBOUND_HOST,
    severity=Severity.HIGH,
    references=(Rfc(3207, "4"), Rfc(7435, "3")),
    frameworks=(Doc("ISM", "0572"), Doc("GDPR", "Art. 32(1)(a)")),
)
def evaluate(programs: MtaPrograms) -> Verdict:
    return settle(
        of_programs(programs, Question.OUTBOUND_TLS),
        wrong="no",
        says="sends in clear",
        nothing="no program of the host sends mail to others",
    )
