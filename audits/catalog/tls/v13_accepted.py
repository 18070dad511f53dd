"""A service accepts TLS 1.3.

## Rationale
TLS 1.3 left out what the attacks on older versions needed, hides the certificate from those on the
path, and is the only version with key exchange that a quantum computer does not break.

## Remediation
Bring the TLS library up to date (OpenSSL 1.1.1, GnuTLS 3.6.5 or later) and take away the settings
that forbid it.

Postfix (`main.cf`): `smtpd_tls_protocols = >=TLSv1.2`, with no `!TLSv1.3`.
Exim: no `+no_tlsv1_3` in `openssl_options`, no `-VERS-TLS1.3` in `tls_require_ciphers`.
OpenSMTPD: no `protocols` that leaves it out.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Undecided, Verdict, Violation, cite
from audits.facts.fact import Reason
from audits.facts.tls import TlsHandshake


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.LOW,
    references=(Rfc(9325, "3.1.1"), Rfc(8446)),
    frameworks=(
        Doc("NCSC-NL TLS guidelines 2025-05", "3.3.1"),
        Doc("BSI TR-03116-4", "2.1.1"),
    ),
)
def evaluate(handshake: TlsHandshake) -> Verdict:
    if not handshake.completed or handshake.version is None:
        detail = f"the handshake failed: {handshake.error or 'without a reason'}"
        return Undecided(Reason.TLS, detail, (cite(handshake, "/error"),))
    version = cite(handshake, "/version")
    if handshake.version == "TLSv1.3":
        return Pass((version,))
    message = f"offered TLS 1.2 and 1.3, the service chose {version.quote}"
    return Fail((Violation(message, (version,)),))
