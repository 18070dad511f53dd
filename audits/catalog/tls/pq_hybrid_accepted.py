"""TLS 1.3 is accepted with a hybrid post-quantum key exchange.

## Rationale
Mail that is recorded today can be read on the day that a quantum computer breaks elliptic curves.
A hybrid of ML-KEM and a curve is as strong as the stronger of both.

## Remediation
Needs OpenSSL 3.5 or later (or another library with ML-KEM), which offers it by itself.

Postfix (`main.cf`): `tls_eecdh_auto_curves = X25519MLKEM768 X25519 prime256v1 secp384r1`, or
`tls_config_file` with a `Groups` line.
Exim: `tls_eccurve = X25519MLKEM768:X25519:P-256`.

## Limits
The service names its group before any key is exchanged; whether the exchange then works is not
tried.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.offer import refusals, undecided
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.tls import TlsHandshake
from audits.facts.tls_offer import TlsAsk, TlsOffers, TlsQuestions, Version
from audits.parse.tls_names import alert_name, group_name
from audits.parse.tls_policy import hybrids_named

_HYBRIDS = ("X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024")


def _questions(*, any_of: tuple[str, ...]) -> TlsQuestions:
    return TlsQuestions.same(TlsAsk(hybrids=hybrids_named(any_of)))


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.INFO,
    references=(Rfc(8446, "4.2.7"), Doc("NCSC-NL TLS guidelines 2025-05", "3.3.3")),
    frameworks=(Doc("NCSC-NL TLS guidelines 2025-05", "3.3.3"),),
    asks=_questions,
)
def evaluate(
    handshake: TlsHandshake, offers: TlsOffers, *, any_of: tuple[str, ...] = _HYBRIDS
) -> Verdict:
    hybrids = hybrids_named(any_of)
    for place, answer in offers.answers():
        if answer.group in hybrids and answer.group is not None:
            group = cite(offers, f"/offers/{place}/answer/group", group_name(answer.group))
            return Pass((group,))
    if handshake.version == "TLSv1.2":
        message = "TLS 1.3 is not accepted, and older versions have no hybrid"
        return Fail((Violation(message, (cite(handshake, "/version"),)),))
    if any(hybrids <= set(offers.offers[p].hello.groups) for p in offers.refusals(Version.TLS13)):
        names = ", ".join(map(group_name, sorted(hybrids)))
        evidence = refusals(offers, Version.TLS13, alert_name)
        return Fail((Violation(f"none of {names} is accepted", evidence),))
    return undecided(offers)
