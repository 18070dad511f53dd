"""What the collectors of a service share: its ports, its place in the fleet, SMTP commands."""

from audits.facts.declared import DeclaredHost, HostRoles
from audits.facts.dns import HostAddresses
from audits.facts.fact import Observed, Reason, Silence, Unobserved
from audits.facts.smtp import EhloReply
from audits.facts.snapshot import Snapshot
from audits.facts.tcp import PortState
from audits.subject import MailHost, Service

RELAY_PORT = 25
IMPLICIT_TLS_PORT = 465

# Postfix slows down from the tenth refused command of a connection on, other servers hang up.
MAX_REFUSALS = 8

NOT_OURS = Silence(
    Reason.SKIPPED,
    "the host is not in the inventory: only what a sending MTA does is asked of it",
)


def silence_of_address(service: Service, seen: Snapshot) -> Silence:
    """Why a declared service has no address to connect to, from the look-up of its host."""
    looked_up = seen.get(HostAddresses, MailHost(service.host))
    match looked_up:
        case Unobserved(_, _, reason, detail, _):
            return Silence(reason, f"the address of {service.host} is not known: {detail}")
        case Observed(fact, _) if fact.silent:
            first = fact.silent[0]
            words = f"the {first.rdtype} records of {service.host} are not known"
            return Silence(first.silence.reason, f"{words}: {first.silence.detail}")
        case _:
            return Silence(Reason.ABSENT, f"{service.host} has no address")


def silence_of_roles(service: Service) -> Silence:
    """Why nothing is asked of a service whose host has no `HostRoles`."""
    words = f"it is not known what {service.host} is in this fleet"
    return Silence(Reason.NOT_COLLECTED, words)


def known_silence(service: Service, seen: Snapshot) -> Silence | None:
    """Why there is nothing to ask of a service, as far as this run already knows."""
    for kind in (PortState, EhloReply):
        met = seen.get(kind, service)
        if isinstance(met, Unobserved):
            return Silence(met.reason, met.detail)
    port = seen.fact(PortState, service)
    if port is None or port.state == "open":
        return None
    reason = Reason.REFUSED if port.state == "closed" else Reason.FILTERED
    return Silence(reason, f"{port.dialled} is {port.state}: {port.detail}")


def served_domains(roles: HostRoles, declared: DeclaredHost | None) -> tuple[str, ...]:
    """The domains that a host accepts mail for: as declared, and those whose MX names it."""
    own = declared.domains if declared is not None else ()
    return tuple(dict.fromkeys((*own, *roles.mx_of)))


def domain_of(mailbox: str) -> str:
    """The domain of a mailbox, lower case."""
    return mailbox.rpartition("@")[2].lower()


def mail_from(sender: str) -> str:
    """The MAIL command (RFC 5321 section 4.1.1.2); an empty sender is the null reverse-path."""
    return f"MAIL FROM:<{sender}>"


def rcpt_to(recipient: str) -> str:
    """The RCPT command (RFC 5321 section 4.1.1.3)."""
    return f"RCPT TO:<{recipient}>"
