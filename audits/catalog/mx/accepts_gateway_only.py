"""A host behind a filtering gateway takes mail from the gateway only.

## Rationale
A filter helps as long as all mail goes through it. Spammers try the host behind it directly, by
its name or its certificate, and where it answers them nothing is filtered.

## Remediation
Let only the gateway's networks reach port 25, or refuse all others there.

nftables:

    nft add rule inet filter input tcp dport 25 ip saddr != 203.0.113.0/24 drop

Postfix (`main.cf`), with the gateway's networks in the table:

    smtpd_client_restrictions = check_client_access cidr:/etc/postfix/gateway.cidr, reject

Exim (ACL for RCPT): `deny !hosts = 203.0.113.0/24`.
OpenSMTPD: `match from src <gateway> for domain "example.net" action "local"`.

## Limits
Seen from this vantage alone, which has to be outside of the gateway's networks. A filtered port
counts where the same run reached port 25 elsewhere, over the same version of IP.
"""

from ipaddress import ip_address, ip_network

from audits.evaluate.audit import Doc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.conduct import LocalRecipients
from audits.facts.declared import DeclaredHost
from audits.facts.fact import Observation, Observed, Reason
from audits.facts.smtp import Greeting, Reply
from audits.facts.tcp import Egress, PortState


@audit(
    to=Target.MX_SERVICE,
    severity=Severity.HIGH,
    references=(Doc("Guidance of filtering services", "restrict inbound mail to the service"),),
)
def evaluate(
    declared: Observation[DeclaredHost],
    port: Observation[PortState],
    greeting: Observation[Greeting],
    asked: Observation[LocalRecipients],
    egress: Observation[Egress],
) -> Verdict:
    if not isinstance(declared, Observed) or not declared.fact.behind_gateway:
        return NotApplicable("the inventory puts no gateway in front of the host")
    if not isinstance(port, Observed):
        return Undecided(port.reason, port.detail)
    shut = cite(port.fact, "/state")
    if port.fact.state == "closed":
        return Pass((shut,))
    if port.fact.state == "filtered":
        return _filtered(port.fact, egress, shut)
    if isinstance(greeting, Observed) and greeting.fact.reply.permanent:
        turned_away = greeting.fact.reply
        seen = (cite(greeting.fact, "/reply"),)
        return _blocked(turned_away, seen) if turned_away.blocks_client else Pass(seen)
    if not isinstance(asked, Observed):
        return Undecided(asked.reason, asked.detail, (shut,))
    return _answered(declared.fact, asked.fact)


def _filtered(port: PortState, egress: Observation[Egress], shut: Evidence) -> Verdict:
    reached = egress.fact.reached if isinstance(egress, Observed) else ()
    own = port.subject.address
    for place, at in enumerate(reached):
        if (
            isinstance(egress, Observed)
            and at.address != own
            and (":" in at.address) == (":" in own)
        ):
            return Pass((shut, cite(egress.fact, f"/reached/{place}")))
    detail = "port 25 is filtered, and this run reached it nowhere else"
    return Undecided(Reason.EGRESS_BLOCKED, detail, (shut,))


def _answered(declared: DeclaredHost, asked: LocalRecipients) -> Verdict:
    pointer, command, reply = "/mail", "MAIL", asked.mail
    if asked.known is not None:
        pointer, reply = "/known/reply", asked.known.reply
        command = f"RCPT TO:<{asked.known.recipient}>"
    seen = (cite(asked, pointer),)
    inside = [address for address in asked.seen_as if _is_in(address, declared.behind_gateway)]
    if inside:
        detail = f"this vantage is seen as {inside[0]}, which is inside the gateway's networks"
        return Undecided(Reason.NOT_COLLECTED, detail, (cite(asked, "/seen_as"),))
    says = f"{command} got {reply.text}"
    if reply.positive:
        behind = ", ".join(declared.behind_gateway)
        message = f"{says} from outside of {behind}"
        return Fail((Violation(message, seen, expected="a refusal to whoever is not the gateway"),))
    if not reply.permanent:
        return Undecided(reply.put_off or Reason.PROTOCOL, says, seen)
    if reply.blocks_client:
        return _blocked(reply, seen)
    if reply.enhanced == "5.1.1":
        return Undecided(Reason.DENIED, f"{says}, which is about the mailbox", seen)
    return Pass(seen)


def _blocked(reply: Reply, seen: tuple[Evidence, ...]) -> Undecided:
    detail = f"{reply.text}, which is about this vantage and not about the gateway"
    return Undecided(Reason.DENIED, detail, seen)


def _is_in(address: str, networks: tuple[str, ...]) -> bool:
    return any(ip_address(address) in ip_network(network) for network in networks)
