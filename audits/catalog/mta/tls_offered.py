"""TLS is configured where senders and users look for it.

## Rationale
Without STARTTLS on port 25 all mail arrives in clear. With it but without a certificate, or with
TLS from the start where nobody expects it, mail waits at its senders instead.

## Remediation
Give each listener a certificate, and TLS in the form that its port calls for.

Postfix:

    smtpd_tls_security_level = may
    smtpd_tls_chain_files = /etc/ssl/private/mx1.pem

and `smtpd_tls_wrappermode=yes` as an override of port 465 in `master.cf`, never in `main.cf`; no
`starttls` in `smtpd_discard_ehlo_keywords`.
Exim: `tls_advertise_hosts = *`, `tls_certificate`, `tls_privatekey`, `tls_on_connect_ports = 465`.
Dovecot: `ssl = required`. OpenSMTPD: `pki` and `tls` for the listener.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.configured import of_listeners, settle, together
from audits.evaluate.target import Target
from audits.evaluate.verdict import Severity, Verdict
from audits.facts.mta import Answer, MtaListeners, Question

_WRONG: tuple[tuple[Question, tuple[int, ...], Answer, str], ...] = (
    (Question.STARTTLS, (25, 587), "no", "offers no STARTTLS"),
    (Question.IMPLICIT_TLS, (25, 587), "yes", "begins with TLS, which no sender does there"),
    (Question.IMPLICIT_TLS, (465, 993, 995), "no", "does not begin with TLS"),
    (Question.TLS_WORKS, (), "no", "can finish no handshake"),
)


@audit(
    to=(Target.MX_HOST, Target.MSA_HOST),
    severity=Severity.HIGH,
    references=(Rfc(3207, "4"), Rfc(8314, "3.3")),
    frameworks=(Doc("ISM", "0572"),),
)
def evaluate(listeners: MtaListeners) -> Verdict:
    return together(
        *(
            settle(
                of_listeners(listeners, question, ports),
                wrong=wrong,
                says=says,
                nothing="no listener for mail can be reached from elsewhere",
            )
            for question, ports, wrong, says in _WRONG
        )
    )
