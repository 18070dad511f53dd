"""A service that offers TLS completes the handshake with a current client.

## Rationale
A service that offers STARTTLS and then fails loses the mail of every sender that insists on TLS,
and the others fall back to clear. On 465 nothing works at all.

## Remediation
Mostly the key can't be read, does not belong to the certificate, or the protocol versions were
narrowed to none that a client of today speaks. Try it by hand:

    openssl s_client -connect mx1.example.net:25 -starttls smtp
    openssl s_client -connect mx1.example.net:465

Postfix (`main.cf`): `smtpd_tls_chain_files = /etc/ssl/private/mx1.pem` (key first, then leaf, then
intermediates) and `smtpd_tls_protocols = >=TLSv1.2`; 465 needs `smtpd_tls_wrappermode=yes` in
`master.cf`.
Exim: `tls_certificate`, `tls_privatekey`, and `tls_on_connect_ports = 465`.
OpenSMTPD: `listen on egress port 465 smtps pki mx1`.

## Limits
One handshake with TLS 1.2 and 1.3: what else the service accepts is not asked here. A connection
that just breaks off is unknown, since a rate limit looks the same.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import Fail, Pass, Severity, Verdict, Violation, cite
from audits.facts.tls import TlsHandshake


@audit(
    to=(Target.MX_SERVICE, Target.SUBMISSION_SERVICE),
    severity=Severity.HIGH,
    references=(Rfc(8314, "4"),),
    frameworks=(Doc("PCI DSS 4.0.1", "4.2.1"), Doc("ISO/IEC 27002:2022", "5.14")),
)
def evaluate(handshake: TlsHandshake) -> Verdict:
    if handshake.completed:
        return Pass((cite(handshake, "/version"), cite(handshake, "/cipher")))
    message = f"the handshake failed: {handshake.error or 'without a reason'}"
    return Fail((Violation(message, (cite(handshake, "/error"),)),))
