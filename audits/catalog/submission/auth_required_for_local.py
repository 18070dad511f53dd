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
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.fact import Reason
from audits.facts.smtp import Reply, UnauthenticatedMail


@audit(
    to=Target.SUBMISSION_SERVICE,
    severity=Severity.HIGH,
    references=(Rfc(5068, "3.1"),),
)
def evaluate(tried: UnauthenticatedMail) -> Verdict:
    if not tried.mail.positive:
        return _refusal("MAIL", tried.mail, tried, "/mail")
    if tried.local is None:
        return NotApplicable("no domain is known that the host takes mail for")
    if tried.local.reply.positive:
        message = f"RCPT of {tried.local.recipient} without login got {tried.local.reply.text}"
        return Fail((Violation(message, (cite(tried, "/local/reply"),)),))
    return _refusal("RCPT", tried.local.reply, tried, "/local/reply")


def _refusal(command: str, reply: Reply, tried: UnauthenticatedMail, pointer: str) -> Verdict:
    seen = (cite(tried, pointer),)
    if reply.denies_strangers:
        return Pass(seen)
    detail = f"{command} got {reply.text}, which says nothing about a login"
    return Undecided(reply.put_off or Reason.DENIED, detail, seen)
