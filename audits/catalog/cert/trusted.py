"""A service's certificate chain is complete and leads to a trusted root.

## Rationale
A chain that ends nowhere is as good as any that an attacker makes. A missing intermediate is worse
to find: programs that have it cached connect, all others fail.

## Remediation
Serve the leaf and every intermediate, leaf first, without the root; that is mostly the file
`fullchain.pem`.

Postfix (`main.cf`):

    smtpd_tls_chain_files = /etc/ssl/private/mx1.pem

Exim: `tls_certificate = /etc/ssl/certs/mx1-fullchain.pem`.
Dovecot: `ssl_cert = </etc/ssl/certs/mx1-fullchain.pem`.
OpenSMTPD: `pki mx1 cert "/etc/ssl/mx1-fullchain.pem"`.

Where the host is meant to use a private CA, name its file as the host's `private_ca` in the
inventory.

## Limits
Revocation is not looked up. Dates are judged by `cert-in-validity`: here the chain is verified for
a time at which all of it is valid. On port 25 the severity is low at most, since most senders
verify only under MTA-STS, and DANE needs no public root.
"""

from audits.evaluate.audit import Doc, Rfc, audit
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
from audits.facts.fact import Reason
from audits.facts.tls import CertificateChain

# X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED: no time suits all of the chain.
_DATES = frozenset({9, 10})


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.HIGH,
    references=(Rfc(8314, "4.4"),),
    frameworks=(Doc("PCI DSS 4.0.1", "4.2.1"),),
)
def evaluate(chain: CertificateChain) -> Verdict:
    verification = chain.verification
    if verification is None:
        detail = chain.malformed or "the chain was not verified"
        return Undecided(Reason.PROTOCOL, detail, (cite(chain, "/certificates"),))
    seen = [cite(chain, "/verification/message"), cite(chain, "/verification/stores")]
    if verification.code == 0:
        return Pass(tuple(seen))
    if verification.code in _DATES:
        detail = "the dates of the served certificates leave no time for which to verify them"
        return Undecided(Reason.TLS, detail, tuple(seen))
    place = min(verification.depth, len(chain.certificates) - 1)
    if place >= 0:
        seen.append(cite(chain, f"/certificates/{place}/issuer"))
    milder = Severity.LOW if chain.subject.port == SMTP else None
    message = (
        f"{verification.message} (X.509 error {verification.code}, depth {verification.depth})"
    )
    return Fail((Violation(message, tuple(seen), milder),))
