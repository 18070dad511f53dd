"""A mail service offers REQUIRETLS inside TLS.

## Rationale
A sender marks a message that may travel by verified TLS only, and it comes back where that can't be
done. This holds as far as every server on the way offers it.

## Remediation
Switch it on where the server has it, on hosts that verify the next server's certificate too.

Postfix 3.11 and later (`main.cf`): `requiretls_enable = yes`. Exim and OpenSMTPD have none yet;
leave this audit out of the policy for them.
"""

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.smtp import EhloInTls


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.INFO,
    references=(Rfc(8689, "2"),),
)
def evaluate(ehlo: EhloInTls) -> Verdict:
    for place, keyword in enumerate(ehlo.keywords):
        if keyword.name == "REQUIRETLS":
            return Pass((cite(ehlo, f"/keywords/{place}/name"),))
    message = "EHLO inside TLS does not list REQUIRETLS"
    return Fail((Violation(message, (cite(ehlo, "/reply"),)),))
