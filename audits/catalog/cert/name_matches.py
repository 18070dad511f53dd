"""A service's certificate is for the name that the service is reached by.

## Rationale
A certificate for another name proves nothing of this host: anybody on the path can present one.
Mail programs warn, or refuse to send, and users learn to click the warning away.

## Remediation
Order a certificate with the host's name as dNSName in the subject alternative name. The common name
does not count.

    certbot certonly --standalone -d mx1.example.net -d submit.example.net

Postfix (`main.cf`), where the host has several names:

    smtpd_tls_chain_files = /etc/ssl/private/mx1.pem
    tls_server_sni_maps = hash:/etc/postfix/sni

Or let users and MX records name the host as its certificate does.

## Limits
On port 25 the severity is low at most: most senders check the name only under MTA-STS or DANE.
Other names that users may have configured are not known here.
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
from audits.facts.tls import Certificate, CertificateChain
from audits.parse.x509 import matches

_SHOWN = 4


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.HIGH,
    references=(Rfc(8314, "4.4"), Rfc(9525, "6")),
    frameworks=(Doc("BSI TR-03108-P", "E-05"),),
)
def evaluate(chain: CertificateChain) -> Verdict:
    leaf = chain.leaf
    if leaf is None:
        detail = chain.malformed or "no certificate was served"
        return Undecided(Reason.PROTOCOL, detail, (cite(chain, "/certificates"),))
    names = cite(chain, "/certificates/0/dns_names")
    wrong = [name for name in chain.names if not matches(leaf, name)]
    if not wrong:
        return Pass((names,))
    milder = Severity.LOW if chain.subject.port == SMTP else None
    message = f"the certificate is for {_held(leaf)}, not for {', '.join(wrong)}"
    return Fail((Violation(message, (names, cite(chain, "/names")), milder),))


def _held(leaf: Certificate) -> str:
    if not leaf.dns_names:
        return f"no dNSName ({leaf.subject or 'without subject'})"
    more = len(leaf.dns_names) - _SHOWN
    shown = ", ".join(leaf.dns_names[:_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown
