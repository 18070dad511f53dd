"""How a mail service behaves towards what an ordinary sender asks seldom, or never."""

from typing import ClassVar

from msgspec import Struct

from audits.facts.fact import Fact, Reason, Silence, Step
from audits.facts.smtp import RcptReply, Reply
from audits.subject import Path, Service


class MailBeforeTls(Fact, frozen=True, tag="conduct.mail-before-tls"):
    """The reply to MAIL on port 25 without TLS (RFC 3207 section 4)."""

    STEP: ClassVar[Step] = Step.MAIL

    subject: Service
    sender: str
    reply: Reply


class LocalRecipients(Fact, frozen=True, tag="conduct.recipients"):
    """MAIL and RCPT on port 25 of mailboxes at a domain that the host takes mail for; never DATA.

    encrypted: asked inside TLS, because MAIL was refused without. seen_as: the addresses that the
    configuration gives this vantage. known: postmaster of the domain;
    unknown: a random local part; bare: `postmaster` without any domain (RFC 5321 section 4.5.1).
    null_mail, null_rcpt: MAIL from the null reverse-path, and postmaster's RCPT behind it.
    None where MAIL was refused already.
    """

    STEP: ClassVar[Step] = Step.RCPT

    subject: Service
    encrypted: bool
    seen_as: tuple[str, ...]
    sender: str
    mail: Reply
    known: RcptReply | None
    unknown: RcptReply | None
    bare: RcptReply | None
    null_mail: Reply
    null_rcpt: Reply | None


class RoleMailboxes(Fact, frozen=True, tag="conduct.role-mailboxes"):
    """RCPT of a domain's role mailboxes beside postmaster at one of its MX hosts; never DATA.

    mailboxes: empty where MAIL was not accepted.
    """

    STEP: ClassVar[Step] = Step.RCPT

    subject: Path
    mail: Reply
    mailboxes: tuple[RcptReply, ...]


class AddressCommand(Struct, frozen=True):
    """A command that asks about an address, and the reply to it."""

    command: str
    reply: Reply


class AddressCommands(Fact, frozen=True, tag="conduct.address-commands"):
    """Replies to VRFY and EXPN (RFC 5321 sections 4.1.1.6 and 4.1.1.7).

    known: VRFY of postmaster. unknown: VRFY of a random local part; None where the first reply said
    that the service does not know the command. encrypted: asked inside TLS.
    """

    STEP: ClassVar[Step] = Step.RCPT

    subject: Service
    encrypted: bool
    known: AddressCommand
    unknown: AddressCommand | None
    expansion: AddressCommand


class HelpReply(Fact, frozen=True, tag="conduct.help"):
    """The reply to HELP (RFC 5321 section 4.1.1.8)."""

    STEP: ClassVar[Step] = Step.EHLO

    subject: Service
    reply: Reply


class InjectionAttempt(Struct, frozen=True):
    """STARTTLS with NOOP behind it in clear, and what came of it.

    gap_s: between the two; 0 where one segment held both. starttls: the reply to STARTTLS.
    inside: the replies that were read inside TLS, in the order they came: to EHLO, and then to QUIT
    or, where the first looked like none to EHLO, one more that QUIT was not sent for.
    ended: why there are not two.
    """

    gap_s: float
    starttls: Reply | None
    inside: tuple[Reply, ...]
    ended: Silence | None

    @property
    def out_of_step(self) -> bool:
        """The second reply is no 221 to QUIT: inside TLS something sent before was answered."""
        return len(self.inside) == 2 and self.inside[1].code == 250

    @property
    def in_step(self) -> bool:
        """EHLO and QUIT got their own replies, so the command before TLS was dropped."""
        return len(self.inside) == 2 and self.inside[1].code == 221

    @property
    def turned_away(self) -> bool:
        """The server refused to go on: STARTTLS got 5yz, the handshake failed, or it hung up."""
        if self.starttls is not None and self.starttls.permanent:
            return True
        ended = self.ended.reason if self.ended is not None else None
        return not self.inside and ended in (Reason.TLS, Reason.DISCONNECTED)


class StarttlsInjection(Fact, frozen=True, tag="conduct.starttls-injection"):
    """Whether a command that was sent in clear behind STARTTLS is obeyed inside TLS.

    RFC 3207 section 4.2 has the server forget what it knows from before TLS; CVE-2011-0411 is one
    that did not. The command is NOOP, in no mail transaction.
    """

    STEP: ClassVar[Step] = Step.STARTTLS

    subject: Service
    attempts: tuple[InjectionAttempt, ...]


class EarlyTalk(Fact, frozen=True, tag="conduct.early-talk"):
    """EHLO and NOOP, sent in one segment before the greeting was read.

    RFC 5321 section 4.3.1 has the client wait for the greeting, RFC 2920 section 3.1 for the reply
    to EHLO. replies: to the connection, EHLO and NOOP, as far as they came; ended: why not all.
    """

    STEP: ClassVar[Step] = Step.GREETING

    subject: Service
    replies: tuple[Reply, ...]
    ended: Silence | None


class SmuggledEnd(Struct, frozen=True):
    """A message with a false end of data in it, and what came of it.

    sequence: such as `LF.LF`. reply: to that end, None for none within `waited_s`: the server took
    it for text, and the connection was dropped with the message unfinished. 0 where it never came
    to the message.
    command: the reply to the NOOP behind it. ended: why more was not seen.
    """

    sequence: str
    waited_s: float
    reply: Reply | None
    command: Reply | None
    ended: Silence | None

    @property
    def taken(self) -> bool:
        """The server took it for the end of the message."""
        return self.reply is not None and self.reply.positive

    @property
    def ignored(self) -> bool:
        """The server went on reading."""
        return self.reply is None and self.ended is None

    @property
    def turned_away(self) -> bool:
        """The server refused the message for it, or hung up."""
        if self.reply is not None:
            return not self.reply.positive
        ended = self.ended.reason if self.ended is not None else None
        return self.waited_s > 0 and ended in (Reason.DISCONNECTED, Reason.THROTTLED)


class Smuggling(Fact, frozen=True, tag="conduct.smuggling"):
    """Whether another sequence than `<CRLF>.<CRLF>` ends a message (RFC 5321 section 4.1.1.4).

    Only asked for with a mailbox of the operator, `recipient`; a message that is ended so arrives
    there. What is smuggled behind the end is NOOP.
    """

    STEP: ClassVar[Step] = Step.DATA

    subject: Service
    recipient: str
    ends: tuple[SmuggledEnd, ...]
