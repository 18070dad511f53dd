"""A host without a part in mail takes mail from itself alone.

## Rationale
Many machines run a mail server only to send their own reports. One that others can reach is a relay
that nobody looks after.

## Remediation
Let the host take mail from itself alone.

Postfix: `inet_interfaces = loopback-only`; where others must reach it,
`smtpd_client_restrictions = permit_mynetworks, reject`.
Exim (Debian): `dc_local_interfaces='127.0.0.1 ; ::1'`. OpenSMTPD: `listen on localhost`.
"""

from audits.evaluate.audit import Doc, audit
from audits.evaluate.configured import of_listeners, settle
from audits.evaluate.target import Target
from audits.evaluate.verdict import NotApplicable, Pass, Severity, Verdict, cite
from audits.facts.declared import HostRoles
from audits.facts.mta import MtaListeners, Question
from audits.subject import Role


@audit(
    to=Target.ANY_HOST,
    severity=Severity.MEDIUM,
    references=(Doc("RHEL STIG", "V-257951"), Doc("CIS Linux", "2.1.21")),
)
def evaluate(roles: HostRoles, listeners: MtaListeners) -> Verdict:
    if {Role.MX, Role.MSA} & set(roles.roles):
        return NotApplicable("the host takes mail from others, as its roles say")
    if all(listener.loopback for listener in listeners.listeners):
        return Pass((cite(listeners, "/listeners", "no listener that others can reach"),))
    return settle(
        of_listeners(listeners, Question.ONLY_TRUSTED_CLIENTS),
        wrong="no",
        says="can be reached by all",
        nothing="no listener for mail can be reached from elsewhere",
    )
