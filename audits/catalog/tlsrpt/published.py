"""A domain that receives mail asks for reports on TLS.

## Rationale
Senders notice first that a certificate has expired, that STARTTLS is gone or that the MTA-STS
policy no longer fits, and they tell only a domain that asks for it. Without reports mail stays away
in silence.

## Remediation
Publish where senders may report to, and read what comes in:

    _smtp._tls   3600  IN  TXT  "v=TLSRPTv1; rua=mailto:tls-reports@example.net"
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.dns import TlsRptTxt


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.LOW,
    references=(Rfc(8460, "3"), Doc("ISM")),
    frameworks=(Doc("BSI TR-03108-P", "G-01"), Doc("ISO/IEC 27002:2022", "5.14")),
)
def evaluate(tlsrpt: TlsRptTxt) -> Verdict:
    if not tlsrpt.records:
        rcode = cite(tlsrpt, "/answer/rcode")
        message = f"no TXT record at {tlsrpt.answer.name} begins with v=TLSRPTv1;"
        return Fail((Violation(message, (rcode,)),))
    return Pass(tuple(cite(tlsrpt, f"/records/{i}") for i, _ in enumerate(tlsrpt.records)))
