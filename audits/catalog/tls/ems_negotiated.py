"""TLS 1.2 is only negotiated with the extended master secret.

## Rationale
Without it the keys of a session depend on less than the whole handshake, and whoever stands in
the middle can make two sessions with the same keys (triple handshake). Clients that follow FIPS
140-3 refuse such a server.

## Remediation
Bring the TLS library up to date (OpenSSL 1.1.0, GnuTLS 3.6 or later); take away what switches the
extension off, such as `NO_EXTENDED_MASTER_SECRET` in OpenSSL's or `%NO_EXTENSIONS` in GnuTLS's
settings.
"""

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
    EXTENDED_MASTER_SECRET,
    TlsAsk,
    TlsOffers,
    TlsQuestions,
    Version,
)
from audits.parse.tls_names import SUITES_BEFORE_13, suite_name


def _questions() -> TlsQuestions:
    return TlsQuestions.same(TlsAsk(features=True))


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.LOW,
    references=(Rfc(7627),),
    frameworks=(
        Doc("NCSC-NL TLS guidelines 2025-05", "4.1"),
        Doc("BSI TR-03108-P", "03108-E-07"),
    ),
    asks=_questions,
)
def evaluate(offers: TlsOffers) -> Verdict:
    answers = [(p, a) for p, a in offers.answers() if a.version is Version.TLS12]
    for place, answer in answers:
        if EXTENDED_MASTER_SECRET not in answer.extensions:
            evidence = cite(offers, f"/offers/{place}/answer/extensions")
            suite = suite_name(answer.suite)
            message = f"TLS 1.2 with {suite} is negotiated without extended master secret"
            return Fail((Violation(message, (evidence,)),))
    if answers:
        place = answers[0][0]
        return Pass((cite(offers, f"/offers/{place}/answer/extensions"),))
    if offers.unproven(Version.TLS12, SUITES_BEFORE_13):
        return undecided(offers)
    return NotApplicable("TLS 1.2 is not accepted")
