"""An MX host offers STARTTLS on port 25 and goes through with it.

## Rationale
Without STARTTLS every sender hands the mail over in clear, and whoever is on the path reads it and
changes it. Large providers report or delay mail that arrives so.

## Remediation
Install a certificate and switch STARTTLS on; leave it optional for other servers.

Postfix (`main.cf`):

    smtpd_tls_security_level = may
    smtpd_tls_chain_files = /etc/ssl/private/mx1.pem

Exim:

    tls_advertise_hosts = *
    tls_certificate = /etc/ssl/certs/mx1-fullchain.pem
    tls_privatekey = /etc/ssl/private/mx1.key

OpenSMTPD (`smtpd.conf`):

    pki mx1 cert "/etc/ssl/mx1-fullchain.pem"
    pki mx1 key "/etc/ssl/private/mx1.key"
    listen on egress tls pki mx1

A firewall that rewrites SMTP can take the keyword away (`XXXXXXXA` in its place): switch its
inspection of SMTP off.

## Limits
That STARTTLS is offered to this vantage does not say that nobody on the way of others strips it;
MTA-STS and DANE do.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.reply import starttls_works
from audits.evaluate.target import Target
from audits.evaluate.verdict import Severity, Verdict
from audits.facts.smtp import EhloReply, StartTls


@audit(
    to=Target.MX_SERVICE,
    severity=Severity.HIGH,
    references=(Rfc(3207, "4"), Doc("CISA BOD 18-01", "1.a.i")),
    frameworks=(
        Doc("CISA BOD 18-01", "1.a.i"),
        Doc("ISM", "0572"),
        Doc("BSI TR-03108-P", "STARTTLS"),
        Doc("ISO/IEC 27002:2022", "5.14"),
    ),
)
def evaluate(ehlo: EhloReply, starttls: StartTls) -> Verdict:
    return starttls_works(ehlo, starttls)
