"""A wrong password is refused.

## Rationale
A user base that is not reached, or a test setting that was left in place, can let everybody in: an
open relay that looks as if it were closed.

## Remediation
Find what answers for the user base, and make it refuse what it does not know.

Dovecot: no `passdb` with `driver = static` and `nopassword`; `allow_nets` never in place of a
password. Exim: `server_condition` compares with the stored password and never is just `true`.

## Limits
Only where the inventory declares a `login` that works. A random password is tried once in a run for
an account, at one service of one host, so that no account is locked.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Undecided, Verdict, Violation, cite
from audits.facts.fact import Reason
from audits.facts.login import RefusedLogins


@audit(
    to=Target.SUBMISSION_SERVICE,
    severity=Severity.CRITICAL,
    references=(Rfc(4954, "6"), Doc("CWE", "287")),
)
def evaluate(tried: RefusedLogins) -> Verdict:
    exchanges = [("known", f"as {tried.username}", tried.known)]
    if tried.unknown is not None:
        exchanges.append(("unknown", "as a user who does not exist", tried.unknown))
    violations = []
    for key, who, exchange in exchanges:
        seen = (cite(tried, f"/{key}/reply"),)
        said = f"a login {who} with a random password got {exchange.reply.text}"
        if exchange.accepted:
            violations.append(Violation(said, seen))
        elif not exchange.reply.permanent:
            return Undecided(exchange.reply.put_off or Reason.PROTOCOL, said, seen)
        elif exchange.reply.code != 535:
            violations.append(Violation(said, seen, Severity.LOW, "535 (RFC 4954 section 6)"))
    if violations:
        return Fail(tuple(violations))
    return Pass(tuple(cite(tried, f"/{key}/reply") for key, _, _ in exchanges))
