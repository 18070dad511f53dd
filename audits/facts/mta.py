"""What the mail programs of a host are configured to do, each answer with the lines that give it.

The same facts come from a running host and from files under review; nothing is tried out here.
"""

from enum import StrEnum
from typing import ClassVar, Literal

from msgspec import Struct

from audits.facts.fact import Fact, Step
from audits.facts.place import Place
from audits.subject import MailHost


class Mta(StrEnum):
    """A mail program whose configuration is understood."""

    POSTFIX = "postfix"
    EXIM = "exim"
    DOVECOT = "dovecot"
    OPENSMTPD = "opensmtpd"
    SENDMAIL = "sendmail"


class ConfigLine(Struct, frozen=True):
    """A logical line of a configuration: as written, blanks folded, secrets left out."""

    place: Place
    text: str


class Question(StrEnum):
    """What is asked of a configuration. Values read after "it is configured whether".

    A stranger is a client outside every trusted network that does not log in.
    """

    STARTTLS = "STARTTLS is offered"
    IMPLICIT_TLS = "TLS begins with the connection"
    TLS_REQUIRED = "mail is taken inside TLS only"
    TLS_WORKS = "a key and a certificate are there"
    OLD_TLS = "TLS 1.1 or older is spoken"
    TLS_1_3 = "TLS 1.3 is spoken"
    WEAK_CIPHERS = "ciphers without real protection are accepted"
    AUTH_IN_CLEAR = "AUTH is accepted outside TLS"
    AUTH = "AUTH is offered"
    AUTH_PROVES_NOTHING = "a login succeeds without its password"
    RELAY = "mail of strangers is relayed"
    LOCAL_WITHOUT_LOGIN = "mail of strangers to own domains is taken"
    SENDER_OF_OTHERS = "a user may send as another user"
    BARE_NEWLINE = "a bare newline ends a message"
    EARLY_PIPELINING = "commands sent too early are taken"
    VRFY = "VRFY tells which users exist"
    VERSION_SHOWN = "the greeting names program and version"
    TRUSTS_NEIGHBOURS = "all hosts of the same network are trusted"
    ONLY_TRUSTED_CLIENTS = "clients outside the trusted networks are turned away"
    AUTH_THROTTLED = "guessing of passwords is slowed down"
    OUTBOUND_TLS = "TLS is tried when sending"
    OUTBOUND_DANE = "DANE is heeded when sending"
    OUTBOUND_MTA_STS = "MTA-STS is heeded when sending"


Answer = Literal["yes", "no", "undecided"]


class Ruling(Struct, frozen=True):
    """What the daemon does by its configuration.

    why: one clause, such as `table hash:/etc/postfix/access was not supplied` for an undecided one.
    lines: those that decide, in the order in which the daemon comes to them; empty where a
    built-in default alone decides, which `why` then names.
    """

    question: Question
    answer: Answer
    why: str
    lines: tuple[ConfigLine, ...]


class ConfiguredListener(Struct, frozen=True):
    """A socket that a program is told to listen on.

    instance: which of several configurations, such as `/etc/postfix`. name: as the configuration
    calls it, such as `submission inet`. addresses: empty for all of the host. loopback: reachable
    from the host itself alone. line: None where it listens by default.
    """

    mta: Mta
    instance: str
    name: str
    addresses: tuple[str, ...]
    port: int
    loopback: bool
    line: ConfigLine | None
    rulings: tuple[Ruling, ...]

    def ruling(self, question: Question) -> Ruling | None:
        """What was found out about a question; None where it does not arise here."""
        return next((ruling for ruling in self.rulings if ruling.question is question), None)


class Problem(Struct, frozen=True):
    """Something wrong with a configuration itself.

    kind: syntax, value (illegal for its type), missing (something required), unknown (no such
    parameter), ignored (written, and without effect). fatal: the program would not start, or would
    stop serving. expected: what should stand there.
    """

    kind: Literal["syntax", "value", "missing", "unknown", "ignored"]
    fatal: bool
    message: str
    expected: str
    place: Place


class Parameter(Struct, frozen=True):
    """A parameter that is set. value: as written; effective: with references put in.

    Secrets are left out of both. line: the one that wins where it is set more than once.
    """

    name: str
    value: str
    effective: str
    line: ConfigLine


class PasswordScheme(Struct, frozen=True):
    """How passwords are stored, by the program's own name for it, such as `SHA512-CRYPT`."""

    scheme: str
    line: ConfigLine


class Program(Struct, frozen=True):
    """One mail program with one configuration.

    version: as the program prints it, such as `3.7.11`; None where files alone are known.
    unread: path and reason of each file that the configuration names and nobody supplied.
    """

    mta: Mta
    instance: str
    version: str | None
    parameters: tuple[Parameter, ...]
    rulings: tuple[Ruling, ...]
    password_schemes: tuple[PasswordScheme, ...]
    problems: tuple[Problem, ...]
    unread: tuple[str, ...]

    def ruling(self, question: Question) -> Ruling | None:
        """What was found out about a question; None where it does not arise here."""
        return next((ruling for ruling in self.rulings if ruling.question is question), None)


class MtaPrograms(Fact, frozen=True, tag="mta.programs"):
    """The mail programs that a host runs, with what their configuration says of all listeners."""

    STEP: ClassVar[Step] = Step.GREETING

    subject: MailHost
    programs: tuple[Program, ...]


class MtaListeners(Fact, frozen=True, tag="mta.listeners"):
    """Where the mail programs of a host listen, and how each listener behaves."""

    STEP: ClassVar[Step] = Step.RCPT

    subject: MailHost
    listeners: tuple[ConfiguredListener, ...]


class TrustedNetwork(Struct, frozen=True):
    """Clients that may relay without login. prefix: canonical CIDR. line: None for a default."""

    mta: Mta
    instance: str
    prefix: str
    line: ConfigLine | None


class TrustedNetworks(Fact, frozen=True, tag="mta.trusted-networks"):
    """Which clients the mail programs of a host trust for their address.

    open: why the list may be longer, such as a table that nobody supplied; None where it is whole.
    """

    STEP: ClassVar[Step] = Step.RCPT

    subject: MailHost
    networks: tuple[TrustedNetwork, ...]
    open: str | None
