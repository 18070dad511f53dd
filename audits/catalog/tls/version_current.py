"""No protocol version older than the policy's minimum is accepted.

## Rationale
SSL and the first versions of TLS have breaks that are known and published, and whoever is on the
path can talk both sides down to the oldest version that they share. On port 25 the alternative of
a sender may be no TLS at all, so the finding weighs less there.

## Remediation
Turn off the versions that are older than that.

Postfix (`main.cf`): `smtpd_tls_protocols = >=TLSv1.2` and
`smtpd_tls_mandatory_protocols = >=TLSv1.2`.
Dovecot: `ssl_min_protocol = TLSv1.2`.
Exim with OpenSSL: `openssl_options = +no_sslv3 +no_tlsv1 +no_tlsv1_1`; with GnuTLS:
`tls_require_ciphers = NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2`.
OpenSMTPD (`smtpd.conf`): `listen on egress tls pki mx1 protocols "tlsv1.2,tlsv1.3"`.

## Limits
One hello names the newest version that is too old, and so offers all that are older still; a
server chooses the newest that it has. A service that speaks TLS 1.3 is not asked for SSL 2 unless
`--deep` is given: RFC 8446 forbids it, and no software has both. Closing the connection is how a
server without SSL 2 answers a hello of SSL 2. Where a server closes instead of sending an alert at
other hellos, that counts as a refusal if it does so again and accepts another one in between.
"""

from collections.abc import Iterator

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.offer import hellos, refusals, undecided
from audits.evaluate.target import SMTP, Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.fact import Reason
from audits.facts.tls import TlsHandshake
from audits.facts.tls_offer import TlsAsk, TlsOffers, TlsQuestions, Version
from audits.parse.tls_inquiry import LEGACY_SUITES
from audits.parse.tls_names import SUITES_BEFORE_13, alert_name, suite_name
from audits.parse.tls_policy import versions_below


def _questions(*, mx_min: Version, msa_min: Version) -> TlsQuestions:
    return TlsQuestions(_ask(mx_min), _ask(msa_min))


def _ask(minimum: Version) -> TlsAsk:
    versions = versions_below(minimum)
    every = (SUITES_BEFORE_13,) if Version.TLS12 in versions else ()
    return TlsAsk(versions=versions, suites=every)


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.HIGH,
    references=(Rfc(8996), Rfc(8997), Rfc(8314, "4.1"), Rfc(9325, "3.1.1")),
    frameworks=(
        Doc("NCSC-NL TLS guidelines 2025-05", "3.3.1"),
        Doc("BSI TR-03116-4", "2.1.1"),
        Doc("PCI DSS 4.0.1", "4.2.1"),
        Doc("CISA BOD 18-01", "1.a.ii"),
    ),
    asks=_questions,
)
def evaluate(
    offers: TlsOffers,
    handshake: TlsHandshake,
    *,
    mx_min: Version = Version.TLS12,
    msa_min: Version = Version.TLS12,
) -> Verdict:
    """mx_min: on port 25; msa_min: on the submission ports."""
    on_mx = offers.subject.port == SMTP
    minimum = mx_min if on_mx else msa_min
    violations = tuple(_violations(offers, minimum, Severity.MEDIUM if on_mx else None))
    if violations:
        return Fail(violations)
    old = sorted(versions_below(minimum), key=lambda version: version.rank)
    if not all(_is_refused(offers, version, handshake) for version in old):
        return undecided(offers)
    asked = [version for version in old if offers.refusals(version)]
    seen = dict.fromkeys(e for v in asked for e in refusals(offers, v, alert_name))
    return Pass(tuple(seen) or (hellos(offers),))


def _violations(
    offers: TlsOffers, minimum: Version, severity: Severity | None
) -> Iterator[Violation]:
    seen: set[Version] = set()
    for place, answer in offers.answers():
        if answer.version.rank < minimum.rank and answer.version not in seen:
            seen.add(answer.version)
            message = f"{answer.version.words} is accepted, with {suite_name(answer.suite)}"
            evidence = cite(offers, f"/offers/{place}/answer/version", answer.version.words)
            yield Violation(message, (evidence,), severity)


def _is_refused(offers: TlsOffers, version: Version, handshake: TlsHandshake) -> bool:
    if version is Version.SSL2:
        return handshake.version == "TLSv1.3" or _is_ssl2_refused(offers)
    suites = SUITES_BEFORE_13 if version is Version.TLS12 else LEGACY_SUITES
    return not offers.unproven(version, suites)


def _is_ssl2_refused(offers: TlsOffers) -> bool:
    """Refused, or hung up on while other hellos got an answer."""
    if offers.refusals(Version.SSL2):
        return True
    answered = any(offer.outcome != "inconclusive" for offer in offers.offers)
    return answered and any(
        offer.silence is not None and offer.silence.reason is Reason.DISCONNECTED
        for offer in offers.offers
        if offer.hello.highest is Version.SSL2
    )
