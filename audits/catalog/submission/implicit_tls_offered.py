"""A submission host offers port 465, with TLS from the first octet.

## Rationale
On 587 somebody on the path can take the word STARTTLS away, and a program that does not insist goes
on in clear. On 465 there is nothing to take away.

## Remediation
Add the service and tell users of it; keep 587 while programs need it. Where the port speaks in
clear, it lacks the one setting that makes it begin with TLS.

Postfix (`master.cf`):

    submissions inet n - y - - smtpd
      -o smtpd_tls_wrappermode=yes
      -o smtpd_sasl_auth_enable=yes
      -o smtpd_relay_restrictions=permit_sasl_authenticated,reject

Exim:

    daemon_smtp_ports = 25 : 465 : 587
    tls_on_connect_ports = 465

Dovecot (submission): `inet_listener submissions { port = 465; ssl = yes }` in
`service submission-login`.
OpenSMTPD: `listen on egress port 465 smtps pki mx1 auth`.

## Limits
One address of the host that offers it is enough. A filtered port may be filtered near this vantage,
so it is never held against the host.
"""

from audits.evaluate.audit import EachService, Rfc, audit
from audits.evaluate.target import SUBMISSIONS, Target
from audits.evaluate.verdict import (
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.declared import HostRoles
from audits.facts.fact import Observation, Observed, Reason
from audits.facts.tcp import PortState
from audits.facts.tls import TlsHandshake


@audit(
    to=Target.MSA_HOST,
    severity=Severity.MEDIUM,
    references=(Rfc(8314, "3.3"), Rfc(8314, "7.3")),
)
def evaluate(
    roles: HostRoles,
    ports: EachService[Observation[PortState]],
    handshakes: EachService[Observation[TlsHandshake]],
) -> Verdict:
    verdicts = [
        _at(port, handshake)
        for service, port, handshake in zip(roles.services, ports, handshakes, strict=True)
        if service.port == SUBMISSIONS
    ]
    if not verdicts:
        message = "port 465 is not among the services that the inventory gives the host"
        return Fail((Violation(message, (cite(roles, "/services"),)),))
    for wanted in (Pass, Undecided):
        for verdict in verdicts:
            if isinstance(verdict, wanted):
                return verdict
    failures = (verdict for verdict in verdicts if isinstance(verdict, Fail))
    violations = tuple(v for failure in failures for v in failure.violations)
    if violations:
        return Fail(violations)
    message = "the host has no address at which port 465 could be open"
    return Fail((Violation(message, (cite(roles, "/addresses"),)),))


def _at(
    port: Observation[PortState], handshake: Observation[TlsHandshake]
) -> Pass | Fail | Undecided | None:
    """What one address says; None where there is no address."""
    if not isinstance(port, Observed):
        return None if port.reason.nothing_there else Undecided(port.reason, port.detail)
    state = port.fact
    seen = (cite(state, "/state"),)
    if state.state == "closed":
        return Fail((Violation(f"port 465 is closed at {state.dialled} ({state.detail})", seen),))
    if state.state == "filtered":
        return Undecided(Reason.FILTERED, f"port 465 is filtered ({state.detail})", seen)
    if not isinstance(handshake, Observed):
        return Undecided(handshake.reason, handshake.detail, seen)
    if handshake.fact.completed:
        return Pass((*seen, cite(handshake.fact, "/version")))
    error = handshake.fact.error or "without a reason"
    plain = error.removeprefix("not TLS: ")
    if plain != error:
        message = f"port 465 speaks in clear where TLS is expected: {plain}"
    else:
        message = f"port 465 does not speak TLS at once: {error}"
    return Fail((Violation(message, (cite(handshake.fact, "/error"),)),))
