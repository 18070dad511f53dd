"""The greeting names no version, and VRFY no users, by configuration.

## Rationale
A version in the greeting tells an attacker which holes to try, VRFY which names exist. Neither is
a hole by itself.

## Remediation
Leave the version out of the banner, and VRFY unanswered.

Postfix: `smtpd_banner = $myhostname ESMTP` and `disable_vrfy_command = yes`.
Exim: `smtp_banner = $smtp_active_hostname ESMTP`, and no `acl_smtp_vrfy` that accepts.
"""

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.configured import of_listeners, settle, together
from audits.evaluate.target import Target
from audits.evaluate.verdict import Severity, Verdict
from audits.facts.mta import MtaListeners, Question

_NOTHING = "no listener for mail can be reached from elsewhere"


@audit(
    to=(Target.MX_HOST, Target.MSA_HOST),
    severity=Severity.LOW,
    references=(Rfc(5321, "7.3"), Rfc(5321, "4.3.1")),
)
def evaluate(listeners: MtaListeners) -> Verdict:
    version = of_listeners(listeners, Question.VERSION_SHOWN)
    users = of_listeners(listeners, Question.VRFY)
    return together(
        settle(version, wrong="yes", says="names its version", nothing=_NOTHING),
        settle(users, wrong="yes", says="answers VRFY", nothing=_NOTHING),
    )
