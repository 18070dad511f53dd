"""Compression, insecure renegotiation and truncated HMAC are off.

## Rationale
Compression gives secrets away by their length (CRIME). Without RFC 5746 an attacker can put words
of his own before a client's. A truncated HMAC is easier to forge.

## Remediation
No TLS library of today has any of them on by default: bring it up to date.

Postfix (`main.cf`): `tls_ssl_options = NO_COMPRESSION, NO_RENEGOTIATION`.
Exim with OpenSSL: `openssl_options = +no_compression +no_renegotiation`.

## Limits
Of TLS 1.2 and older versions. How often a client may renegotiate, and whether data before the end
of the handshake (0-RTT) is taken in TLS 1.3, is not tried: both need a whole handshake of another
kind. MTAs have no switch for 0-RTT.
"""

from collections.abc import Iterator

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.offer import undecided
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Verdict,
    Violation,
    cite,
)
from audits.facts.tls_offer import (
    RENEGOTIATION_INFO,
    TRUNCATED_HMAC,
    ServerAnswer,
    TlsAsk,
    TlsOffers,
    TlsQuestions,
    Version,
)
from audits.parse.tls_names import SUITES_BEFORE_13


def _questions() -> TlsQuestions:
    return TlsQuestions.same(TlsAsk(features=True))


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
def evaluate(offers: TlsOffers) -> Verdict:
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
    return NotApplicable("no version before TLS 1.3 is accepted")


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
