"""No login is offered before TLS.

## Rationale
Where EHLO lists AUTH in clear, mail programs use it, and the password is read on the way. A program
that would insist on TLS is the exception.

## Remediation
Offer AUTH inside TLS only.

Postfix (`main.cf`):

    smtpd_tls_auth_only = yes

Exim:

    auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}

Dovecot (submission): `auth_allow_cleartext = no` (before 2.4: `disable_plaintext_auth = yes`).
OpenSMTPD: `auth` together with `smtps` or `tls-require` on every `listen` line.

## Limits
Only what EHLO lists counts here: `submission-auth-refused-in-clear` tries whether AUTH works all
the same.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import SUBMISSIONS, Target
from audits.evaluate.verdict import Fail, NotApplicable, Pass, Severity, Verdict, Violation, cite
from audits.facts.smtp import EhloReply


@audit(
    to=(Target.SUBMISSION_SERVICE, Target.MX_SERVICE),
    severity=Severity.CRITICAL,
    references=(Rfc(4954, "4"), Rfc(8314, "4"), Rfc(8314, "4.1")),
    frameworks=(Doc("PCI DSS 4.0.1", "4.2.1"), Doc("ISM", "0571")),
)
def evaluate(ehlo: EhloReply, *, clear_ok: tuple[str, ...] = ()) -> Verdict:
    """clear_ok: mechanisms that may be offered in clear since they show no password."""
    if ehlo.subject.port == SUBMISSIONS:
        return NotApplicable("465 is TLS from the start: nothing is said in clear")
    allowed = {mechanism.upper() for mechanism in clear_ok}
    violations = []
    for place, keyword in enumerate(ehlo.keywords):
        wrong = [name for name in keyword.params if name.upper() not in allowed]
        if keyword.name == "AUTH" and wrong:
            offer = cite(ehlo, f"/keywords/{place}", " ".join(("AUTH", *keyword.params)))
            message = f"before TLS EHLO lists AUTH {' '.join(wrong)}"
            violations.append(Violation(message, (offer,)))
    return Fail(tuple(violations)) if violations else Pass((cite(ehlo, "/reply"),))
