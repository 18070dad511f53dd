"""In TLS 1.2 the server never signs the key exchange with SHA-1 or MD5.

## Rationale
Collisions of MD5 and SHA-1 are made to order. Whoever has one can pass a signature on as that of
another key exchange, and stand between both sides unseen.

## Remediation
OpenSSL no longer signs with them from security level 1 on. Postfix asks for level 0 by itself, so
its list of suites has to say another.

Postfix (`main.cf`): `tls_medium_cipherlist = ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2` where
`smtpd_tls_ciphers` and `smtpd_tls_mandatory_ciphers` are `medium`, their default.
Exim with OpenSSL: no `@SECLEVEL=0` in `tls_require_ciphers`; with GnuTLS:
`tls_require_ciphers = NORMAL:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1`.
Dovecot: no `@SECLEVEL=0` in `ssl_cipher_list`.

## Limits
SHA-224, which is weak by its length alone, is only asked for with `--deep`, and then a violation of
low severity.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.offer import refusals, undecided
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.tls_offer import TlsAsk, TlsOffer, TlsOffers, TlsQuestions, Version
from audits.parse.tls_inquiry import SIGNED_SUITES
from audits.parse.tls_names import alert_name, scheme_name
from audits.parse.tls_policy import SHA224_SCHEMES, WEAK_SCHEMES


def _questions() -> TlsQuestions:
    return TlsQuestions.same(TlsAsk(schemes=WEAK_SCHEMES))


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.MEDIUM,
    references=(Rfc(9155), Doc("NCSC-NL TLS guidelines 2025-05", "3.3.5")),
    frameworks=(
        Doc("NCSC-NL TLS guidelines 2025-05", "3.3.5"),
        Doc("PCI DSS 4.0.1", "4.2.1"),
    ),
    asks=_questions,
)
def evaluate(offers: TlsOffers) -> Verdict:
    found = {
        answer.scheme: place
        for place, answer in offers.answers()
        if answer.version is Version.TLS12 and answer.scheme in WEAK_SCHEMES | SHA224_SCHEMES
    }
    if found:
        violations = (_violation(offers, place, s) for s, place in found.items() if s is not None)
        return Fail(tuple(violations))
    for place, offer in enumerate(offers.offers):
        if _asks_for_weak(offer) and offer.answer is not None and offer.answer.scheme is not None:
            name = scheme_name(offer.answer.scheme)
            return Pass((cite(offers, f"/offers/{place}/answer/scheme", name),))
    if any(_asks_for_weak(offer) and offer.denies(Version.TLS12) for offer in offers.offers):
        return Pass(refusals(offers, Version.TLS12, alert_name))
    return undecided(offers)


def _asks_for_weak(offer: TlsOffer) -> bool:
    """Whether nothing but weak signatures was offered, and all of them with every suite."""
    hello = offer.hello
    return (
        set(hello.schemes) == WEAK_SCHEMES
        and set(hello.suites) >= SIGNED_SUITES
        and hello.asks_for(Version.TLS12)
    )


def _violation(offers: TlsOffers, place: int, scheme: int) -> Violation:
    name = scheme_name(scheme)
    evidence = (cite(offers, f"/offers/{place}/answer/scheme", name),)
    severity = Severity.LOW if scheme in SHA224_SCHEMES else None
    return Violation(f"the server signs with {name}", evidence, severity)
