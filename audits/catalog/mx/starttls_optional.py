"""An MX host takes mail without TLS, unless it is declared to demand it.

## Rationale
A server that is referenced by an MX record must not demand TLS: mail of those who can't do it is
lost. Some want it so all the same, and then it should be a decision, not an accident.

## Remediation
Decide, and write it down: `tls_mandatory: true` in the inventory where TLS is demanded, or let the
host take mail without.

Postfix (`main.cf`): `smtpd_tls_security_level = may`, or `encrypt` where TLS is demanded.

Exim (ACL for MAIL, where TLS is demanded):

    deny  !encrypted = *
          message    = 530 Must issue a STARTTLS command first

OpenSMTPD: `listen on egress tls`, or `tls-require`.

## Limits
`expected` says what is wanted of hosts that the inventory is silent about. A refusal that does not
speak of TLS decides nothing.
"""

from typing import Literal

from audits.evaluate.audit import Doc, Rfc, audit
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
from audits.facts.conduct import MailBeforeTls
from audits.facts.declared import DeclaredHost
from audits.facts.fact import Observation, Observed, Reason


@audit(
    to=Target.MX_SERVICE,
    severity=Severity.INFO,
    references=(Rfc(3207, "4"),),
    frameworks=(Doc("BSI TR-03108-P", "STARTTLS"),),
)
def evaluate(
    declared: Observation[DeclaredHost],
    tried: MailBeforeTls,
    *,
    expected: Literal["optional", "mandatory"] = "optional",
) -> Verdict:
    """expected: whether TLS is to be demanded; `tls_mandatory` of a host comes before it."""
    if not isinstance(declared, Observed):
        return NotApplicable("the host is somebody else's")
    mandatory = declared.fact.tls_mandatory or expected == "mandatory"
    reply = tried.reply
    seen = (cite(tried, "/reply"),)
    says = f"MAIL without TLS got {reply.text}"
    if reply.positive:
        if not mandatory:
            return Pass(seen)
        return Fail((Violation(says, seen, expected="530 to MAIL without TLS"),))
    if not reply.wants_tls:
        return Undecided(reply.put_off or Reason.DENIED, says, seen)
    if mandatory:
        return Pass(seen)
    return Fail((Violation(says, seen),))
