"""A submission port that begins in clear offers STARTTLS and goes through with it.

## Rationale
Without STARTTLS on 587, users send their password and their mail in clear, or can't log in at all.

## Remediation
Require TLS on the port, or close it in favour of 465.

Postfix (`master.cf`):

    submission inet n - y - - smtpd
      -o smtpd_tls_security_level=encrypt

Exim: `tls_advertise_hosts = *` with `tls_certificate` and `tls_privatekey`.
Dovecot (submission): `ssl = required`.
OpenSMTPD: `listen on egress port 587 tls-require pki mx1 auth`.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.reply import starttls_works
from audits.evaluate.target import Target
from audits.evaluate.verdict import Severity, Verdict
from audits.facts.smtp import EhloReply, StartTls


@audit(
    to=Target.STARTTLS_SUBMISSION_SERVICE,
    severity=Severity.CRITICAL,
    references=(Rfc(8314, "4"),),
    frameworks=(
        Doc("BSI TR-03108-P", "E-12"),
        Doc("PCI DSS 4.0.1", "4.2.1"),
        Doc("ISM", "0571"),
    ),
)
def evaluate(ehlo: EhloReply, starttls: StartTls) -> Verdict:
    return starttls_works(ehlo, starttls)
