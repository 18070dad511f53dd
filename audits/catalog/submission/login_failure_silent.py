"""A refused login does not tell which part of it was wrong.

## Rationale
A server that refuses an unknown user in other words than a wrong password tells everybody which
mailboxes exist: a list for spam, and for guessing passwords where it is worth while.

## Remediation
Refuse both in the same words, such as `535 5.7.8 Authentication credentials invalid`.

Exim: no `server_set_id` or message of your own in an authenticator that names the user as unknown.
Dovecot does so by itself, and so does Postfix with Cyrus SASL; a policy server in front may not.

## Limits
Only where the inventory declares a `login` that works. Two logins with a random password are
compared in code, enhanced status code, number of challenges and words, the user name and whatever
holds a digit left out; the time that the server took is not.
"""

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
from audits.facts.fact import Reason
from audits.facts.login import RefusedLogins


@audit(
    to=Target.SUBMISSION_SERVICE,
    severity=Severity.MEDIUM,
    references=(Rfc(4954, "6"), Doc("CWE", "204")),
)
def evaluate(tried: RefusedLogins) -> Verdict:
    known = cite(tried, "/known/reply")
    if tried.known.accepted:
        return NotApplicable("a random password was taken for the right one")
    if tried.unknown is None:
        silence = tried.silence
        reason = silence.reason if silence is not None else Reason.NOT_COLLECTED
        detail = silence.detail if silence is not None else "no second login was tried"
        return Undecided(reason, detail, (known,))
    both = (known, cite(tried, "/unknown/reply"))
    for exchange in (tried.known, tried.unknown):
        if exchange.reply.transient:
            reason = exchange.reply.put_off or Reason.DEFERRED
            return Undecided(reason, f"a login got {exchange.reply.text}", both)
    if tried.alike:
        return Pass(both)
    message = (
        f"a wrong password got {tried.known.told}, a user who does not exist got "
        f"{tried.unknown.told}"
    )
    return Fail((Violation(message, both),))
