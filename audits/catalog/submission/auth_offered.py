"""A submission port offers a login inside TLS.

## Rationale
A submission service without AUTH is of no use to a user, or it trusts whoever comes from the right
address, and anything that gets into that network sends mail in its name.

## Remediation
Connect the service with the user base and offer AUTH.

Postfix with Dovecot (`main.cf`, and `-o smtpd_sasl_auth_enable=yes` in `master.cf`):

    smtpd_sasl_type = dovecot
    smtpd_sasl_path = private/auth

Exim: an authenticator with `driver = dovecot`, and `auth_advertise_hosts = *`.
OpenSMTPD: `auth <users>` on the `listen` line.

## Limits
That a login succeeds is tried only where the inventory declares one: `submission-login-works`.
"""

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.target import SUBMISSIONS, Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.fact import Observation, Observed
from audits.facts.smtp import EhloInTls, EhloReply


@audit(
    to=Target.SUBMISSION_SERVICE,
    severity=Severity.MEDIUM,
    references=(Rfc(6409, "4.3"), Rfc(5068, "3.2")),
)
def evaluate(ehlo: EhloInTls, clear: Observation[EhloReply]) -> Verdict:
    for place, keyword in enumerate(ehlo.keywords):
        if keyword.name == "AUTH" and keyword.params:
            offer = " ".join(("AUTH", *keyword.params))
            return Pass((cite(ehlo, f"/keywords/{place}", offer),))
    message, seen = "inside TLS EHLO lists no AUTH mechanism", [cite(ehlo, "/reply")]
    if isinstance(clear, Observed):
        before = clear.fact.params("AUTH") if ehlo.subject.port != SUBMISSIONS else None
        if before:
            message += f", while in clear it lists {' '.join(before)}"
            seen.append(cite(clear.fact, "/reply"))
    return Fail((Violation(message, tuple(seen)),))
