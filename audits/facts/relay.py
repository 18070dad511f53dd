"""What a service said to attempts at relaying, form by form, and what came of a message."""

import re
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from audits.facts.fact import Fact, Step
from audits.facts.smtp import Reply
from audits.subject import Service

_QUOTED = re.compile(r'"[^"]*"')
# Words, and codes of RFC 3463 section 3.2 and RFC 7505 section 4, for a domain that leads nowhere,
# and for a sender that is not believed.
_LEADS_NOWHERE = re.compile(
    r"un-?route?able|(?:domain|host)(?: name)? (?:was )?not found|no such (?:domain|host)"
    r"|(?:domain|host) does not (?:exist|resolve)|\b5\.1\.(?:2|10)\b",
    re.IGNORECASE,
)
_SENDER = re.compile(
    r"\bsender (?:verif|address|domain|denied|rejected)|\bspf\b|\b5\.1\.[78]\b", re.IGNORECASE
)


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

    pattern: the probe pattern that it is, `P01` to `P16`, or empty for one without a number.
    label: the address form in symbols: S, U local parts of sender and recipient, D a foreign
    domain, H the server's name, L a domain served here, IP its address; `<>` the null sender, `<S>`
    the configured one, `<S@>` its local part alone. ehlo: the name sent. encrypted: asked inside
    TLS. mail, rcpt: None where not sent or not answered; `note` then says why.
    """

    pattern: str
    label: str
    ehlo: str
    encrypted: bool
    mail_from: str
    rcpt_to: str
    mail: Reply | None
    rcpt: Reply | None
    outcome: FormOutcome
    note: str

    @property
    def name(self) -> str:
        """The label, and whether it was asked inside TLS."""
        return f"{self.label} inside TLS" if self.encrypted else self.label

    @property
    def plain(self) -> bool:
        """The recipient is a plain address at the foreign domain, whoever the sender is."""
        return self.label.split(" ")[-1] == "U@D"

    @property
    def names_a_domain(self) -> bool:
        """Many servers make a recipient without domain, such as `D!U` or `"U@D"`, a local one."""
        return "@" in _QUOTED.sub("", self.rcpt_to)

    @property
    def beside_relaying(self) -> bool:
        """Refused for the sender, for our address, or since the foreign domain leads nowhere.

        Exim verifies both with stock rules, the sender before it asks whether to relay, and the
        recipient after it has found that it would. Refusing a forged sender, or the null sender,
        is an answer: nobody relays by that form.
        """
        if self.rcpt is None or self.rcpt.positive:
            return False
        if self.rcpt.blocks_client:
            return True
        words = self.rcpt.words
        if _SENDER.search(words):
            return not self.forged and self.mail_from != ""
        return self.plain and _LEADS_NOWHERE.search(words) is not None

    @property
    def forged(self) -> bool:
        """The sender or the name in EHLO is the server's own: refusing just that is an answer."""
        return self.label.startswith(("<S@", "EHLO "))


class DataReply(Struct, frozen=True):
    """The reply to DATA behind an accepted RCPT; the connection was closed without content.

    form: place in `RelayProbes.forms`. reply: None where there was none; `note` then says why.
    """

    form: int
    reply: Reply | None
    note: str


class Delivery(Struct, frozen=True):
    """One message that was sent to see what becomes of it, and what the canary mailbox got.

    label: the form that it was sent by. token: stands in the canary's address and in Message-ID.
    reply: to the end of the message; None where it did not come to that, `note` then says why.
    target: names and addresses of the host it was given to. received: the Received fields of what
    arrived with the token (RFC 5321 section 4.4), None where nothing did within `waited_s`.
    unread: why the mailbox could not be read, or None.
    """

    label: str
    mail_from: str
    rcpt_to: str
    token: str
    reply: Reply | None
    note: str
    target: tuple[str, ...]
    received: tuple[str, ...] | None
    waited_s: float
    unread: str | None

    @property
    def taken(self) -> bool:
        """The service took the message."""
        return self.reply is not None and self.reply.positive

    @property
    def through(self) -> str | None:
        """The Received field that names the host: proof that the message went through it."""
        for field in self.received or ():
            if any(_names(field, name) for name in self.target):
                return field
        return None


def _names(field: str, name: str) -> bool:
    """Whether a name or an address stands there whole; `IPv6:` is part of a literal's syntax."""
    pattern = rf"(?<![\w.:-])(?:IPv6:)?{re.escape(name)}(?![\w:-]|\.\w)"
    return re.search(pattern, field, re.IGNORECASE) is not None


class RelayProbes(Fact, frozen=True, tag="relay.probes"):
    """Attempts to relay without login from this vantage (RFC 5321 section 3.3).

    source: the address that we connected from, as this machine knows it; empty if unknown.
    trusted_vantage: the inventory lists this vantage among the host's own addresses, or the host
    is this machine. controls: recipients that tell a service which accepts anything (random local
    parts of domains that it serves; an impossible domain) from an open relay.
    data: asked for with --data-abort alone. delivery: asked for with --canary alone.
    """

    STEP: ClassVar[Step] = Step.RCPT

    subject: Service
    source: str
    trusted_vantage: bool
    forms: tuple[RelayForm, ...]
    controls: tuple[RelayForm, ...]
    data: tuple[DataReply, ...]
    delivery: Delivery | None


class RelayControls(Fact, frozen=True, tag="relay.controls"):
    """The controls of `RelayProbes`, asked in the usual conversation: they need no connection.

    source: the address that we connected from, as this machine knows it; empty if unknown.
    """

    STEP: ClassVar[Step] = Step.RCPT

    subject: Service
    source: str
    controls: tuple[RelayForm, ...]


class BackscatterProbe(Fact, frozen=True, tag="relay.backscatter"):
    """What an MX says to a recipient that can't exist at a domain it serves.

    control: a random local part at the domain; where that is accepted, the domain is a catch-all,
    or mail is taken and bounced later to whoever stands in MAIL (RFC 5321 section 6.1).
    bounce: of a message from the canary to it, sent with --canary alone; what arrives is a delivery
    status notification to a sender that may be forged.
    """

    STEP: ClassVar[Step] = Step.RCPT

    subject: Service
    domain: str
    control: RelayForm
    bounce: Delivery | None
