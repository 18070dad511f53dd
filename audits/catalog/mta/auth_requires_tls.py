"""Passwords are taken inside TLS only, by configuration.

## Rationale
A server that takes AUTH in clear gets passwords in clear: clients try before they think, and
whoever listens on the way reads along. A firewall or an EHLO keyword that is hidden today does not
mend it.

## Remediation
Offer logins inside TLS alone.

Postfix: `smtpd_tls_auth_only = yes`, or `smtpd_tls_security_level = encrypt` for the listener.
Exim: `auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}`.
Dovecot 2.4: `auth_allow_cleartext = no`; 2.3: `disable_plaintext_auth = yes`; both with
`ssl = required`. OpenSMTPD: `listen on egress port 587 tls-require pki mx1 auth`.
"""

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.configured import of_listeners, settle
from audits.evaluate.target import Target
from audits.evaluate.verdict import Severity, Verdict
from audits.facts.mta import MtaListeners, Question


@audit(
    to=(Target.MX_HOST, Target.MSA_HOST),
    severity=Severity.HIGH,
    references=(Rfc(4954, "4"), Rfc(9051, "6.2.2")),
)
def evaluate(listeners: MtaListeners) -> Verdict:
    return settle(
        of_listeners(listeners, Question.AUTH_IN_CLEAR),
        wrong="yes",
        says="takes passwords in clear",
        nothing="no listener takes logins",
    )
