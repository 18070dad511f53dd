"""CAA records say which authorities may issue certificates for a mail host.

## Rationale
Without CAA any of some hundred authorities may issue a certificate for the host, to whoever tricks
one of them. Senders under MTA-STS and mail programs believe each.

## Remediation
Publish CAA at the domain, or above; it holds for all names below that have none of their own:

    example.net.   3600  IN  CAA  0 issue "letsencrypt.org"
    example.net.   3600  IN  CAA  0 issuewild ";"
    example.net.   3600  IN  CAA  0 iodef "mailto:security@example.net"

`;` lets nobody issue. The name of your CA for CAA is in its certification practice statement.

## Limits
`also` names properties that should stand beside `issue`, such as `issuemail` (S/MIME) and
`issuevmc` (mark certificates); what lacks of them is for information only. The name `mta-sts.` of a
domain is the subject of `mta-sts-caa-published`.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.caa import CaaSet
from audits.parse.caa import faults


@audit(
    to=Target.ANY_HOST,
    severity=Severity.LOW,
    references=(Rfc(8659, "3"), Rfc(8659, "4.2"), Rfc(9495)),
    frameworks=(Doc("Internet.nl", "caa"),),
)
def evaluate(caa: CaaSet, *, also: tuple[str, ...] = ()) -> Verdict:
    """also: property tags that are wanted beside `issue`."""
    if not caa.records:
        asked = caa.answers[-1].name
        message = f"no CAA record at {caa.subject} or above it, up to {asked}"
        return Fail((Violation(message, (cite(caa, "/answers/0/rcode"),)),))
    everything = tuple(cite(caa, f"/records/{i}/value") for i, _ in enumerate(caa.records))
    violations = []
    for fault in faults(caa.records, caa.answers[-1].name, also):
        one = fault.place is not None
        seen = (cite(caa, f"/records/{fault.place}/malformed"),) if one else everything
        milder = Severity.INFO if fault.wanted else None
        violations.append(Violation(fault.message, seen, milder))
    return Fail(tuple(violations)) if violations else Pass(everything)
