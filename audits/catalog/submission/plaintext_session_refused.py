"""A submission port takes no mail before TLS.

## Rationale
Where MAIL is taken in clear, a program that never asks for TLS keeps working, and nobody notices
that all its mail can be read on the way.

## Remediation
Require TLS before anything else.

Postfix (`master.cf`):

    submission inet n - y - - smtpd
      -o smtpd_tls_security_level=encrypt

Exim (in the ACL for MAIL):

    deny  condition = ${if eq{$received_port}{587}}
         !encrypted = *
          message   = 530 Must issue a STARTTLS command first

Dovecot (submission): `ssl = required`.
OpenSMTPD: `listen on egress port 587 tls-require pki mx1 auth`.

## Limits
A 5yz to MAIL counts whatever its words, unless they are about the sender's address.
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
from audits.facts.smtp import MailInClear


@audit(
    to=Target.STARTTLS_SUBMISSION_SERVICE,
    severity=Severity.HIGH,
    references=(Rfc(3207, "4"), Rfc(8314, "4.1")),
    frameworks=(Doc("PCI DSS 4.0.1", "4.2.1"),),
)
def evaluate(tried: MailInClear) -> Verdict:
    seen = (cite(tried, "/reply"),)
    if tried.reply.positive:
        return Fail((Violation(f"MAIL before TLS got {tried.reply.text}", seen),))
    if tried.reply.permanent and tried.reply.denies_strangers:
        return Pass(seen)
    detail = f"MAIL before TLS got {tried.reply.text}"
    return Undecided(tried.reply.put_off or Reason.DENIED, detail, seen)
