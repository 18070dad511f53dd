"""What services on the wire say to questions that are asked of configurations, too."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from audits.evaluate.verdict import Evidence, cite
from audits.facts.fact import Fact
from audits.facts.mta import Question
from audits.facts.relay import FormOutcome, RelayProbes
from audits.facts.smtp import AuthInClear, EhloReply
from audits.facts.tls import TlsHandshake
from audits.facts.tls_offer import TlsOffers, Version
from audits.subject import Service

_REFUSED = frozenset({FormOutcome.DENIED, FormOutcome.SYNTAX})


@dataclass(frozen=True)
class WireAnswer:
    """What the wire says to a question about one service."""

    service: Service
    question: Question
    holds: bool
    evidence: Evidence


def wire_answers(fact: Fact) -> Iterator[WireAnswer]:
    """What a fact about a service says to questions that a configuration answers too."""
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


def _ehlo(ehlo: EhloReply) -> Iterator[WireAnswer]:
    if ehlo.reply.code != 250 or ehlo.subject.port == 465:
        return
    evidence = cite(ehlo, "/reply")
    offered = ehlo.params("STARTTLS") is not None
    yield WireAnswer(ehlo.subject, Question.STARTTLS, offered, evidence)
    yield WireAnswer(ehlo.subject, Question.IMPLICIT_TLS, False, evidence)


def _handshake(handshake: TlsHandshake) -> Iterator[WireAnswer]:
    if not handshake.completed or handshake.version is None:
        return
    evidence = cite(handshake, "/version")
    is_new = handshake.version == "TLSv1.3"
    yield WireAnswer(handshake.subject, Question.TLS_1_3, is_new, evidence)
    if handshake.subject.port == 465:
        yield WireAnswer(handshake.subject, Question.IMPLICIT_TLS, True, evidence)


def _offers(offers: TlsOffers) -> Iterator[WireAnswer]:
    for place, answer in offers.answers():
        if answer.version.rank <= Version.TLS11.rank:
            evidence = cite(offers, f"/offers/{place}/answer/version", answer.version.words)
            yield WireAnswer(offers.subject, Question.OLD_TLS, True, evidence)
            return
    refused = offers.refusals(Version.TLS11)
    if refused:
        evidence = cite(offers, f"/offers/{refused[0]}/outcome", "TLS 1.1 refused")
        yield WireAnswer(offers.subject, Question.OLD_TLS, False, evidence)


def _auth(clear: AuthInClear) -> Iterator[WireAnswer]:
    """AUTH PLAIN and LOGIN alone are tried, so a refusal of both is no word on other mechanisms."""
    replies = [attempt.reply for attempt in clear.attempts]
    if not replies or any(reply.put_off is not None for reply in replies):
        return
    taken = [place for place, reply in enumerate(replies) if not reply.permanent]
    evidence = cite(clear, f"/attempts/{taken[0] if taken else 0}/reply")
    yield WireAnswer(clear.subject, Question.AUTH_IN_CLEAR, bool(taken), evidence)


def _relaying(probes: RelayProbes) -> Iterator[WireAnswer]:
    """Told by plain forms alone: any other may have been taken for a local recipient."""
    if probes.trusted_vantage:
        return
    plain = [place for place, form in enumerate(probes.forms) if form.plain]
    taken = _places(probes, plain, lambda outcome: outcome is FormOutcome.ACCEPTED)
    refused = _places(probes, plain, lambda outcome: outcome in _REFUSED)
    honest = all(control.outcome in _REFUSED for control in probes.controls)
    if taken and honest:
        evidence = cite(probes, f"/forms/{taken[0]}/rcpt")
        yield WireAnswer(probes.subject, Question.RELAY, True, evidence)
    elif plain and refused == plain:
        evidence = cite(probes, f"/forms/{refused[0]}/outcome")
        yield WireAnswer(probes.subject, Question.RELAY, False, evidence)


def _places(
    probes: RelayProbes, among: Iterable[int], wanted: Callable[[FormOutcome], bool]
) -> list[int]:
    return [place for place in among if wanted(probes.forms[place].outcome)]
