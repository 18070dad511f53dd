"""No ciphers without real protection are configured.

## Rationale
Export, NULL and anonymous suites and OpenSSL's security level 0 let anybody on the way read or
change what was meant to be protected.

## Remediation
Leave `smtpd_tls_ciphers` and `smtpd_tls_mandatory_ciphers` of Postfix at `medium` or `high`, and
`tls_medium_cipherlist` and `tls_high_cipherlist` at what they come with.
"""

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.configured import of_listeners, settle
from audits.evaluate.target import Target
from audits.evaluate.verdict import Severity, Verdict
from audits.facts.mta import MtaListeners, Question


@audit(
    to=(Target.MX_HOST, Target.MSA_HOST),
    severity=Severity.HIGH,
    references=(Rfc(9325, "4.1"),),
)
def evaluate(listeners: MtaListeners) -> Verdict:
    return settle(
        of_listeners(listeners, Question.WEAK_CIPHERS),
        wrong="yes",
        says="accepts ciphers without real protection",
        nothing="no listener has TLS",
    )
