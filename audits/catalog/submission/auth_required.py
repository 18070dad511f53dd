"""A submission port takes no mail for other domains from strangers.

## Rationale
A submission service that sends for everybody is an open relay under another port number: found
within hours, and then on the blocklists with all its users.

## Remediation
Let the submission services take mail from users who have logged in, and from nobody else.

Postfix (`master.cf`, for `submissions` and `submission`):

    -o smtpd_sasl_auth_enable=yes
    -o smtpd_relay_restrictions=permit_sasl_authenticated,reject

Exim (in the ACL for RCPT, before anything is accepted):

    deny  condition     = ${if or{{eq{$received_port}{465}}{eq{$received_port}{587}}}}
         !authenticated = *
          message       = 530 Authentication required

OpenSMTPD: `auth` on the `listen` lines, and rules that begin `match auth from any for any`.

## Limits
The probe ends at RCPT: that a mail really would leave is not shown. A greylisting reply decides
nothing. `stage: mail` in a policy asks for the refusal at MAIL already.
"""

from typing import Literal

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.reply import stranger_refused
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.fact import Reason
from audits.facts.smtp import UnauthenticatedMail


@audit(
    to=Target.SUBMISSION_SERVICE,
    severity=Severity.CRITICAL,
    references=(Rfc(6409, "4.3"), Rfc(5068, "3.2"), Rfc(4954, "6")),
    frameworks=(Doc("ISM", "0567"),),
)
def evaluate(tried: UnauthenticatedMail, *, stage: Literal["rcpt", "mail"] = "rcpt") -> Verdict:
    """stage: where the refusal has to come at the latest."""
    mail = (cite(tried, "/mail"),)
    if not tried.mail.positive:
        return stranger_refused(tried, "/mail", "MAIL", tried.mail)
    if stage == "mail":
        return Fail((Violation(f"MAIL without login got {tried.mail.text}", mail),))
    if tried.foreign is None:
        return Undecided(Reason.NOT_COLLECTED, "no foreign recipient was tried", mail)
    if tried.foreign.reply.positive:
        message = f"RCPT of {tried.foreign.recipient} without login got {tried.foreign.reply.text}"
        return Fail((Violation(message, (cite(tried, "/foreign/reply"),)),))
    return stranger_refused(tried, "/foreign/reply", "RCPT", tried.foreign.reply)
