"""CAA records say which authorities may issue for the host of the MTA-STS policy.

## Rationale
Who gets a certificate for `mta-sts.` of a domain, and its name server or route for an hour, serves
senders a policy of his own. Senders believe any public authority that CAA does not rule out.

## Remediation
Publish CAA at the domain, or at the policy's host where another CA issues for it:

    example.net.           3600  IN  CAA  0 issue "letsencrypt.org"
    mta-sts.example.net.   3600  IN  CAA  0 issue "ca.of-the-web-host.example"

Where `mta-sts.` is an alias of somebody else's host, the CAA records at the alias' target count.

## Limits
Which CA has issued the certificate that is served there is not compared. Mail hosts are the subject
of `caa-published`.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.caa import PolicyHostCaa
from audits.parse.caa import faults


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.LOW,
    references=(Rfc(8659, "3"), Rfc(8659, "4.2")),
    frameworks=(Doc("Internet.nl", "caa"),),
)
def evaluate(caa: PolicyHostCaa) -> Verdict:
    if not caa.records:
        asked = caa.answers[-1].name
        message = f"no CAA record at mta-sts.{caa.subject} or above it, up to {asked}"
        return Fail((Violation(message, (cite(caa, "/answers/0/rcode"),)),))
    everything = tuple(cite(caa, f"/records/{i}/value") for i, _ in enumerate(caa.records))
    violations = []
    for fault in faults(caa.records, caa.answers[-1].name):
        one = fault.place is not None
        seen = (cite(caa, f"/records/{fault.place}/malformed"),) if one else everything
        violations.append(Violation(fault.message, seen))
    return Fail(tuple(violations)) if violations else Pass(everything)
