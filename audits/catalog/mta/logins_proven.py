"""A login succeeds with the right password only, by configuration.

## Rationale
An authenticator that says yes to everything, or ANONYMOUS left on, makes an open relay that looks
like a closed one: it asks for a password, and takes any.

## Remediation
Let no login succeed without its own password.

Postfix: `smtpd_sasl_security_options = noanonymous`.
Exim: let `server_condition` look the password up, such as with `${if crypteq{...}}` or Dovecot's
socket; never `server_condition = true`.
Dovecot: no `passdb { driver = static }` with `nopassword=y`.
"""

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.configured import of_listeners, of_programs, settle
from audits.evaluate.target import Target
from audits.evaluate.verdict import Severity, Verdict
from audits.facts.mta import MtaListeners, MtaPrograms, Question


@audit(
    to=(Target.MX_HOST, Target.MSA_HOST),
    severity=Severity.CRITICAL,
    references=(Rfc(5068, "3.2"), Rfc(4954, "4")),
)
def evaluate(listeners: MtaListeners, programs: MtaPrograms) -> Verdict:
    asked = (
        *of_listeners(listeners, Question.AUTH_PROVES_NOTHING),
        *of_programs(programs, Question.AUTH_PROVES_NOTHING),
    )
    return settle(
        asked,
        wrong="yes",
        says="lets in without a right password",
        nothing="no listener takes logins",
    )
