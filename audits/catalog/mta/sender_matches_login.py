"""Users who have logged in send from their own addresses alone.

## Rationale
Whoever has one mailbox can otherwise write as the head of accounts: the mail passes SPF, is signed
with the domain's own DKIM key and fulfils DMARC, since it truly comes from here.

## Remediation
Tell the server whose address is whose, and let it refuse all others.

Postfix (`main.cf`):

    smtpd_sender_login_maps = hash:/etc/postfix/sender_login
    smtpd_sender_restrictions = reject_sender_login_mismatch

Exim (in the ACL for MAIL):

    deny  authenticated = *
         !condition     = ${if eqi{$sender_address}{$authenticated_id}}
          message       = 553 Not your address

OpenSMTPD: `senders <table>` on the `listen` line.

## Limits
Only where the inventory declares a `login`: MAIL and RCPT, never DATA, from its own mailbox and
from another, both to its own. Without `login.other_mailbox` the other is a random one at the same
domain; a server that refuses it as unknown decides nothing. What stands in the header `From` is not
seen.
"""

import re

from audits.evaluate.audit import Doc, EachService, Rfc, audit
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
    Evidence,
    Fail,
    NotApplicable,
    Pass,
    Severity,
    Undecided,
    Verdict,
    Violation,
    cite,
)
from audits.facts.fact import Observation, Observed, Reason
from audits.facts.login import OtherSender

_ABOUT_EXISTENCE = re.compile(r"unknown|verif|exist|no such|not found", re.IGNORECASE)


@audit(
    to=Target.MSA_HOST,
    severity=Severity.MEDIUM,
    references=(Rfc(6409, "6.1"), Rfc(5068, "3.1")),
    frameworks=(Doc("CIS v8.1", "9.5"),),
)
def evaluate(senders: EachService[Observation[OtherSender]]) -> Verdict:
    violations: list[Violation] = []
    refusals: list[Evidence] = []
    left_open: list[Undecided] = []
    nothing = "the host has no submission service"
    for sender in senders:
        if not isinstance(sender, Observed):
            if sender.reason.nothing_there:
                nothing = sender.detail
            else:
                left_open.append(Undecided(sender.reason, f"{sender.subject}: {sender.detail}"))
            continue
        verdict = _at(sender.fact)
        if isinstance(verdict, Violation):
            violations.append(verdict)
        elif isinstance(verdict, Undecided):
            left_open.append(verdict)
        else:
            refusals.append(verdict)
    if violations:
        return Fail(tuple(violations))
    if left_open:
        return left_open[0]
    return Pass(tuple(refusals)) if refusals else NotApplicable(nothing)


def _at(tried: OtherSender) -> Evidence | Violation | Undecided:
    """What one service says; evidence where it refuses."""
    own, other = tried.own, tried.other
    if not own.accepted:
        answer = own.answer
        at = cite(tried, "/own/mail" if own.rcpt is None else "/own/rcpt")
        detail = f"mail from {own.sender} itself, to itself, got {answer.text}"
        return Undecided(answer.put_off or Reason.DENIED, detail, (at,))
    answer = other.answer
    at = cite(tried, "/other/mail" if other.rcpt is None else "/other/rcpt")
    said = f"port {tried.subject.port}: mail from {other.sender} got {answer.text}"
    if other.accepted:
        return Violation(f"{said} after a login as {tried.username}", (at,))
    may_be_unknown = not tried.declared and _ABOUT_EXISTENCE.search(answer.words) is not None
    if answer.denies_strangers and not may_be_unknown:
        return at
    detail = f"{said}, which says nothing of logins; `login.other_mailbox` names one that exists"
    return Undecided(answer.put_off or Reason.DENIED, detail, (at,))
