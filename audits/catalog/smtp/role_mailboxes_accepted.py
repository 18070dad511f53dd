"""A domain takes mail for postmaster and abuse at each of its MX hosts.

## Rationale
These are the addresses that somebody elsewhere writes to when mail goes wrong, or when spam comes
from the domain. Where they bounce, the next thing that is done is to block it.

## Remediation
Give the domain both mailboxes, and let somebody read them.

Postfix (`virtual_alias_maps`, or `/etc/aliases` for local domains):

    postmaster@example.net  admin@example.net
    abuse@example.net       admin@example.net

A bare `postmaster` belongs to the server itself: `postmaster: root` in `/etc/aliases`.
Exim: the same in `/etc/aliases`, or a redirect router before those of the domain.
OpenSMTPD: the same in the table of its `virtual` or `alias` action.

## Limits
No message is sent: RCPT is answered, and that is all. RFC 2142 wants abuse of an organisation's
domain, not of every domain below it, so its absence is of low severity, and `roles` can leave it
out. Of low severity is a missing bare `postmaster` too, which hardly anybody writes to. A service
that refuses eight mailboxes in a connection is not asked for many more.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from audits.evaluate.audit import EachMx, Rfc, audit
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
from audits.facts.conduct import LocalRecipients, RoleMailboxes
from audits.facts.fact import Reason
from audits.facts.smtp import Reply, RoleRecipient

_Role = Literal["postmaster", "abuse"]


class _Answer(NamedTuple):
    """What a mailbox, or MAIL before it, was answered with at one MX host."""

    role: str
    command: str
    at: str
    reply: Reply
    evidence: Evidence

    @property
    def bare(self) -> bool:
        return self.command == "RCPT TO:<postmaster>"

    @property
    def says(self) -> str:
        return f"{self.at}: {self.command} got {self.reply.text}"


@audit(
    to=Target.RECEIVING_DOMAIN,
    severity=Severity.MEDIUM,
    references=(Rfc(5321, "4.5.1"), Rfc(2142)),
)
def evaluate(
    postmasters: EachMx[RoleRecipient],
    others: EachMx[RoleMailboxes],
    services: EachMx[LocalRecipients],
    *,
    roles: tuple[_Role, ...] = ("postmaster", "abuse"),
) -> Verdict:
    answers = [*_postmasters(postmasters), *_others(others), *_bare(services)]
    asked = [answer for answer in answers if answer.role in roles]
    violations = [_violation(answer) for answer in asked if answer.reply.refuses_mailbox]
    if violations:
        return Fail(tuple(violations))
    for answer in asked:
        if not answer.reply.positive:
            reason = answer.reply.put_off or Reason.DENIED
            return Undecided(reason, answer.says, (answer.evidence,))
    if not asked:
        return NotApplicable("the domain has no MX host that is asked for mailboxes")
    return Pass(tuple(answer.evidence for answer in asked))


def _violation(answer: _Answer) -> Violation:
    severity = Severity.LOW if answer.role == "abuse" or answer.bare else None
    return Violation(answer.says, (answer.evidence,), severity)


def _postmasters(each: EachMx[RoleRecipient]) -> Iterator[_Answer]:
    for fact in each:
        at = str(fact.subject.service)
        if fact.rcpt is None:
            yield _Answer("postmaster", "MAIL", at, fact.mail, cite(fact, "/mail"))
        else:
            command = f"RCPT TO:<{fact.recipient}>"
            yield _Answer("postmaster", command, at, fact.rcpt, cite(fact, "/rcpt"))


def _others(each: EachMx[RoleMailboxes]) -> Iterator[_Answer]:
    for fact in each:
        at = str(fact.subject.service)
        if not fact.mailboxes:
            yield _Answer("abuse", "MAIL", at, fact.mail, cite(fact, "/mail"))
        for place, mailbox in enumerate(fact.mailboxes):
            role = mailbox.recipient.partition("@")[0]
            evidence = cite(fact, f"/mailboxes/{place}/reply")
            yield _Answer(role, f"RCPT TO:<{mailbox.recipient}>", at, mailbox.reply, evidence)


def _bare(each: EachMx[LocalRecipients]) -> Iterator[_Answer]:
    for fact in each:
        if fact.bare is not None:
            evidence = cite(fact, "/bare/reply")
            command = f"RCPT TO:<{fact.bare.recipient}>"
            yield _Answer("postmaster", command, str(fact.subject), fact.bare.reply, evidence)
