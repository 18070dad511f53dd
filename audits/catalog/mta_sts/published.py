"""A domain that receives mail announces an MTA-STS policy.

## Rationale
STARTTLS alone is no protection from those who can alter the traffic: they take it out of the
server's offer, and the mail goes in clear. MTA-STS tells senders beforehand which MX hosts speak
TLS with a valid certificate.

## Remediation
Publish the policy first, then announce it with a TXT record. A new `id` makes senders fetch it
again:

    _mta-sts   3600  IN  TXT  "v=STSv1; id=20260115T120000"

The policy is a text file at `https://mta-sts.example.net/.well-known/mta-sts.txt`:

    version: STSv1
    mode: testing
    mx: mx1.example.net
    max_age: 604800
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.dns import MtaStsTxt


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.MEDIUM,
    references=(Rfc(8461, "3.1"),),
    frameworks=(
        Doc("ISM", "1589"),
        Doc("BSI TR-03108-P", "MTASTS_SERVER"),
        Doc("PCI DSS 4.0.1", "4.2.1"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(sts: MtaStsTxt) -> Verdict:
    if not sts.records:
        rcode = cite(sts, "/answer/rcode")
        message = f"no TXT record at {sts.answer.name} begins with v=STSv1;"
        return Fail((Violation(message, (rcode,)),))
    return Pass(tuple(cite(sts, f"/records/{i}") for i, _ in enumerate(sts.records)))
