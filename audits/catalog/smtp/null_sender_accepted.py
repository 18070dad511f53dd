"""An MX host takes mail from the null sender.

## Rationale
Reports of failed delivery come from `<>`. Where they are refused, users never learn that their
mail did not arrive, and other servers come to distrust one that takes no reports.

## Remediation
Take what forbids the empty sender out of the restrictions; if it was put there against forged
reports, sign outgoing senders instead (BATV).

Postfix: no `<>` in the maps of `check_sender_access`.

Exim: no `deny senders = :` in the ACLs for MAIL and RCPT.

OpenSMTPD: no rule that rejects an empty `mail-from`.

## Limits
Asked is postmaster of one domain that the host serves. A refusal that a sender with a name gets as
well says nothing of the null one.
"""

from audits.evaluate.audit import Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Fail,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.conduct import LocalRecipients
from audits.facts.fact import Reason


@audit(
    to=Target.MX_SERVICE,
    severity=Severity.MEDIUM,
    references=(Rfc(5321, "4.5.5"), Rfc(5321, "6.1")),
)
def evaluate(asked: LocalRecipients) -> Verdict:
    pointer, reply = "/null_mail", asked.null_mail
    if asked.null_rcpt is not None:
        pointer, reply = "/null_rcpt", asked.null_rcpt
    seen = (cite(asked, pointer),)
    command = "MAIL FROM:<>" if asked.null_rcpt is None else "RCPT behind MAIL FROM:<>"
    if reply.positive:
        return Pass(seen)
    if not reply.permanent:
        return Undecided(reply.put_off or Reason.PROTOCOL, f"{command} got {reply.text}", seen)
    named = asked.mail if asked.known is None or pointer == "/null_mail" else asked.known.reply
    if not named.positive:
        detail = f"{command} got {reply.text}, and so does a sender with a name: {named.text}"
        return Undecided(Reason.DENIED, detail, seen)
    return Fail((Violation(f"{command} got {reply.text}", seen),))
