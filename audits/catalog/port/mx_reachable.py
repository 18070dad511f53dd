"""Port 25 of an MX host is open and greets.

## Rationale
Mail to a host that can't be reached waits at its senders and comes back to them after days. One
address that does not answer costs every sender a timeout before it tries the next.

## Remediation
Start the mail server, let it listen on the address that DNS gives, and open the way to it.

Postfix (`main.cf`, `master.cf`):

    inet_interfaces = all
    inet_protocols = all

    smtp inet n - y - - smtpd

Exim: `local_interfaces = <; 0.0.0.0 ; ::0` (in Debian `dc_local_interfaces=''`).
nftables: `nft add rule inet filter input tcp dport 25 accept`.
Ask the provider whether it filters port 25. If the address is no longer in use, take it out of the
A and AAAA records of the MX host.

## Limits
Seen from this vantage alone. Many access networks block port 25 to everybody, so a filtered port
counts against the host only where the same run reached port 25 at another address, and one of
IPv6 only where that was over IPv6 too. A host that the inventory places behind a gateway may be
shut to all others, which `mx-accepts-gateway-only` looks at.
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
from audits.facts.declared import DeclaredHost
from audits.facts.fact import Observation, Observed, Reason
from audits.facts.smtp import Greeting
from audits.facts.tcp import Egress, PortState


@audit(
    to=Target.MX_SERVICE,
    severity=Severity.HIGH,
    references=(Rfc(5321, "4.5.4.2"),),
    frameworks=(Doc("Internet.nl", "mail test"),),
)
def evaluate(
    port: PortState,
    greeting: Observation[Greeting],
    egress: Observation[Egress],
    declared: Observation[DeclaredHost],
) -> Verdict:
    behind = declared.fact.behind_gateway if isinstance(declared, Observed) else ()
    if behind and port.state != "open":
        return NotApplicable(f"only {', '.join(behind)} is to reach the host")
    if port.state == "closed":
        return Fail((Violation(_says(port), (cite(port, "/state"),)),))
    if port.state == "filtered":
        return _filtered(port, egress)
    if isinstance(greeting, Observed):
        return Pass((cite(port, "/state"), cite(greeting.fact, "/reply")))
    detail = f"port 25 is open, but no greeting was seen: {greeting.detail}"
    return Undecided(greeting.reason, detail, (cite(port, "/state"),))


def _filtered(port: PortState, egress: Observation[Egress]) -> Verdict:
    reached = egress.fact.reached if isinstance(egress, Observed) else ()
    own = port.subject.address
    elsewhere = [
        place
        for place, at in enumerate(reached)
        if at.address != own and (":" in at.address) == (":" in own)
    ]
    if isinstance(egress, Observed) and elsewhere:
        place = elsewhere[0]
        message = f"{_says(port)}, while {reached[place]} answered this vantage"
        evidence = (cite(port, "/state"), cite(egress.fact, f"/reached/{place}"))
        return Fail((Violation(message, evidence),))
    family = "IPv6" if ":" in own else "IPv4"
    detail = f"{_says(port)}, and this run reached port 25 nowhere else over {family}"
    return Undecided(Reason.EGRESS_BLOCKED, detail, (cite(port, "/state"),))


def _says(port: PortState) -> str:
    because = f" ({port.detail})" if port.detail else ""
    return f"port 25 is {port.state}{because}"
