"""What came of logging in on a submission port with the account that the inventory declares."""

from typing import ClassVar, Literal

from msgspec import Struct

from audits.facts.fact import Fact, Silence, Step
from audits.facts.smtp import Reply
from audits.subject import Service


class AuthExchange(Struct, frozen=True):
    """One AUTH command to its end (RFC 4954 section 4). challenges: how many 334 came before it.

    reply: the last one; what it repeated of the credentials is left out.
    """

    mechanism: str
    challenges: int
    reply: Reply

    @property
    def accepted(self) -> bool:
        return self.reply.code == 235

    @property
    def told(self) -> str:
        """The last reply, and how often the server asked before it."""
        times = {0: "", 1: " after a challenge"}
        return self.reply.text + times.get(self.challenges, f" after {self.challenges} challenges")


class AccountLogin(Fact, frozen=True, tag="login.account"):
    """A login with the declared account, inside TLS.

    iterations: what a SCRAM server asked for, else None. server: of SCRAM, whether it proved that
    it knows the password (RFC 5802 section 3); None where the exchange did not come so far.
    given_for: why it got the password: its certificate is trusted and fits its name, its key is the
    pinned one, or the inventory says that any server may have it.
    """

    STEP: ClassVar[Step] = Step.AUTH

    subject: Service
    username: str
    exchange: AuthExchange
    iterations: int | None
    server: Literal["proved", "unproved", "false"] | None
    given_for: Literal["certificate", "pin", "any"]


def _gist(exchange: AuthExchange, username: str) -> tuple[int, int, str | None, list[str]]:
    """What of an exchange could tell users apart; words with digits name sessions and times."""
    reply = exchange.reply
    text = " ".join(reply.lines).casefold()
    for name in (username, username.partition("@")[0]):
        text = text.replace(name.casefold(), " ")
    words = [word for word in text.split() if not any(map(str.isdigit, word))]
    return exchange.challenges, reply.code, reply.enhanced, words


class RefusedLogins(Fact, frozen=True, tag="login.refused"):
    """Two logins that must be refused: a random password, for the account and for nobody.

    known: for the declared account. unknown: for a user who does not exist; None where the server
    took the first, or `silence` says why.
    """

    STEP: ClassVar[Step] = Step.AUTH

    subject: Service
    username: str
    stranger: str
    known: AuthExchange
    unknown: AuthExchange | None
    silence: Silence | None

    @property
    def alike(self) -> bool:
        """Whether both were refused in the same way, apart from user names, numbers and tokens."""
        if self.unknown is None:
            return False
        return _gist(self.known, self.username) == _gist(self.unknown, self.stranger)


class Envelope(Struct, frozen=True):
    """MAIL and RCPT, and never DATA. rcpt: None where MAIL was not accepted."""

    sender: str
    recipient: str
    mail: Reply
    rcpt: Reply | None

    @property
    def accepted(self) -> bool:
        return self.mail.positive and self.rcpt is not None and self.rcpt.positive

    @property
    def answer(self) -> Reply:
        """The reply that decides: to RCPT where it came to that."""
        return self.mail if self.rcpt is None else self.rcpt


class OtherSender(Fact, frozen=True, tag="login.other-sender"):
    """What a user who has logged in may put into MAIL: to the same recipient, twice.

    own: from the account's own mailbox. other: from one that is somebody else's.
    declared: the inventory names that mailbox; else it is a random one, which need not exist.
    """

    STEP: ClassVar[Step] = Step.RCPT

    subject: Service
    username: str
    own: Envelope
    other: Envelope
    declared: bool
