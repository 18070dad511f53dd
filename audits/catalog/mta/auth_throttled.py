"""Guessing of passwords is slowed down.

## Rationale
Botnets try lists of passwords against every submission server. Without a limit they have as many
tries as the line carries.

## Remediation
Let every wrong password cost time.

Postfix: `smtpd_client_auth_rate_limit = 10`. Dovecot: leave `auth_failure_delay` at two seconds.
Or a jail such as fail2ban that reads the log.

## Limits
What stands in front of the mail server is not in its files: without a limit of its own the question
stays open.
"""

from audits.evaluate.audit import Doc, audit
from audits.evaluate.configured import of_listeners, of_programs, settle
from audits.evaluate.target import Target
from audits.evaluate.verdict import Severity, Verdict
from audits.facts.mta import MtaListeners, MtaPrograms, Question


@audit(
    to=Target.MSA_HOST,
    severity=Severity.MEDIUM,
    references=(Doc("CIS Controls", "4.10"),),
    frameworks=(Doc("PCI DSS", "8.3.4"),),
)
def evaluate(listeners: MtaListeners, programs: MtaPrograms) -> Verdict:
    asked = (
        *of_listeners(listeners, Question.AUTH_THROTTLED),
        *of_programs(programs, Question.AUTH_THROTTLED),
    )
    return settle(
        asked,
        wrong="no",
        says="lets passwords be guessed without limit",
        nothing="no listener takes logins",
    )
