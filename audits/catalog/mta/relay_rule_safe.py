"""No listener is configured to relay for strangers.

## Rationale
One wrong line makes a host send spam for everybody who finds it, and its addresses end on block
lists within hours. A second rule may hide the mistake from a probe until somebody changes that one.

## Remediation
Let a rule that refuses mail to domains of others come before every rule that lets through.

Postfix (`main.cf`, and each `-o` of `master.cf`):

    smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated,
      reject_unauth_destination

Exim (`acl_smtp_rcpt`): accept `hosts = +relay_from_hosts` and `authenticated = *`, and of all
others only `domains = +local_domains : +relay_to_domains`.
OpenSMTPD: `match auth from any for any action "outbound"`, never without `auth`.

## Limits
A table that was not supplied, a policy service or a milter can let mail through too: where one
comes before the refusal, the question stays open.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.configured import of_listeners, settle
from audits.evaluate.target import Target
from audits.evaluate.verdict import Severity, Verdict
from audits.facts.mta import MtaListeners, Question


@audit(
    to=(Target.MX_HOST, Target.MSA_HOST, Target.OUTBOUND_HOST),
    severity=Severity.CRITICAL,
    references=(Rfc(5068, "3.2"),),
    frameworks=(Doc("ISM", "0567"), Doc("RHEL STIG", "V-257951")),
)
def evaluate(listeners: MtaListeners) -> Verdict:
    return settle(
        of_listeners(listeners, Question.RELAY),
        wrong="yes",
        says="relays for strangers",
        nothing="no listener can be reached from elsewhere",
    )
