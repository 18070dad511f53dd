"""What the replies to MAIL and RCPT say about relaying."""

import re

from audits.facts.relay import FormOutcome, RelayForm
from audits.facts.smtp import Reply
from audits.parse.relay_form import Envelope

_RELAY = re.compile(r"\brelay|\brcpthosts\b", re.IGNORECASE)
_LOGIN = re.compile(
    r"authenticat|\bauth (?:command )?(?:is )?(?:first|required)|must issue an? starttls"
    r"|starttls (?:is )?(?:first|required)|log ?in first",
    re.IGNORECASE,
)


def classify(mail: Reply | None, rcpt: Reply | None) -> tuple[FormOutcome, str]:
    """The outcome of one form, and a note where it needs one; None is a reply that did not come.

    A server that is asked to relay refuses with 5yz as a rule, Postfix with `454 4.7.1 … Relay
    access denied` unless told otherwise; any other 4yz leaves the question open, greylisting above
    all. 503 and 421 answer the order of commands or the connection, not the recipient.
    """
    if mail is None:
        return FormOutcome.NOT_TESTED, "MAIL was not answered"
    if not mail.positive:
        return _classify_mail(mail)
    if rcpt is None:
        return FormOutcome.NOT_TESTED, "RCPT was not answered"
    return _classify_rcpt(rcpt)


def form_tried(
    sent: Envelope,
    ehlo: str,
    *,
    encrypted: bool,
    mail: Reply | None,
    rcpt: Reply | None,
    silence: str = "",
) -> RelayForm:
    """A form and what came of it. ehlo: our own name. silence: why a reply is missing."""
    outcome, note = classify(mail, rcpt)
    return RelayForm(
        sent.pattern,
        sent.label,
        sent.ehlo or ehlo,
        encrypted,
        sent.sender,
        sent.recipient,
        mail,
        rcpt,
        outcome,
        silence or note,
    )


def _classify_mail(mail: Reply) -> tuple[FormOutcome, str]:
    if mail.code != 421 and _wants_login(mail):
        return FormOutcome.DENIED, f"MAIL was refused without login or TLS: {mail.text}"
    return FormOutcome.NOT_TESTED, f"MAIL was refused: {mail.text}"


def _classify_rcpt(rcpt: Reply) -> tuple[FormOutcome, str]:
    if rcpt.positive:
        return FormOutcome.ACCEPTED, ""
    if rcpt.code == 421:
        return FormOutcome.NOT_TESTED, f"the service ended the conversation: {rcpt.text}"
    if rcpt.transient:
        return (FormOutcome.DENIED if rcpt.denies_relaying else FormOutcome.DEFERRED), ""
    if not rcpt.permanent:
        return FormOutcome.NOT_TESTED, f"RCPT got an unexpected reply: {rcpt.text}"
    if _RELAY.search(rcpt.words) or _wants_login(rcpt):
        return FormOutcome.DENIED, ""
    if rcpt.code == 503:
        return FormOutcome.NOT_TESTED, f"RCPT was out of sequence: {rcpt.text}"
    if rcpt.code in {500, 501, 555} or (rcpt.code == 553 and not _is_policy(rcpt)):
        return FormOutcome.SYNTAX, ""
    return FormOutcome.DENIED, ""


def _wants_login(reply: Reply) -> bool:
    """530 (RFC 4954 section 6, RFC 3207 section 4), or words to that effect under another 5yz."""
    return reply.code == 530 or (reply.permanent and _LOGIN.search(reply.words) is not None)


def _is_policy(reply: Reply) -> bool:
    """RFC 3463 section 3.8: X.7.Z is security or policy status."""
    return reply.enhanced is not None and reply.enhanced.split(".")[1] == "7"
