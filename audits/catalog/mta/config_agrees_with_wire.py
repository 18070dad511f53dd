"""What a host is configured to do is what it does on the wire.

## Rationale
Where the two differ, one of them misleads: a change that was never loaded, another program on the
port, a proxy or firewall in between. Whoever reads the configuration believes what does not hold.

## Remediation
Load the configuration: `postfix reload` (a change of `inet_interfaces` needs `postfix stop` and
`postfix start`), `systemctl reload exim4`, `doveadm reload`, `rcctl restart smtpd`. Whatever renews
a certificate has to do the same, as by `certbot renew --deploy-hook`. Then look for what stands
between: `ss -Hltnp` names the program that has the port.

## Limits
Compared are STARTTLS, TLS from the start, TLS 1.1 and older, TLS 1.3, AUTH before TLS and relaying,
where both sides are known; the certificate that is presented with all those in the files that the
program names, where the user of the audit may read them; and on the host itself which of the ports
25, 465 and 587 are listened on. On the wire a policy of the library that a program uses, or one of
the system for all cryptography, may refuse what the program's own settings allow. Which side is
right is not judged here. Files under review are not compared with a host that does not run them
yet.
"""

from collections.abc import Iterable, Iterator, Sequence
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
from audits.evaluate.wire_answer import WireAnswer, wire_answers
from audits.facts.fact import Fact, Observation, Observed, Unobserved
from audits.facts.host import CertificateFiles, ListeningSockets
from audits.facts.mta import ConfiguredListener, MtaListeners, Question, TrustedNetworks
from audits.facts.relay import RelayProbes
from audits.facts.smtp import AuthInClear, EhloReply
from audits.facts.tls import Certificate, CertificateChain, TlsHandshake
from audits.facts.tls_offer import TlsOffers
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
    chains: EachService[Observation[CertificateChain]],
    certificates: Observation[CertificateFiles],
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
        for seen in wire_answers(observed.fact)
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
    if isinstance(certificates, Observed):
        served = [each.fact for each in chains if isinstance(each, Observed)]
        stale, same = _of_certificates(listeners, served, certificates.fact)
        violations += stale
        agreed += same
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


def _asked(listeners: MtaListeners, seen: WireAnswer) -> Iterator[Asked]:
    """The ruling for a service, if one listener alone may be what answers there."""
    place = _answering(listeners, seen.service)
    if place is None:
        return
    listener = listeners.listeners[place]
    for number, ruling in enumerate(listener.rulings):
        if ruling.question is seen.question and ruling.answer != "undecided":
            about = f"{listener.name} of {listener.mta}"
            yield Asked(listeners, f"/listeners/{place}/rulings/{number}", ruling, about)


def _answering(listeners: MtaListeners, service: Service) -> int | None:
    """The place of the one listener that may be what answers at a service."""
    meant = [n for n, each in enumerate(listeners.listeners) if _serves(each, service)]
    return meant[0] if len(meant) == 1 else None


def _serves(listener: ConfiguredListener, service: Service) -> bool:
    if listener.loopback or listener.port != service.port:
        return False
    return not listener.addresses or service.address in listener.addresses


def _disagreement(asked: Asked, seen: WireAnswer) -> Violation:
    yes, no = _WORDS[seen.question]
    configured, met = (no, yes) if seen.holds else (yes, no)
    return Violation(
        f"{asked.about} {configured} by its configuration ({asked.ruling.why}), and "
        f"{seen.service} {met} on the wire",
        (*asked.evidence, seen.evidence),
    )


def _of_certificates(
    listeners: MtaListeners, chains: Iterable[CertificateChain], files: CertificateFiles
) -> tuple[list[Violation], list[Evidence]]:
    """Certificates that are presented and in no file of the program; and those that are in one."""
    stale: dict[tuple[str, str], list[CertificateChain]] = {}
    same: list[Evidence] = []
    for chain in chains:
        at, leaf = _answering(listeners, chain.subject), chain.leaf
        if at is None or leaf is None:
            continue
        listener = listeners.listeners[at]
        held = files.held(listener.mta, listener.instance)
        fitting = [pointer for pointer, each in held if each.sha256 == leaf.sha256]
        if not files.complete:
            held = tuple((pointer, each) for pointer, each in held if _succeeds(each, leaf))
        if fitting:
            shown = cite(chain, "/certificates/0/sha256")
            same += (shown, cite(files, f"{fitting[0]}/sha256"))
        elif held:
            pointer, _ = max(held, key=lambda each: (not each[1].is_ca, each[1].not_before))
            stale.setdefault((leaf.sha256, pointer), []).append(chain)
    violations = [_never_loaded(each, files, pointer) for (_, pointer), each in stale.items()]
    return violations, same


def _never_loaded(
    chains: Sequence[CertificateChain], files: CertificateFiles, pointer: str
) -> Violation:
    """What several services present, and the certificate of a file that they should."""
    file, held = files.at(pointer)
    served = chains[0].certificates[0]
    others = f" and {len(chains) - 1} more present" if len(chains) > 1 else " presents"
    return Violation(
        f"{chains[0].subject}{others} a certificate that expires on {served.not_after:%Y-%m-%d}, "
        f"and {'a newer' if held.not_before > served.not_before else 'another'} one is in "
        f"{file.path}, which {file.mta} names: it expires on {held.not_after:%Y-%m-%d}",
        (
            *(cite(chain, "/certificates/0/sha256") for chain in chains),
            cite(files, f"{pointer}/not_after"),
        ),
    )


def _succeeds(certificate: Certificate, leaf: Certificate) -> bool:
    """Whether one can only be there to take the place of another, whatever other files hold."""
    is_alike = (certificate.key_type, sorted(certificate.dns_names)) == (
        leaf.key_type,
        sorted(leaf.dns_names),
    )
    return is_alike and certificate.not_before > leaf.not_before


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
