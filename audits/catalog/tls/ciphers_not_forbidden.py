"""No cipher suite that gives practically no protection is accepted.

## Rationale
Suites without encryption or without a certificate, and those with export keys, RC4, DES, 3DES or
MD5, are read or changed by whoever is on the path. As long as a service accepts one, a client can
be led to it.

## Remediation
Take them out of the list of suites; libraries of today have most of them switched off.

Postfix (`main.cf`), which takes suites without a certificate (aNULL) unless told not to:
`smtpd_tls_exclude_ciphers = aNULL, eNULL, EXPORT, DES, 3DES, RC2, RC4, MD5`.
Exim with OpenSSL: `tls_require_ciphers = HIGH:!aNULL:!eNULL:!3DES:!MD5`; with GnuTLS:
`tls_require_ciphers = NORMAL:-3DES-CBC:-ARCFOUR-128:-MD5`.
OpenSMTPD: `smtp ciphers "HIGH:!aNULL:!3DES:!MD5"`.

## Limits
A server that closes the connection instead of sending an alert is taken to refuse if it does so
again at the same hello and accepts another one in between; else it is unknown.
Suites that need a pre-shared key, Kerberos or a DSA certificate are not offered: mail servers have
none. What is accepted beside the first suite found is only asked for with `--deep`.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.offer import refused
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Severity, Verdict, Violation, cite
from audits.facts.tls_offer import TlsAsk, TlsOffers, TlsQuestions, Version
from audits.parse.tls_names import SUITES_BEFORE_13, alert_name, suite_name
from audits.parse.tls_policy import DENIED, denied_suites


def _questions(*, deny: tuple[str, ...]) -> TlsQuestions:
    return TlsQuestions.same(TlsAsk(suites=(denied_suites(deny) & SUITES_BEFORE_13,)))


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.HIGH,
    references=(Rfc(9325, "4.1"), Doc("CISA BOD 18-01", "1.a.ii")),
    frameworks=(
        Doc("CISA BOD 18-01", "1.a.ii"),
        Doc("NCSC-NL TLS guidelines 2025-05", "B"),
        Doc("PCI DSS 4.0.1", "4.2.1"),
    ),
    asks=_questions,
)
def evaluate(offers: TlsOffers, *, deny: tuple[str, ...] = DENIED) -> Verdict:
    """deny: words of which a suite's name in the IANA registry has one; `DES` is not 3DES."""
    denied = denied_suites(deny)
    found = {answer.suite: place for place, answer in offers.answers() if answer.suite in denied}
    if found:
        return Fail(tuple(_violation(offers, place) for place in found.values()))
    return refused(offers, Version.TLS12, denied & SUITES_BEFORE_13, alert_name)


def _violation(offers: TlsOffers, place: int) -> Violation:
    answer = offers.offers[place].answer
    assert answer is not None
    name = suite_name(answer.suite)
    evidence = cite(offers, f"/offers/{place}/answer/suite", name)
    return Violation(f"{name} is accepted in {answer.version.words}", (evidence,))
