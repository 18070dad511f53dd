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
On the wire only where the inventory declares a `login`: MAIL and RCPT, never DATA, from its own
mailbox and from another, both to its own. Without `login.other_mailbox` the other is a random one
at the same domain; a server that refuses it as unknown decides nothing, and the configuration does
where it is known. A milter or a policy service may compare sender and login too, of which files do
not tell: a configuration without a rule of its own leaves the question open, and fails with
`rule_required`. What stands in the header `From` is not seen.
"""

import re

from audits.evaluate.audit import Doc, EachService, Rfc, audit
from audits.evaluate.configured import of_listeners, settle, together
from audits.evaluate.target import Target
from audits.evaluate.verdict import (
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
from audits.facts.mta import MtaListeners, Question
from audits.subject import Service

_ABOUT_EXISTENCE = re.compile(r"unknown|verif|exist|no such|not found", re.IGNORECASE)


@audit(
    to=Target.MSA_HOST,
    severity=Severity.MEDIUM,
    references=(Rfc(6409, "6.1"), Rfc(5068, "3.1")),
    frameworks=(Doc("CIS v8.1", "9.5"),),
    suffices=MtaListeners,
)
def evaluate(
    senders: EachService[Observation[OtherSender]],
    listeners: Observation[MtaListeners],
    *,
    rule_required: bool = False,
) -> Verdict:
    nothing = "the host has no submission service"
    seen: list[Verdict] = []
    bound = set[int]()
    for sender in senders:
        if _is_left_to_files(sender, listeners):
            continue
        verdict = _said(sender)
        if isinstance(verdict, NotApplicable):
            nothing = verdict.why
            continue
        subject = sender.fact.subject if isinstance(sender, Observed) else sender.subject
        port = subject.port if isinstance(subject, Service) else 0
        if isinstance(verdict, Undecided) and _is_bound(listeners, port):
            continue
        seen.append(verdict)
        if isinstance(verdict, Pass):
            bound.add(port)
    if not isinstance(listeners, Observed):
        not_looked = listeners.reason.nothing_there or listeners.reason is Reason.NOT_COLLECTED
        if seen or not_looked:
            return together(*seen, NotApplicable(nothing))
        return Undecided(listeners.reason, listeners.detail)
    asked = [
        each
        for port in {listener.port: None for listener in listeners.fact.listeners}
        for each in of_listeners(listeners.fact, Question.SENDER_OF_OTHERS, (port,))
        if rule_required or each.ruling.answer == "no" or port not in bound
    ]
    without = [each for each in asked if each.ruling.answer == "yes"]
    if without and not rule_required:
        first = without[0]
        detail = f"{first.about} lets users send as others by its files alone: {first.ruling.why}"
        return together(Undecided(Reason.AMBIGUOUS, detail, first.evidence), *seen)
    says = "lets users send as others"
    return together(*seen, settle(asked, wrong="yes", says=says, nothing=nothing))


def _is_left_to_files(
    sender: Observation[OtherSender], listeners: Observation[MtaListeners]
) -> bool:
    """Whether the run is one over files, and asked nobody on the wire."""
    looked = isinstance(listeners, Observed) or listeners.reason is not Reason.NOT_COLLECTED
    asked = isinstance(sender, Observed) or sender.reason is not Reason.NOT_COLLECTED
    return looked and not asked


def _is_bound(listeners: Observation[MtaListeners], port: int) -> bool:
    """Whether the configuration settles it for a port that says nothing on the wire."""
    if not isinstance(listeners, Observed):
        return False
    asked = list(of_listeners(listeners.fact, Question.SENDER_OF_OTHERS, (port,)))
    return bool(asked) and all(each.ruling.answer == "no" for each in asked)


def _said(sender: Observation[OtherSender]) -> Verdict:
    """What one service says on the wire."""
    if not isinstance(sender, Observed):
        if sender.reason.nothing_there:
            return NotApplicable(sender.detail)
        return Undecided(sender.reason, f"{sender.subject}: {sender.detail}")
    tried = sender.fact
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
        return Fail((Violation(f"{said} after a login as {tried.username}", (at,)),))
    may_be_unknown = not tried.declared and _ABOUT_EXISTENCE.search(answer.words) is not None
    if answer.denies_strangers and not may_be_unknown:
        return Pass((at,))
    detail = f"{said}, which says nothing of logins; `login.other_mailbox` names one that exists"
    return Undecided(answer.put_off or Reason.DENIED, detail, (at,))
