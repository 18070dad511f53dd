"""A message ends at CRLF.CRLF alone, by version and configuration.

## Rationale
A server that takes a bare newline for the end of a line can be made to see two messages where its
neighbour saw one: the second carries whatever sender its author likes, with the neighbour's good
name.

## Remediation
Take nothing but CRLF.CRLF for the end of a message.

Postfix 3.5.23, 3.6.13, 3.7.9, 3.8.4 and later, before 3.9, where it is the default:

    smtpd_forbid_bare_newline = normalize
    smtpd_forbid_unauth_pipelining = yes

Exim: 4.97.1 or later, or a distribution's patched version.
"""

from audits.evaluate.audit import Doc, Rfc, audit
from audits.evaluate.configured import of_listeners, settle, together
from audits.evaluate.target import Target
from audits.evaluate.verdict import Severity, Verdict
from audits.facts.mta import MtaListeners, Question

_NOTHING = "no listener for mail can be reached from elsewhere"


@audit(
    to=(Target.MX_HOST, Target.MSA_HOST),
    severity=Severity.HIGH,
    references=(Rfc(5321, "2.3.8"), Doc("CVE", "2023-51764"), Doc("CVE", "2023-51766")),
)
def evaluate(listeners: MtaListeners) -> Verdict:
    newline = of_listeners(listeners, Question.BARE_NEWLINE)
    early = of_listeners(listeners, Question.EARLY_PIPELINING)
    return together(
        settle(newline, wrong="yes", says="ends a message at a bare newline", nothing=_NOTHING),
        settle(early, wrong="yes", says="takes commands that come too early", nothing=_NOTHING),
    )
