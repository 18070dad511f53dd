r"""Every cipher suite that is accepted is on the policy's list.

## Rationale
Suites with CBC have been broken again and again by the time or the errors that their padding gives
away; those that encrypt and authenticate in one (AEAD) have not. A list says which are left.

## Remediation
Leave only suites that are on the list. For `rfc9325`:

Postfix (`main.cf`), for clients that are known to be of today; on port 25 expect that some senders
fall back to clear:

    tls_medium_cipherlist = ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2

where `smtpd_tls_ciphers` and `smtpd_tls_mandatory_ciphers` are `medium`, their default.
Exim with OpenSSL: `tls_require_ciphers = ECDHE+AESGCM:ECDHE+CHACHA20`; with GnuTLS:

    tls_require_ciphers = SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-CIPHER-ALL\
      :+AES-256-GCM:+AES-128-GCM:+CHACHA20-POLY1305:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA

OpenSMTPD: `smtp ciphers "ECDHE+AESGCM:ECDHE+CHACHA20"`.
Dovecot: `ssl_cipher_list = ECDHE+AESGCM:ECDHE+CHACHA20`.

## Limits
The list `rfc9325` takes every suite of TLS 1.3 that RFC 8446 defines, since RFC 9325 names none;
others of TLS 1.3 are only asked for with `--deep` or under a list that is narrower there. What is
accepted beside the first suite found is only asked for with `--deep`.
"""

from typing import Literal

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.offer import refused
from audits.evaluate.target import SMTP, Target
from audits.evaluate.verdict import (
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.tls import TlsHandshake
from audits.facts.tls_offer import TlsAsk, TlsOffers, TlsQuestions, Version
from audits.parse.tls_names import SSL2_SUITES, SUITES_BEFORE_13, alert_name, suite_name
from audits.parse.tls_policy import allowed_suites, suites_13_outside

AllowList = Literal["rfc9325", "ncsc-nl-good", "ncsc-nl-sufficient", "bsi-02102-2", "nist-52r2"]


def _questions(*, mx_allow: AllowList, msa_allow: AllowList) -> TlsQuestions:
    return TlsQuestions(_ask(mx_allow), _ask(msa_allow))


def _ask(allow: AllowList) -> TlsAsk:
    allowed, tolerated = allowed_suites(allow)
    outside = SUITES_BEFORE_13 - allowed - tolerated
    sets = (outside, tolerated) if tolerated else (outside,)
    return TlsAsk(suites=sets, suites13=suites_13_outside(allowed))


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.MEDIUM,
    references=(Rfc(9325, "4.2"), Doc("NCSC-NL TLS guidelines 2025-05", "3.3.2")),
    frameworks=(
        Doc("NCSC-NL TLS guidelines 2025-05", "3.3.2"),
        Doc("BSI TR-03116-4", "2.2.1"),
        Doc("PCI DSS 4.0.1", "4.2.1"),
    ),
    asks=_questions,
)
def evaluate(
    offers: TlsOffers,
    handshake: TlsHandshake,
    *,
    mx_allow: AllowList = "rfc9325",
    msa_allow: AllowList = "rfc9325",
) -> Verdict:
    """mx_allow: on port 25; msa_allow: on the submission ports.

    A suite that the list lets run out (`ncsc-nl-sufficient`) is a violation of low severity.
    """
    name = mx_allow if offers.subject.port == SMTP else msa_allow
    allowed, tolerated = allowed_suites(name)
    found = {
        answer.suite: place
        for place, answer in offers.answers()
        if answer.suite not in allowed and answer.suite not in SSL2_SUITES
    }
    if found:
        return Fail(
            tuple(_violation(offers, at, name, suite in tolerated) for suite, at in found.items())
        )
    verdict = refused(offers, Version.TLS12, SUITES_BEFORE_13 - allowed, alert_name)
    outside13 = suites_13_outside(allowed) if handshake.version != "TLSv1.2" else frozenset()
    if isinstance(verdict, Undecided) or not outside13:
        return verdict
    of_13 = refused(offers, Version.TLS13, outside13, alert_name)
    return of_13 if isinstance(of_13, Undecided) else Pass((*verdict.evidence, *of_13.evidence))


def _violation(offers: TlsOffers, place: int, allow: str, tolerated: bool) -> Violation:
    answer = offers.offers[place].answer
    assert answer is not None
    suite = suite_name(answer.suite)
    evidence = (cite(offers, f"/offers/{place}/answer/suite", suite),)
    if tolerated:
        message = f"{suite} is accepted, which {allow} lets run out"
        return Violation(message, evidence, Severity.LOW)
    return Violation(f"{suite} is accepted, which {allow} does not list", evidence)
