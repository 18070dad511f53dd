"""What a service said to attempts at relaying, form by form."""

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from audits.facts.fact import Fact, Step
from audits.facts.smtp import Reply
from audits.subject import Service


class FormOutcome(StrEnum):
    """What the replies to one form amount to.

    accepted: 2xx to RCPT. denied: 5xx, or 4xx that says relaying is denied (Postfix: 454 4.7.1).
    deferred: any other 4xx. syntax: 500, 501, 553 5.1.x, 555. not-tested: no reply to RCPT, or one
    that answers something else (421, 503).
    """

    ACCEPTED = "accepted"
    DENIED = "denied"
    DEFERRED = "deferred"
    SYNTAX = "syntax"
    NOT_TESTED = "not-tested"


class RelayForm(Struct, frozen=True):
    """One pair of envelope addresses and the replies to it.

    label: the address form in symbols: S, U local parts of sender and recipient, D a foreign
    domain, H the server's name, IP its address; `<>` the null sender, `<S>` the configured one,
    `<S@>` its local part alone.
    mail, rcpt: None where not sent or not answered; `note` then says why.
    """

    label: str
    mail_from: str
    rcpt_to: str
    mail: Reply | None
    rcpt: Reply | None
    outcome: FormOutcome
    note: str


class RelayProbes(Fact, frozen=True, tag="relay.probes"):
    """Attempts to relay without login from this vantage; never past RCPT (RFC 5321 section 3.3).

    encrypted: asked inside TLS. ehlo: name sent. trusted_vantage: the inventory lists this
    vantage among the host's relay clients. controls: recipients that tell a service which accepts
    anything (a random local part of a served domain; an impossible domain) from an open relay.
    """

    STEP: ClassVar[Step] = Step.RCPT

    subject: Service
    ehlo: str
    encrypted: bool
    trusted_vantage: bool
    forms: tuple[RelayForm, ...]
    controls: tuple[RelayForm, ...]
