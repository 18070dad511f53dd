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
That a login succeeds is not tried.
"""

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.smtp import EhloInTls


@audit(
    to=Target.SUBMISSION_SERVICE,
    severity=Severity.MEDIUM,
    references=(Rfc(6409, "4.3"), Rfc(5068, "3.2")),
)
def evaluate(ehlo: EhloInTls) -> Verdict:
    for place, keyword in enumerate(ehlo.keywords):
        if keyword.name == "AUTH" and keyword.params:
            offer = " ".join(("AUTH", *keyword.params))
            return Pass((cite(ehlo, f"/keywords/{place}", offer),))
    return Fail((Violation("inside TLS EHLO lists no AUTH mechanism", (cite(ehlo, "/reply"),)),))
