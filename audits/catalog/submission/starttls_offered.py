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
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.fact import Reason
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
    if not starttls.offered:
        listed = (cite(starttls, "/offered"), cite(ehlo, "/reply"))
        return Fail((Violation("EHLO does not list STARTTLS", listed),))
    if starttls.reply is None:
        detail = "STARTTLS is offered, but was not tried"
        return Undecided(Reason.NOT_COLLECTED, detail, (cite(starttls, "/offered"),))
    seen = (cite(starttls, "/reply"),)
    if starttls.reply.code == 220:
        return Pass(seen)
    put_off = starttls.reply.put_off
    if put_off is not None:
        return Undecided(put_off, f"STARTTLS got {starttls.reply.text}", seen)
    return Fail((Violation(f"STARTTLS is offered, then refused: {starttls.reply.text}", seen),))
