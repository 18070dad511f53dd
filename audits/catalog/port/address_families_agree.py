"""A host behaves over IPv6 as it does over IPv4.

## Rationale
Firewall rules, access lists and trusted networks are written for IPv4 and forgotten for IPv6. Then
mail is lost over one of them, or a relay is open that nobody tests.

## Remediation
Give both families the same listeners and the same rules.

Postfix (`main.cf`): `inet_protocols = all`, and IPv6 networks in `mynetworks` as `[2001:db8::]/48`.
Exim: `local_interfaces = <; 0.0.0.0 ; ::0`, and IPv6 networks in `relay_from_hosts`.
OpenSMTPD: `listen on egress` takes both.
nftables: one table of family `inet` instead of `ip` and `ip6`.

## Limits
Compared are whether the port is open, STARTTLS, AUTH in clear and inside TLS, and what attempts at
relaying came to. A port 25 that is filtered over one family counts where the same run reached port
25 elsewhere over it, another port where it reached anything over it: else it may be filtered near
this vantage, and is unknown, as is relaying where an attempt was put off.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeGuard

from audits.evaluate.audit import Doc, EachService, audit
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
from audits.facts.declared import HostRoles
from audits.facts.fact import Observation, Observed, Reason, Unobserved
from audits.facts.relay import FormOutcome, RelayProbes
from audits.facts.smtp import EhloInTls, EhloReply
from audits.facts.tcp import Egress, PortState

_RELAY_PORT = 25
_UNANSWERED = frozenset({FormOutcome.DEFERRED, FormOutcome.NOT_TESTED})


class _Trait(NamedTuple):
    """One thing that is compared. value: as it is shown."""

    port: int
    what: str
    value: str
    over: str
    evidence: Evidence


@audit(
    to=(Target.MX_HOST, Target.MSA_HOST),
    severity=Severity.MEDIUM,
    references=(Doc("Internet.nl", "mail test"), Doc("ISM", "0570")),
    frameworks=(Doc("ISM", "0570"),),
)
def evaluate(
    roles: HostRoles,
    ports: EachService[Observation[PortState]],
    clear: EachService[Observation[EhloReply]],
    in_tls: EachService[Observation[EhloInTls]],
    relaying: EachService[Observation[RelayProbes]],
    egress: Observation[Egress],
) -> Verdict:
    families = {_family(service.address) for service in roles.services if service.address}
    if len(families) < 2:
        return NotApplicable("the host has addresses of one family only")
    groups = list(zip(ports, clear, in_tls, relaying, strict=True))
    near_by = [port.fact for port in ports if _may_be_near_by(port, ports, egress)]
    traits = [
        trait
        for group in groups
        for trait in _traits(*group)
        if not any(trait.evidence.subject == port.subject for port in near_by)
    ]
    violations = list(_differences(traits))
    if violations:
        return Fail(tuple(violations))
    for port in near_by:
        detail = f"{port.subject} is filtered, and nothing shows that this vantage gets out there"
        return Undecided(Reason.EGRESS_BLOCKED, detail, (cite(port, "/state"),))
    for group in groups:
        for seen in group:
            if isinstance(seen, Unobserved) and not seen.reason.nothing_there:
                return Undecided(seen.reason, f"{seen.subject}: {seen.detail}")
    for probes in relaying:
        if isinstance(probes, Observed) and _is_open(probes.fact):
            words = f"{probes.fact.subject}: not every attempt at relaying was answered"
            return Undecided(Reason.DEFERRED, words, (cite(probes.fact, "/forms"),))
    return Pass(tuple(trait.evidence for trait in traits))


def _may_be_near_by(
    port: Observation[PortState],
    ports: EachService[Observation[PortState]],
    egress: Observation[Egress],
) -> TypeGuard[Observed[PortState]]:
    """A filter on this side explains what was seen as well as one at the host does."""
    if not isinstance(port, Observed) or port.fact.state != "filtered":
        return False
    own = port.fact.subject
    answered = [*egress.fact.reached] if isinstance(egress, Observed) else []
    if own.port != _RELAY_PORT:
        seen = (each.fact for each in ports if isinstance(each, Observed))
        answered += [fact.subject for fact in seen if fact.state != "filtered"]
        return all(_family(at.address) != _family(own.address) for at in answered)
    return all(
        _family(at.address) != _family(own.address) or at.address == own.address for at in answered
    )


def _is_open(probes: RelayProbes) -> bool:
    """Nothing was accepted, and some of it was not answered, or not about relaying."""
    if any(form.outcome is FormOutcome.ACCEPTED for form in probes.forms):
        return False
    return any(form.outcome in _UNANSWERED or form.beside_relaying for form in probes.forms)


def _family(address: str) -> str:
    return "IPv6" if ":" in address else "IPv4"


def _traits(
    port: Observation[PortState],
    clear: Observation[EhloReply],
    in_tls: Observation[EhloInTls],
    relaying: Observation[RelayProbes],
) -> Iterator[_Trait]:
    """What is known of one service."""
    if not isinstance(port, Observed):
        return
    number, over = port.fact.subject.port, _family(port.fact.subject.address)
    yield _Trait(number, "the port", f"is {port.fact.state}", over, cite(port.fact, "/state"))
    if isinstance(clear, Observed) and clear.fact.reply.code == 250:
        reply = cite(clear.fact, "/reply")
        starttls = clear.fact.params("STARTTLS") is not None
        yield _Trait(
            number, "STARTTLS", "is offered" if starttls else "is not offered", over, reply
        )
        yield _Trait(number, "AUTH before TLS", _offer(clear.fact), over, reply)
    if isinstance(in_tls, Observed) and in_tls.fact.reply.code == 250:
        reply = cite(in_tls.fact, "/reply")
        yield _Trait(number, "AUTH inside TLS", _offer(in_tls.fact), over, reply)
    silent = isinstance(relaying, Observed) and _is_open(relaying.fact)
    if isinstance(relaying, Observed) and not relaying.fact.trusted_vantage and not silent:
        taken = [f.name for f in relaying.fact.forms if f.outcome is FormOutcome.ACCEPTED]
        value = f"takes {', '.join(taken)}" if taken else "takes no form"
        yield _Trait(number, "relaying", value, over, cite(relaying.fact, "/forms"))


def _offer(ehlo: EhloReply | EhloInTls) -> str:
    mechanisms = ehlo.params("AUTH")
    return "is not offered" if mechanisms is None else f"offers {' '.join(sorted(mechanisms))}"


def _differences(traits: Sequence[_Trait]) -> Iterator[Violation]:
    """What no address of one family has in common with any of the other."""
    for port, what in dict.fromkeys((trait.port, trait.what) for trait in traits):
        mine = [trait for trait in traits if (trait.port, trait.what) == (port, what)]
        over4 = {trait.value: trait for trait in mine if trait.over == "IPv4"}
        over6 = {trait.value: trait for trait in mine if trait.over == "IPv6"}
        if not over4 or not over6 or over4.keys() == over6.keys():
            continue
        said4, said6 = " or ".join(sorted(over4)), " or ".join(sorted(over6))
        seen = tuple(trait.evidence for trait in (*over4.values(), *over6.values()))
        yield Violation(f"{port}: {what} {said4} over IPv4, {said6} over IPv6", seen)
