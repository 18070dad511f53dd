"""What was said in an SMTP conversation, reply by reply."""

import re
from typing import ClassVar, Literal

from msgspec import Struct

from audits.facts.fact import Fact, Reason, Step
from audits.subject import Path, Service

# RFC 3463 section 2: status-code = class "." subject "." detail
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")
_RELAYING = re.compile(r"\brelay|\brcpthosts\b", re.IGNORECASE)
_TLS_FIRST = re.compile(r"\bstarttls\b|\btls\b|encrypt", re.IGNORECASE)
# What is known of an address, in the words of Postfix, Exim and the large receivers.
_BLOCKED = re.compile(
    r"\bblocked (?:using|by|for|due)\b|\b(?:black|block)[ -]?list|\blisted (?:at|by|in|on)\b"
    r"|\bdnsbl\b|\brbl\b|spamhaus|\breputation\b|banned sending"
    r"|reverse (?:dns|hostname|name)|cannot find your|\bptr\b|\brdns\b",
    re.IGNORECASE,
)
_GREYLISTING = re.compile(r"gr[ea]y-?list|try again|come back", re.IGNORECASE)
# An address in a path, an address anywhere, a domain name: what a status code is not.
# Firewalls that inspect SMTP write over the keyword where it stands: `XXXXXXXA`, `XXXXXXXX`.
_STRIPPED = re.compile(r"X{7}[A-Z]")
_NAMES = re.compile(r"<[^<>]*>|\S*@\S+|\b(?:[\w-]+\.)+[A-Za-z][\w-]+")


class Reply(Struct, frozen=True):
    """One reply (RFC 5321 section 4.2).

    lines: text after the code of each line, octets outside UTF-8 written as `\\xNN`.
    elapsed_s: from the command to the last line.
    """

    code: int
    lines: tuple[str, ...]
    elapsed_s: float

    @property
    def text(self) -> str:
        """Code and text as one line, as an operator would quote it."""
        return f"{self.code} {' / '.join(self.lines)}".rstrip()

    @property
    def words(self) -> str:
        """The text without addresses and domain names, which can be called anything.

        A refusal names them as often as not, and `<ana@relay.example>` is no word about relaying.
        """
        return _NAMES.sub("", self.text)

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code that begins the first line, such as `4.7.1`, or None."""
        found = _ENHANCED.match(self.lines[0]) if self.lines else None
        return found[1] if found else None

    @property
    def positive(self) -> bool:
        return 200 <= self.code < 300

    @property
    def transient(self) -> bool:
        return 400 <= self.code < 500

    @property
    def permanent(self) -> bool:
        return 500 <= self.code < 600

    @property
    def denies_relaying(self) -> bool:
        """A 4yz that means no: Postfix says `454 4.7.1 … Relay access denied` by default.

        Any other 4yz leaves the question open, greylisting above all.
        """
        if not self.transient or self.code == 421 or _GREYLISTING.search(self.words):
            return False
        postfix_default = self.code == 454 and self.enhanced == "4.7.1"
        return postfix_default or _RELAYING.search(self.words) is not None

    @property
    def blocks_client(self) -> bool:
        """Refused for what is known of our address: a block list, or no reverse name.

        It says nothing of what other strangers may do. X.7.25: RFC 7372 section 3.3.
        """
        if self.positive or _RELAYING.search(self.words):
            return False
        no_reverse_name = (self.enhanced or "").endswith(".7.25")
        return no_reverse_name or _BLOCKED.search(self.words) is not None

    @property
    def denies_strangers(self) -> bool:
        """Refused for want of a login: 5yz, or a 4yz with X.7.1, "delivery not authorized".

        Not so a 4yz that speaks of greylisting, nor one about an address (X.1.Z, RFC 3463
        section 3.2), such as an unknown mailbox or a sender whose domain does not resolve, nor one
        for what is known of our own.
        """
        if self.blocks_client:
            return False
        topic = (self.enhanced or "").partition(".")[2]
        if self.permanent:
            return not topic.startswith("1.") or _RELAYING.search(self.words) is not None
        if not self.transient or self.code == 421 or _GREYLISTING.search(self.words):
            return False
        return topic == "7.1" or self.denies_relaying

    @property
    def refuses_mailbox(self) -> bool:
        """A no to RCPT that is about the mailbox or its domain, and not about who asks.

        5yz but for X.7.Z, security or policy, and for X.1.7 and X.1.8, the sender's address (RFC
        3463 sections 3.2 and 3.8); a denial of relaying is about the domain.
        """
        if self.denies_relaying:
            return True
        topic = (self.enhanced or "").partition(".")[2]
        about_the_client = topic.startswith("7.") or topic in ("1.7", "1.8")
        return self.permanent and (not about_the_client or bool(_RELAYING.search(self.words)))

    @property
    def wants_tls(self) -> bool:
        """Refused for want of STARTTLS: 530 that speaks of it, or another 5yz that does.

        RFC 3207 section 4; a 530 may ask for a login as well (RFC 4954 section 6).
        """
        return self.permanent and _TLS_FIRST.search(self.words) is not None

    @property
    def put_off(self) -> Reason | None:
        """Why a 4yz leaves a question open; None for any other reply."""
        if not self.transient:
            return None
        return Reason.THROTTLED if self.code == 421 else Reason.DEFERRED


class Keyword(Struct, frozen=True):
    """One EHLO keyword, upper-cased, with its parameters verbatim (RFC 5321 section 4.1.1.1)."""

    name: str
    params: tuple[str, ...]


def _params(keywords: tuple[Keyword, ...], name: str) -> tuple[str, ...] | None:
    found = [keyword.params for keyword in keywords if keyword.name == name]
    return tuple(param for params in found for param in params) if found else None


class Greeting(Fact, frozen=True, tag="smtp.greeting"):
    """The first reply on a connection. name: first word of its text, empty if none."""

    STEP: ClassVar[Step] = Step.GREETING

    subject: Service
    reply: Reply
    name: str


class EhloReply(Fact, frozen=True, tag="smtp.ehlo"):
    """The first reply to EHLO; inside TLS on an implicit TLS port, else in clear.

    keywords: in the order announced; empty unless the code is 250.
    """

    STEP: ClassVar[Step] = Step.EHLO

    subject: Service
    sent: str
    reply: Reply
    keywords: tuple[Keyword, ...]

    def params(self, keyword: str) -> tuple[str, ...] | None:
        """Parameters of all keywords of that name, or None where it is not announced."""
        return _params(self.keywords, keyword)

    @property
    def stripped(self) -> int | None:
        """Place of the keyword that something on the way wrote over STARTTLS, or None."""
        places = (i for i, k in enumerate(self.keywords) if _STRIPPED.fullmatch(k.name))
        return next(places, None)


class EhloInTls(Fact, frozen=True, tag="smtp.ehlo-tls"):
    """The reply to EHLO inside TLS: after STARTTLS, or the only one on an implicit TLS port."""

    STEP: ClassVar[Step] = Step.EHLO

    subject: Service
    sent: str
    reply: Reply
    keywords: tuple[Keyword, ...]

    def params(self, keyword: str) -> tuple[str, ...] | None:
        """Parameters of all keywords of that name, or None where it is not announced."""
        return _params(self.keywords, keyword)


class StartTls(Fact, frozen=True, tag="smtp.starttls"):
    """Whether STARTTLS was announced, and the reply to it if sent (RFC 3207 section 4)."""

    STEP: ClassVar[Step] = Step.STARTTLS

    subject: Service
    offered: bool
    reply: Reply | None


class AuthAttempt(Struct, frozen=True):
    """An AUTH command without initial response, cancelled with `*` if the server went on."""

    mechanism: str
    reply: Reply


class AuthInClear(Fact, frozen=True, tag="smtp.auth-clear"):
    """Replies to AUTH before TLS, no credentials sent (RFC 4954 section 4)."""

    STEP: ClassVar[Step] = Step.AUTH

    subject: Service
    attempts: tuple[AuthAttempt, ...]


class MailInClear(Fact, frozen=True, tag="smtp.mail-clear"):
    """The reply to MAIL before TLS and without login on a submission port."""

    STEP: ClassVar[Step] = Step.MAIL

    subject: Service
    sender: str
    reply: Reply


class RcptReply(Struct, frozen=True):
    """One RCPT and its reply."""

    recipient: str
    reply: Reply


class UnauthenticatedMail(Fact, frozen=True, tag="smtp.unauthenticated"):
    """MAIL and RCPT without login inside TLS on a submission port.

    foreign, local: None where MAIL was refused already, or no such recipient is known.
    """

    STEP: ClassVar[Step] = Step.RCPT

    subject: Service
    sender: str
    mail: Reply
    foreign: RcptReply | None
    local: RcptReply | None


class RoleRecipient(Fact, frozen=True, tag="smtp.rcpt-role"):
    """MAIL and RCPT of a domain's role mailbox at one of its MX hosts; never DATA.

    rcpt: None where MAIL was not accepted.
    """

    STEP: ClassVar[Step] = Step.RCPT

    subject: Path
    sender: str
    mail: Reply
    recipient: str
    rcpt: Reply | None


class Line(Struct, frozen=True):
    """One line of a conversation. side: client, server, or `*` for a note of ours.

    at_s: seconds since connect.
    """

    side: Literal["C", "S", "*"]
    text: str
    at_s: float


class Transcript(Fact, frozen=True, tag="smtp.transcript"):
    """The whole conversation with a service, bounded in lines and length, secrets left out."""

    STEP: ClassVar[Step] = Step.EHLO

    subject: Service
    lines: tuple[Line, ...]
