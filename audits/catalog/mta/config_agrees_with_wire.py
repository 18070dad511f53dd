"""What a host is configured to do is what it does on the wire.

## Rationale
Where the two differ, one of them misleads: a change that was never loaded, another program on the
port, a proxy or firewall in between. Whoever reads the configuration believes what does not hold.

## Remediation
Load the configuration: `postfix reload` (a change of `inet_interfaces` needs `postfix stop` and
`postfix start`), `systemctl reload exim4`, `doveadm reload`, `rcctl restart smtpd`. Then look for
what stands between: `ss -Hltnp` names the program that has the port.

## Limits
Compared are STARTTLS, TLS from the start, TLS 1.1 and older, TLS 1.3, AUTH before TLS and relaying,
where both sides are known, and on the host itself which of the ports 25, 465 and 587 are listened
on. On the wire a policy of the library that a program uses, or a crypto policy of the system, may
refuse what the program's own settings allow. Which side is right is not judged here. Files under
review are not compared with a host that does not run them yet.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from audits.evaluate.audit import EachService, Rfc, audit
from audits.evaluate.configured import Asked
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
from audits.facts.fact import Fact, Observation, Observed, Unobserved
from audits.facts.host import ListeningSockets
from audits.facts.mta import ConfiguredListener, MtaListeners, Question, TrustedNetworks
from audits.facts.relay import FormOutcome, RelayProbes
from audits.facts.smtp import AuthInClear, EhloReply
from audits.facts.tls import TlsHandshake
from audits.facts.tls_offer import TlsOffers, Version
from audits.subject import Service

_PORTS = (25, 465, 587)
_WORDS: dict[Question, tuple[str, str]] = {
    Question.STARTTLS: ("offers STARTTLS", "offers no STARTTLS"),
    Question.IMPLICIT_TLS: ("begins with TLS", "begins in clear"),
    Question.OLD_TLS: ("accepts TLS 1.1 or older", "refuses TLS 1.1 and older"),
    Question.TLS_1_3: ("speaks TLS 1.3", "does not speak TLS 1.3"),
    Question.AUTH_IN_CLEAR: ("takes AUTH before TLS", "refuses AUTH before TLS"),
    Question.RELAY: ("relays for strangers", "relays nothing for strangers"),
}
_REFUSED = frozenset({FormOutcome.DENIED, FormOutcome.SYNTAX})


@dataclass(frozen=True)
class _Seen:
    """What the wire says to a question about one service."""

    service: Service
    question: Question
    holds: bool
    evidence: Evidence


@audit(
    to=(Target.MX_HOST, Target.MSA_HOST, Target.OUTBOUND_HOST),
    severity=Severity.LOW,
    references=(Rfc(5321, "7.9"),),
)
def evaluate(
    configured: Observation[MtaListeners],
    sockets: Observation[ListeningSockets],
    ehlos: EachService[Observation[EhloReply]],
    handshakes: EachService[Observation[TlsHandshake]],
    offers: EachService[Observation[TlsOffers]],
    clear: EachService[Observation[AuthInClear]],
    relaying: EachService[Observation[RelayProbes]],
    trusted: Observation[TrustedNetworks],
) -> Verdict:
    if isinstance(configured, Unobserved):
        if configured.reason.nothing_there:
            return NotApplicable(configured.detail)
        return Undecided(configured.reason, configured.detail)
    if configured.provenance.collector != sockets.provenance.collector:
        return NotApplicable("the files are not those of the running host, but under review")
    listeners = configured.fact
    on_the_wire = (ehlos, handshakes, offers, clear, relaying)
    pairs = [
        (asked, seen)
        for each in on_the_wire
        for observed in each
        if isinstance(observed, Observed)
        for seen in _seen(observed.fact)
        if not _is_trusted(observed.fact, trusted)
        for asked in _asked(listeners, seen)
    ]
    violations = [
        _disagreement(asked, seen)
        for asked, seen in pairs
        if asked.ruling.answer == ("no" if seen.holds else "yes")
    ]
    agreed = [
        piece
        for asked, seen in pairs
        if asked.ruling.answer == ("yes" if seen.holds else "no")
        for piece in (asked.evidence[0], seen.evidence)
    ]
    if isinstance(sockets, Observed):
        violations += _of_sockets(listeners, sockets.fact)
        agreed.append(cite(sockets.fact, "/sockets", f"{len(sockets.fact.sockets)} sockets"))
    if violations:
        return Fail(tuple(violations))
    silent = [o for each in on_the_wire for o in each if isinstance(o, Unobserved)]
    for silence in (o for o in silent if not o.reason.nothing_there):
        return Undecided(silence.reason, f"{silence.subject}: {silence.detail}")
    if not agreed:
        return NotApplicable("no question is answered by both the configuration and the wire")
    return Pass(tuple(dict.fromkeys(agreed)))


def _is_trusted(fact: Fact, trusted: Observation[TrustedNetworks]) -> bool:
    """Whether relaying was tried from an address that the host trusts, which is no stranger's."""
    if not isinstance(fact, RelayProbes) or not isinstance(trusted, Observed) or not fact.source:
        return False
    source = ip_address(fact.source)
    return any(source in ip_network(each.prefix) for each in trusted.fact.networks)


def _asked(listeners: MtaListeners, seen: _Seen) -> Iterator[Asked]:
    """The ruling for a service, if one listener alone may be what answers there."""
    meant = [
        (place, listener)
        for place, listener in enumerate(listeners.listeners)
        if _serves(listener, seen.service)
    ]
    if len(meant) != 1:
        return
    ((place, listener),) = meant
    for number, ruling in enumerate(listener.rulings):
        if ruling.question is seen.question and ruling.answer != "undecided":
            about = f"{listener.name} of {listener.mta}"
            yield Asked(listeners, f"/listeners/{place}/rulings/{number}", ruling, about)


def _serves(listener: ConfiguredListener, service: Service) -> bool:
    if listener.loopback or listener.port != service.port:
        return False
    return not listener.addresses or service.address in listener.addresses


def _disagreement(asked: Asked, seen: _Seen) -> Violation:
    yes, no = _WORDS[seen.question]
    configured, met = (no, yes) if seen.holds else (yes, no)
    return Violation(
        f"{asked.about} {configured} by its configuration ({asked.ruling.why}), and "
        f"{seen.service} {met} on the wire",
        (*asked.evidence, seen.evidence),
    )


def _of_sockets(listeners: MtaListeners, sockets: ListeningSockets) -> Iterator[Violation]:
    """Ports that a program should listen on and nothing does, and the other way round."""
    bound = {socket.port for socket in sockets.sockets if not socket.loopback}
    for place, listener in enumerate(listeners.listeners):
        if listener.port in _PORTS and not listener.loopback and listener.port not in bound:
            line = cite(listeners, f"/listeners/{place}/{'line' if listener.line else 'name'}")
            words = f"{listener.name} of {listener.mta} is configured on port {listener.port}"
            none = cite(sockets, "/sockets", f"{len(sockets.sockets)} sockets")
            yield Violation(f"{words}, and nothing listens there", (line, none))
    configured = {listener.port for listener in listeners.listeners if not listener.loopback}
    named: set[int] = set()
    for place, socket in enumerate(sockets.sockets):
        port = socket.port
        if port in _PORTS and not socket.loopback and port not in configured | named:
            named.add(port)
            words = f"something listens on port {port}, and no mail program is configured to"
            yield Violation(words, (cite(sockets, f"/sockets/{place}/port"),))


# --- what the wire says -------------------------------------------------------------------------


def _seen(fact: Fact) -> Iterator[_Seen]:
    match fact:
        case EhloReply():
            yield from _ehlo(fact)
        case TlsHandshake():
            yield from _handshake(fact)
        case TlsOffers():
            yield from _offers(fact)
        case AuthInClear():
            yield from _auth(fact)
        case RelayProbes():
            yield from _relaying(fact)


def _ehlo(ehlo: EhloReply) -> Iterator[_Seen]:
    if ehlo.reply.code != 250 or ehlo.subject.port == 465:
        return
    evidence = cite(ehlo, "/reply")
    offered = ehlo.params("STARTTLS") is not None
    yield _Seen(ehlo.subject, Question.STARTTLS, offered, evidence)
    yield _Seen(ehlo.subject, Question.IMPLICIT_TLS, False, evidence)


def _handshake(handshake: TlsHandshake) -> Iterator[_Seen]:
    if not handshake.completed or handshake.version is None:
        return
    evidence = cite(handshake, "/version")
    is_new = handshake.version == "TLSv1.3"
    yield _Seen(handshake.subject, Question.TLS_1_3, is_new, evidence)
    if handshake.subject.port == 465:
        yield _Seen(handshake.subject, Question.IMPLICIT_TLS, True, evidence)


def _offers(offers: TlsOffers) -> Iterator[_Seen]:
    for place, answer in offers.answers():
        if answer.version.rank <= Version.TLS11.rank:
            evidence = cite(offers, f"/offers/{place}/answer/version", answer.version.words)
            yield _Seen(offers.subject, Question.OLD_TLS, True, evidence)
            return
    refused = offers.refusals(Version.TLS11)
    if refused:
        evidence = cite(offers, f"/offers/{refused[0]}/outcome", "TLS 1.1 refused")
        yield _Seen(offers.subject, Question.OLD_TLS, False, evidence)


def _auth(clear: AuthInClear) -> Iterator[_Seen]:
    """AUTH PLAIN and LOGIN alone are tried, so a refusal of both is no word on other mechanisms."""
    replies = [attempt.reply for attempt in clear.attempts]
    if not replies or any(reply.put_off is not None for reply in replies):
        return
    taken = [place for place, reply in enumerate(replies) if not reply.permanent]
    evidence = cite(clear, f"/attempts/{taken[0] if taken else 0}/reply")
    yield _Seen(clear.subject, Question.AUTH_IN_CLEAR, bool(taken), evidence)


def _relaying(probes: RelayProbes) -> Iterator[_Seen]:
    """Told by plain forms alone: any other may have been taken for a local recipient."""
    if probes.trusted_vantage:
        return
    plain = [place for place, form in enumerate(probes.forms) if form.plain]
    taken = _places(probes, plain, lambda outcome: outcome is FormOutcome.ACCEPTED)
    refused = _places(probes, plain, lambda outcome: outcome in _REFUSED)
    honest = all(control.outcome in _REFUSED for control in probes.controls)
    if taken and honest:
        evidence = cite(probes, f"/forms/{taken[0]}/rcpt")
        yield _Seen(probes.subject, Question.RELAY, True, evidence)
    elif plain and refused == plain:
        evidence = cite(probes, f"/forms/{refused[0]}/outcome")
        yield _Seen(probes.subject, Question.RELAY, False, evidence)


def _places(
    probes: RelayProbes, among: Iterable[int], wanted: Callable[[FormOutcome], bool]
) -> list[int]:
    return [place for place in among if wanted(probes.forms[place].outcome)]
