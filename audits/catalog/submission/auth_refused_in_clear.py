"""AUTH before TLS is refused, offered or not.

## Rationale
Some services only hide AUTH from EHLO and still take it. A program that is set to log in without
TLS, or an attacker in the middle who puts the line in, then gets the password out in clear.

## Remediation
Let the service refuse AUTH until TLS is on, with `538` or `530`.

Postfix (`main.cf`):

    smtpd_tls_auth_only = yes

Exim: `server_advertise_condition = ${if def:tls_in_cipher}` in every authenticator; what is not
advertised is refused.
Dovecot (submission): `auth_allow_cleartext = no` (before 2.4: `disable_plaintext_auth = yes`).
OpenSMTPD: `tls-require` or `smtps` on every `listen` line with `auth`.

## Limits
AUTH PLAIN and AUTH LOGIN are tried without a name or password, and taken back with `*` where the
service goes on.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.fact import Reason
from audits.facts.smtp import AuthInClear


@audit(
    to=(Target.SUBMISSION_SERVICE, Target.MX_SERVICE),
    severity=Severity.CRITICAL,
    references=(Rfc(4954, "4"), Rfc(4954, "6"), Rfc(8314, "4.1")),
    frameworks=(Doc("PCI DSS 4.0.1", "4.2.1"), Doc("ISM", "0571")),
)
def evaluate(clear: AuthInClear) -> Verdict:
    seen = [cite(clear, f"/attempts/{i}/reply") for i, _ in enumerate(clear.attempts)]
    violations = []
    open_question = None
    for attempt, evidence in zip(clear.attempts, seen, strict=True):
        said = f"AUTH {attempt.mechanism} in clear got {attempt.reply.text}"
        put_off = attempt.reply.put_off
        if put_off is not None:
            open_question = open_question or Undecided(put_off, said, (evidence,))
        elif not attempt.reply.permanent:
            violations.append(Violation(said, (evidence,)))
    if violations:
        return Fail(tuple(violations))
    if open_question is not None:
        return open_question
    if not seen:
        cited = (cite(clear, "/attempts"),)
        return Undecided(Reason.NOT_COLLECTED, "no AUTH was tried in clear", cited)
    return Pass(tuple(seen))
