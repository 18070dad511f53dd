"""TLS 1.2 and 1.3 are configured, and nothing older.

## Rationale
TLS 1.0 and 1.1 are deprecated. The defaults of many mail programs still allow them, and what a
distribution sets for OpenSSL as a whole does not bind programs that set their own level. TLS 1.3
is what protection from tomorrow's computers stands on; switching it off is a milder fault.

## Remediation
Turn off whatever is older than TLS 1.2.

Postfix, both lists, since 587 and 465 go by the second one:

    smtpd_tls_protocols = >=TLSv1.2
    smtpd_tls_mandatory_protocols = >=TLSv1.2

Exim with GnuTLS: `tls_require_ciphers = NORMAL:-VERS-TLS1.0:-VERS-TLS1.1`; with OpenSSL:
`openssl_options = +no_sslv2 +no_sslv3 +no_tlsv1 +no_tlsv1_1`. Dovecot: `ssl_min_protocol =
TLSv1.2`.

## Limits
What the files allow, not what the wire shows: a library may have lost a version altogether.
`tls-version-current` asks the service itself.
"""

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.configured import of_listeners, settle, together
from audits.evaluate.target import Target
from audits.evaluate.verdict import Severity, Verdict
from audits.facts.mta import MtaListeners, Question


@audit(
    to=(Target.MX_HOST, Target.MSA_HOST),
    severity=Severity.MEDIUM,
    references=(Rfc(8996), Rfc(8997), Rfc(9325, "3.1.1")),
)
def evaluate(listeners: MtaListeners) -> Verdict:
    nothing = "no listener has TLS"
    old = of_listeners(listeners, Question.OLD_TLS)
    newest = of_listeners(listeners, Question.TLS_1_3)
    return together(
        settle(old, wrong="yes", says="allows TLS 1.1 or older", nothing=nothing),
        settle(
            newest,
            wrong="no",
            says="does without TLS 1.3",
            nothing=nothing,
            severity=Severity.LOW,
        ),
    )
