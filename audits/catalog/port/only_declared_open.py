"""A host answers on the ports that the inventory declares, and on no other port of mail.

## Rationale
Filters, milters and delivery agents trust whoever reaches their port: mail that is handed to 10025
has passed the filter, as far as the server knows. A forgotten port is also a forgotten patch.

## Remediation
Let what is for the host itself listen on loopback, close what nobody uses, and declare the rest.

Postfix (`master.cf`): `127.0.0.1:10025 inet n - n - - smtpd`.
amavis: `$inet_socket_bind = '127.0.0.1';`. OpenDKIM: `Socket inet:8891@127.0.0.1`.
SpamAssassin: `spamd --listen=127.0.0.1`.
nftables: `nft add rule inet filter input tcp dport { 24, 783, 8891, 10024, 10025 } drop`.

In the inventory, SMTP goes under `services`; IMAP, POP and Sieve belong to the role `mailstore`;
`allowed` takes any other port.

## Limits
Looked at are the ports in `ports` alone, from this vantage: what a firewall hides from it may be
open to others. Addresses whose services are dialled elsewhere (`connect`) are left out.
"""

from audits.evaluate.audit import Doc, EachAddress, EachService, audit
from audits.evaluate.ports import OpenPort, open_ports, out_of_sight, surveyed
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, NotApplicable, Pass, Severity, Verdict, Violation
from audits.facts.declared import HostRoles
from audits.facts.fact import Observation
from audits.facts.tcp import SURVEYED, Egress, PortState, PortSurvey
from audits.subject import Role

_MAILSTORE = frozenset({24, 110, 143, 993, 995, 4190})
# `port-closed-on-non-mail-host` is about these where a host has nothing to do with mail.
_SMTP = frozenset({25, 465, 587})


@audit(
    to=Target.ANY_HOST,
    severity=Severity.MEDIUM,
    references=(Doc("PCI DSS 4.0.1"), Doc("CIS v8.1"), Doc("ISO/IEC 27002:2022")),
)
def evaluate(
    roles: HostRoles,
    surveys: EachAddress[Observation[PortSurvey]],
    services: EachService[Observation[PortState]],
    egress: Observation[Egress],
    *,
    ports: tuple[int, ...] = SURVEYED,
    allowed: tuple[int, ...] = (),
) -> Verdict:
    """ports: those that count, of the default at most. allowed: may be open on any host."""
    fine = {service.port for service in roles.services} | set(allowed)
    fine |= _MAILSTORE if Role.MAILSTORE in roles.roles else set()
    fine |= _SMTP if roles.roles == (Role.NONE,) else set()
    found = [each for each in open_ports(surveys) if each.port in ports and each.port not in fine]
    if found:
        return Fail(tuple(map(_violation, found)))
    undecided = out_of_sight(roles, surveys, services, egress)
    if undecided is not None:
        return undecided
    looked_at = surveyed(surveys)
    if not looked_at:
        return NotApplicable("the services of the host are dialled elsewhere than at its addresses")
    return Pass(looked_at)


def _violation(found: OpenPort) -> Violation:
    message = f"port {found.port} is open ({found.dialled}), and not declared"
    return Violation(message, (found.evidence,))
