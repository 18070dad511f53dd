"""A submission port takes no mail for the host's own domains from strangers either.

## Rationale
Mail that strangers bring to a submission port reaches the users without what guards port 25: no
SPF, DKIM or DMARC, no filter, no greylisting. It looks like mail from inside.

## Remediation
Refuse whoever has not logged in before asking whom the mail is for.

Postfix (`master.cf`, for `submissions` and `submission`):

    -o smtpd_client_restrictions=permit_sasl_authenticated,reject

Exim (in the ACL for RCPT, before `accept domains = +local_domains`):

    deny  condition     = ${if or{{eq{$received_port}{465}}{eq{$received_port}{587}}}}
         !authenticated = *
          message       = 530 Authentication required

OpenSMTPD: `auth` (not `auth-optional`) on the `listen` lines of 465 and 587.

## Limits
Asked with the role mailbox of one domain that the host serves, up to RCPT.
"""

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.reply import stranger_refused
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Severity,
    Verdict,
    Violation,
    cite,
)
from audits.facts.smtp import UnauthenticatedMail


@audit(
    to=Target.SUBMISSION_SERVICE,
    severity=Severity.HIGH,
    references=(Rfc(5068, "3.1"),),
)
def evaluate(tried: UnauthenticatedMail) -> Verdict:
    if not tried.mail.positive:
        return stranger_refused(tried, "/mail", "MAIL", tried.mail)
    if tried.local is None:
        return NotApplicable("no domain is known that the host takes mail for")
    if tried.local.reply.positive:
        message = f"RCPT of {tried.local.recipient} without login got {tried.local.reply.text}"
        return Fail((Violation(message, (cite(tried, "/local/reply"),)),))
    return stranger_refused(tried, "/local/reply", "RCPT", tried.local.reply)
