"""A null MX stands alone, and its domain sends no mail.

## Rationale
`0 .` says that the domain accepts no mail. Beside another MX, senders disagree on which to believe.
A domain that sends mail can't be answered then, and receivers may refuse its mail for that.

## Remediation
Delete the null MX, or delete every other MX. Where the domain sends mail, delete the null MX and
publish an MX host that takes its bounces.
"""

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, NotApplicable, Pass, Severity, Verdict, Violation, cite
from audits.facts.declared import DeclaredDomain
from audits.facts.dns import MxSet


@audit(to=Target.DOMAIN, severity=Severity.HIGH, references=(Rfc(7505, "3"),))
def evaluate(mx: MxSet, declared: DeclaredDomain, *, allow_sender: bool = False) -> Verdict:
    nulls = [i for i, record in enumerate(mx.records) if record.exchange == "."]
    if not nulls:
        return NotApplicable("the domain publishes no null MX")
    null = cite(mx, f"/records/{nulls[0]}/exchange")
    if len(mx.records) > 1:
        return Fail((Violation(f"null MX beside {len(mx.records) - 1} other MX", (null,)),))
    if declared.receives:
        return Fail((Violation("null MX on a domain that is to receive mail", (null,)),))
    if declared.sends and not allow_sender:
        sends = cite(declared, "/sends")
        return Fail((Violation("null MX on a domain that sends mail", (null, sends)),))
    return Pass((null,))
