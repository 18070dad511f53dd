"""The declared account can log in.

## Rationale
A service may offer AUTH and refuse everybody: the user base is not reached, a mechanism is offered
that the stored passwords do not serve, a socket has the wrong owner. Users notice before anybody
else. Where SCRAM is used, the server has to prove in turn that it knows the password: one that
can't is perhaps not the server.

## Remediation
Look into the server's log at the time of the run, then put the way from AUTH to the user base
right, or the password that the inventory refers to.

Postfix with Dovecot: `smtpd_sasl_path` names a socket that Postfix may use.
Postfix with Cyrus SASL: `mech_list` names only mechanisms that the way of keeping passwords serves.

## Limits
Only where the inventory declares a `login` for the host, and only inside TLS with a certificate
that is trusted and fits its name, or a key that the inventory pins. Tried once at a service, with
the mechanism that shows the server least; nobody tries again where the password was refused twice.
"""

from audits.evaluate.audit import Rfc, audit
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
from audits.facts.login import AccountLogin


@audit(
    to=Target.SUBMISSION_SERVICE,
    severity=Severity.HIGH,
    references=(Rfc(4954, "4"), Rfc(5802), Rfc(7677, "4")),
)
def evaluate(login: AccountLogin, *, min_iterations: int = 4096) -> Verdict:
    """min_iterations: of SCRAM; with fewer, what a server keeps gives passwords away."""
    exchange = login.exchange
    seen = cite(login, "/exchange/reply")
    said = f"AUTH {exchange.mechanism} as {login.username} got {exchange.reply.text}"
    if login.server == "false":
        message = (
            f"with {exchange.mechanism} the server did not know the password that it asked for"
        )
        return Fail((Violation(message, (cite(login, "/server"),)),))
    if not exchange.accepted:
        if exchange.reply.permanent:
            return Fail((Violation(said, (seen,)),))
        return Undecided(exchange.reply.put_off or Reason.PROTOCOL, said, (seen,))
    if login.server == "unproved":
        message = f"{exchange.mechanism} ended without a proof of the server"
        return Fail((Violation(message, (cite(login, "/server"),)),))
    if login.iterations is not None and login.iterations < min_iterations:
        message = f"{exchange.mechanism} is done with {login.iterations} iterations"
        few = cite(login, "/iterations")
        expected = f"at least {min_iterations}"
        return Fail((Violation(message, (few,), Severity.LOW, expected),))
    return Pass((seen, cite(login, "/exchange/mechanism")))
