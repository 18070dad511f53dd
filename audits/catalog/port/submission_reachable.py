"""A submission host is reachable on 465 or 587.

## Rationale
Users whose program finds no submission port fall back to port 25, which many networks block and
which is for mail between servers, or to somebody else's service.

## Remediation
Switch submission on and open the ports: 465 (TLS from the start, preferred) and, while programs
need it, 587 (STARTTLS).

Postfix (`master.cf`):

    submissions inet n - y - - smtpd
      -o smtpd_tls_wrappermode=yes
      -o smtpd_sasl_auth_enable=yes
      -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
    submission inet n - y - - smtpd
      -o smtpd_tls_security_level=encrypt
      -o smtpd_sasl_auth_enable=yes
      -o smtpd_relay_restrictions=permit_sasl_authenticated,reject

Exim:

    daemon_smtp_ports = 25 : 465 : 587
    tls_on_connect_ports = 465

OpenSMTPD:

    listen on egress port 465 smtps pki mx1 auth
    listen on egress port 587 tls-require pki mx1 auth

nftables: `nft add rule inet filter input tcp dport { 465, 587 } accept`.

## Limits
A filtered port may be filtered near this vantage, so it is never held against the host. A port
counts as open where one address of the host has it open.
"""

from audits.evaluate.audit import EachService, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.declared import HostRoles
from audits.facts.dns import HostAddresses
from audits.facts.fact import Observation, Observed, Reason
from audits.facts.tcp import PortState


@audit(
    to=Target.MSA_HOST,
    severity=Severity.MEDIUM,
    references=(Rfc(8314, "3.3"), Rfc(6409, "3.1"), Rfc(5068, "3.1")),
)
def evaluate(
    roles: HostRoles,
    addresses: Observation[HostAddresses],
    each: EachService[Observation[PortState]],
    *,
    require_all: tuple[int, ...] = (),
    require_any: tuple[int, ...] = (465, 587),
) -> Verdict:
    if not roles.addresses and isinstance(addresses, Observed) and not addresses.fact.silent:
        none = cite(addresses.fact, "/addresses")
        return Fail((Violation("the host has no address", (none,)),))
    seen = {port: _Port(port, each, roles) for port in (*require_all, *require_any)}
    shut = [seen[port] for port in require_all if seen[port].shut]
    alternatives = [seen[port] for port in require_any]
    if alternatives and all(port.shut for port in alternatives):
        shut += [port for port in alternatives if port not in shut]
    if shut:
        return Fail(tuple(Violation(port.says, port.evidence) for port in shut))
    needed = [seen[port] for port in require_all if not seen[port].open]
    if alternatives and not any(port.open for port in alternatives):
        needed += alternatives
    for port in needed:
        if port.silent is not None:
            return Undecided(*port.silent, port.evidence)
    cited = tuple(piece for port in seen.values() if port.open for piece in port.evidence)
    return Pass(cited or (cite(roles, "/services"),))


class _Port:
    """One port on all addresses of the host. silent: reason and detail where it is undecided."""

    def __init__(
        self, number: int, each: EachService[Observation[PortState]], roles: HostRoles
    ) -> None:
        services = zip(roles.services, each, strict=True)
        mine = [seen for service, seen in services if service.port == number]
        states = [seen.fact for seen in mine if isinstance(seen, Observed)]
        self.open = any(state.state == "open" for state in states)
        self.silent = None if self.open else _silence(mine)
        self.shut = not self.open and self.silent is None
        self.says = f"port {number} is not among the services that the inventory gives the host"
        if states:
            words = "; ".join(f"{s.state} at {s.dialled}" for s in states)
            self.says = f"port {number} is {words}"
        self.evidence: tuple[Evidence, ...] = tuple(cite(state, "/state") for state in states)
        if not states:
            self.evidence = (cite(roles, "/services"),)


def _silence(seen: list[Observation[PortState]]) -> tuple[Reason, str] | None:
    """The first address that leaves the port's state open."""
    for one in seen:
        if isinstance(one, Observed):
            if one.fact.state == "filtered":
                at = one.fact
                return Reason.FILTERED, f"port {at.subject.port} is filtered ({at.detail})"
        elif not one.reason.nothing_there:
            return one.reason, one.detail
    return None
