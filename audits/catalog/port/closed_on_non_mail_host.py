"""A host that has nothing to do with mail answers on no port for SMTP.

## Rationale
Most systems come with a mail server for messages of their own. One that listens to the network is
run by nobody, and found by whoever looks for a relay.

## Remediation
Let it listen on loopback only.

Postfix (`main.cf`): `inet_interfaces = loopback-only`.
Exim: `local_interfaces = 127.0.0.1 ; ::1` (in Debian `dc_local_interfaces`).
OpenSMTPD: `listen on lo0`.

If the host does serve mail, give it its roles in the inventory.

## Limits
Seen from this vantage: a firewall may hide the port from it alone.
"""

from audits.evaluate.audit import Doc, EachAddress, EachService, audit
from audits.evaluate.ports import open_ports, out_of_sight, surveyed
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
)
from audits.facts.declared import HostRoles
from audits.facts.fact import Observation
from audits.facts.tcp import Egress, PortState, PortSurvey
from audits.subject import Role

_SMTP = frozenset({25, 465, 587})


@audit(
    to=Target.ANY_HOST,
    severity=Severity.MEDIUM,
    references=(Doc("CIS Linux benchmarks", "mail transfer agent is local-only"),),
)
def evaluate(
    roles: HostRoles,
    surveys: EachAddress[Observation[PortSurvey]],
    services: EachService[Observation[PortState]],
    egress: Observation[Egress],
) -> Verdict:
    if roles.roles != (Role.NONE,):
        return NotApplicable("the host has a role in mail")
    found = [each for each in open_ports(surveys, services) if each.port in _SMTP]
    if found:
        return Fail(
            tuple(
                Violation(f"port {each.port} is open ({each.dialled})", (each.evidence,))
                for each in found
            )
        )
    undecided = out_of_sight(roles, surveys, services, egress)
    if undecided is not None:
        return undecided
    looked_at = surveyed(surveys)
    if not looked_at:
        return NotApplicable("the services of the host are dialled elsewhere than at its addresses")
    return Pass(looked_at)
