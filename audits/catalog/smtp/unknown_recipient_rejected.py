"""An MX host refuses a mailbox that does not exist, at RCPT.

## Rationale
A server that takes mail for anybody has to send it back later, to whoever was named as its sender:
somebody else, as a rule. Or it throws it away, and a misspelt address is never noticed.

## Remediation
Give the host a list of the mailboxes that exist.

Postfix (`main.cf`), and `relay_recipient_maps` where mail is handed on:

    local_recipient_maps = proxy:unix:passwd.byname $alias_maps
    virtual_mailbox_maps = hash:/etc/postfix/vmailbox

Exim (ACL for RCPT): `require verify = recipient`, with `/callout` to ask the host behind.
OpenSMTPD: `match from any for domain "example.net" rcpt-to <mailboxes> action "local"`.

Where a domain is meant to have a mailbox for whatever comes, write a waiver.

## Limits
Asked is a random name at one domain that the host serves. Whether what is accepted comes back to a
sender that may be forged shows with `mailproof run --canary` alone, which sends one message.
"""

from audits.evaluate.audit import Doc, Rfc, audit
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
from audits.facts.fact import Observation, Observed, Reason
from audits.facts.relay import BackscatterProbe


@audit(
    to=Target.MX_SERVICE,
    severity=Severity.LOW,
    references=(Rfc(5321, "6.2"), Doc("ISM", "1024")),
    frameworks=(Doc("ISM", "1024"),),
)
def evaluate(asked: LocalRecipients, backscatter: Observation[BackscatterProbe]) -> Verdict:
    if asked.unknown is None or asked.known is None:
        return Undecided(
            asked.mail.put_off or Reason.DENIED,
            f"MAIL got {asked.mail.text}",
            (cite(asked, "/mail"),),
        )
    reply = asked.unknown.reply
    says = f"RCPT TO:<{asked.unknown.recipient}> got {reply.text}"
    seen = (cite(asked, "/unknown/reply"),)
    if reply.positive:
        accepted = Violation(says, seen, expected="5xx to a mailbox that nobody has")
        return Fail((accepted, *_returned(backscatter)))
    if not reply.permanent:
        return Undecided(reply.put_off or Reason.PROTOCOL, says, seen)
    if not asked.known.reply.positive and not _about_the_mailbox(reply.enhanced):
        detail = f"{says}, and postmaster is refused as well: {asked.known.reply.text}"
        return Undecided(Reason.DENIED, detail, seen)
    return Pass((*seen, cite(asked, "/known/reply")))


def _returned(backscatter: Observation[BackscatterProbe]) -> tuple[Violation, ...]:
    """That a message to such a mailbox came back to the sender it had, as far as one was sent."""
    bounce = backscatter.fact.bounce if isinstance(backscatter, Observed) else None
    if not isinstance(backscatter, Observed) or bounce is None or bounce.received is None:
        return ()
    sender = cite(backscatter.fact, "/bounce/mail_from", f"MAIL FROM:<{bounce.mail_from}>")
    arrived = cite(backscatter.fact, "/bounce/received")
    says = f"what it accepts comes back: a notification arrived after {bounce.waited_s:.1f} s"
    return (Violation(says, (arrived, sender)),)


def _about_the_mailbox(enhanced: str | None) -> bool:
    """RFC 3463 section 3.2: X.1.1 is a mailbox that does not exist."""
    return enhanced == "5.1.1"
