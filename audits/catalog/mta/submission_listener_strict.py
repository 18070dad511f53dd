"""Listeners for submission ask for TLS and a login, by configuration.

## Rationale
A submission port that takes mail in clear or without login is used by whoever finds it. What is
written for port 25 does not do for 587: users' mail is what leaves under the host's name.

## Remediation
Demand TLS and a login at every listener for submission.

Postfix (`master.cf`):

    submission inet n - y - - smtpd
      -o smtpd_tls_security_level=encrypt
      -o smtpd_sasl_auth_enable=yes
      -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
    submissions inet n - y - - smtpd
      -o smtpd_tls_wrappermode=yes
      -o smtpd_sasl_auth_enable=yes
      -o smtpd_relay_restrictions=permit_sasl_authenticated,reject

OpenSMTPD: `listen on egress port 587 tls-require pki mx1 auth <users>`.
Sendmail: `DAEMON_OPTIONS(`Port=submission, Name=MSA, M=Ea')`.
"""

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.configured import of_listeners, settle, together
from audits.evaluate.target import Target
from audits.evaluate.verdict import Severity, Verdict
from audits.facts.mta import Answer, MtaListeners, Question

_PORTS = (465, 587)
_WRONG: tuple[tuple[Question, tuple[int, ...], Answer, str], ...] = (
    (Question.TLS_REQUIRED, (587,), "no", "takes mail in clear"),
    (Question.IMPLICIT_TLS, (465,), "no", "does not begin with TLS"),
    (Question.AUTH, _PORTS, "no", "offers no login"),
    (Question.LOCAL_WITHOUT_LOGIN, _PORTS, "yes", "takes mail without login"),
)


@audit(
    to=Target.MSA_HOST,
    severity=Severity.HIGH,
    references=(Rfc(8314, "4.1"), Rfc(6409, "4.3")),
)
def evaluate(listeners: MtaListeners) -> Verdict:
    return together(
        *(
            settle(
                of_listeners(listeners, question, ports),
                wrong=wrong,
                says=says,
                nothing="it listens on neither 465 nor 587",
            )
            for question, ports, wrong, says in _WRONG
        )
    )
