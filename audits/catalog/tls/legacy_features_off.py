"""Compression, endless or insecure renegotiation, truncated HMAC and early data are off.

## Rationale
Compression gives secrets away by their length (CRIME). Without RFC 5746 an attacker can put words
of his own before a client's. A client that may renegotiate at will makes the server work: one
connection is enough to keep it busy. A truncated HMAC is easier to forge. Early data of TLS 1.3
(0-RTT) can be replayed by whoever recorded it: mail would be sent twice.

## Remediation
No TLS library of today has any of them on by default: bring it up to date.

Postfix (`main.cf`): `tls_ssl_options = NO_COMPRESSION, NO_RENEGOTIATION`. OpenSSL
before 3.0 lets clients renegotiate unless told not to.
Exim with OpenSSL: `openssl_options = +no_compression +no_renegotiation`.

MTAs have no switch for early data: where it is offered, something in front of them ends TLS.
HAProxy: take `allow-0rtt` off the `bind` line. nginx: `ssl_early_data off`.

## Limits
Whether early data may be sent is what the session tickets say that come with a usual handshake, up
to the reply to EHLO. Nothing is sent early.

How often a client may renegotiate in TLS 1.2 is tried in one connection, up to the first refusal
and never more than `max_reneg` + 1 times. A service that is as it should be leaves one over for it.
Where faults or a second key took all that a run has for a service, the result is unknown: `--deep`
has one more.
"""

from collections.abc import Iterator

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.offer import hellos, undecided
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.fact import Observation, Observed, Reason
from audits.facts.tls import SessionTickets
from audits.facts.tls_offer import (
    RENEGOTIATION_INFO,
    TRUNCATED_HMAC,
    Renegotiations,
    ServerAnswer,
    TlsAsk,
    TlsOffers,
    TlsQuestions,
    Version,
)
from audits.parse.tls_names import SUITES_BEFORE_13


def _questions(*, max_reneg: int) -> TlsQuestions:
    return TlsQuestions.same(TlsAsk(features=True, renegotiations=max_reneg + 1))


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.MEDIUM,
    references=(Rfc(5746), Rfc(9325, "3.3"), Rfc(9325, "3.5")),
    frameworks=(
        Doc("NCSC-NL TLS guidelines 2025-05", "3.4.1"),
        Doc("NCSC-NL TLS guidelines 2025-05", "3.4.2"),
        Doc("BSI TR-03108-P", "03108-E-04-T"),
        Doc("PCI DSS 4.0.1", "4.2.1"),
    ),
    asks=_questions,
)
def evaluate(
    offers: TlsOffers,
    renegotiations: Observation[Renegotiations],
    tickets: Observation[SessionTickets],
    *,
    max_reneg: int = 10,
) -> Verdict:
    """max_reneg: how often a client may renegotiate in one connection."""
    parts = (
        _before_13(offers),
        _renegotiation(renegotiations, max_reneg),
        _early_data(tickets),
    )
    violations = [v for part in parts if isinstance(part, Fail) for v in part.violations]
    if violations:
        return Fail(tuple(violations))
    for part in parts:
        if isinstance(part, Undecided):
            return part
    return Pass(tuple(e for part in parts if isinstance(part, Pass) for e in part.evidence))


def _before_13(offers: TlsOffers) -> Fail | Pass | Undecided:
    """What the server agrees to in TLS 1.2 and older versions; a pass where it speaks none."""
    answers = [(p, a) for p, a in offers.answers() if _is_old(a)]
    violations: dict[str, Violation] = {}
    for place, answer in answers:
        for violation in _violations(offers, place, answer):
            violations.setdefault(violation.message, violation)
    if violations:
        return Fail(tuple(violations.values()))
    if answers:
        return Pass((cite(offers, f"/offers/{answers[0][0]}/answer/extensions"),))
    if offers.unproven(Version.TLS12, SUITES_BEFORE_13):
        return undecided(offers)
    return Pass((hellos(offers),))


def _renegotiation(seen: Observation[Renegotiations], most: int) -> Fail | Pass | Undecided:
    """Whether a client may renegotiate more often; a pass where there is no such thing."""
    if not isinstance(seen, Observed):
        if seen.reason is Reason.NOT_OFFERED:
            return Pass(())
        return Undecided(seen.reason, f"how often a client may renegotiate: {seen.detail}")
    found = seen.fact
    if not found.tried:
        words = "how often a client may renegotiate was not tried: no connection was left for it"
        return Undecided(Reason.INTERRUPTED, words, (cite(found, "/tried"),))
    evidence = cite(found, "/accepted", _renegotiated(found))
    if found.accepted > most:
        words = f"a client may renegotiate {found.accepted} times and more in one connection"
        return Fail((Violation(words, (evidence,)),))
    if found.refusal is None:
        words = f"no more than {found.tried} renegotiations were tried, and all were accepted"
        return Undecided(Reason.INTERRUPTED, words, (evidence,))
    return Pass((evidence,))


def _renegotiated(found: Renegotiations) -> str:
    ended = found.refusal or "none refused"
    return f"{found.accepted} renegotiations accepted, then {ended}"


def _early_data(seen: Observation[SessionTickets]) -> Fail | Pass | Undecided:
    """Whether the tickets of the usual handshake let a client send before it is done."""
    if not isinstance(seen, Observed):
        return Undecided(seen.reason, f"whether early data is taken: {seen.detail}")
    tickets = seen.fact
    for place, ticket in enumerate(tickets.tickets):
        if ticket.early_data_bytes:
            words = (
                f"a session ticket allows {ticket.early_data_bytes} octets of early data (0-RTT)"
            )
            evidence = cite(tickets, f"/tickets/{place}/early_data_bytes")
            return Fail((Violation(words, (evidence,)),))
    evidence = cite(tickets, "/tickets", _promised(tickets))
    if tickets.malformed is not None:
        words = f"a session ticket can't be read: {tickets.malformed}"
        return Undecided(Reason.PROTOCOL, words, (evidence,))
    return Pass((evidence,))


def _promised(tickets: SessionTickets) -> str:
    count = len(tickets.tickets)
    return f"{count} session ticket{'' if count == 1 else 's'} without early data"


def _is_old(answer: ServerAnswer) -> bool:
    return answer.version not in (Version.TLS13, Version.SSL2)


def _violations(offers: TlsOffers, place: int, answer: ServerAnswer) -> Iterator[Violation]:
    at = f"/offers/{place}/answer"
    extensions = (cite(offers, f"{at}/extensions"),)
    if answer.compression != 0:
        yield Violation("the server compresses", (cite(offers, f"{at}/compression"),))
    if RENEGOTIATION_INFO not in answer.extensions:
        yield Violation("the server does not say that renegotiation is secure", extensions)
    if TRUNCATED_HMAC in answer.extensions:
        yield Violation("the server agrees to a truncated HMAC", extensions)
