"""The SASL mechanisms that a login is tried with, from the client's side and without a socket."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from typing import Protocol

from audits.errors import ParseError
from audits.parse.saslprep import saslprep
from audits.parse.scram import Scram

# From the one that shows a server least to the one that shows it all.
PREFERRED = ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN")


class Mechanism(Protocol):
    """One exchange (RFC 4422 section 3).

    initial: what goes with the AUTH command; None where the server speaks first.
    unproven: the exchange is not over until the server has proved itself.
    iterations: what a SCRAM server asked for; else None.
    """

    @property
    def initial(self) -> bytes | None: ...

    @property
    def unproven(self) -> bool: ...

    @property
    def iterations(self) -> int | None: ...

    def respond(self, challenge: bytes) -> bytes:
        """The response to a challenge; raises ParseError where there is none to be given."""
        ...


def chosen(offered: Iterable[str], preferred: Iterable[str] = PREFERRED) -> str | None:
    """The first of the preferred mechanisms that is offered; None where none is."""
    names = {name.upper() for name in offered}
    return next((name for name in preferred if name in names), None)


def mechanism(name: str, username: str, password: str, nonce: str) -> Mechanism:
    """An exchange by that mechanism, one of `PREFERRED`; raises ParseError for odd credentials.

    nonce: for SCRAM, printable, without comma, fresh each time.
    """
    match name:
        case "SCRAM-SHA-256":
            return _ScramExchange(Scram("sha256", username, password, nonce))
        case "SCRAM-SHA-1":
            return _ScramExchange(Scram("sha1", username, password, nonce))
        case "PLAIN":
            return _Plain(saslprep(username), saslprep(password))
        case "LOGIN":
            return _Login(saslprep(username), saslprep(password))
        case _:
            raise ParseError(f"found {name}, expected one of {', '.join(PREFERRED)}")


def encoded(message: bytes) -> str:
    """A response as SMTP carries it; an empty one beside AUTH is `=` (RFC 4954 section 4)."""
    return b64encode(message).decode()


def decoded(lines: tuple[str, ...]) -> bytes:
    """The challenge in the text of a 334 reply; raises ParseError for what is no base64."""
    text = "".join(lines).strip()
    try:
        return b64decode(text, validate=True)
    except (Base64Error, ValueError):
        raise ParseError("the server's challenge is not base64") from None


def disguises(username: str, password: str) -> tuple[str, ...]:
    """Every form in which credentials go over the wire, to be kept out of what is written down.

    Base64 of the password at each of its three alignments: so it stands inside other messages.
    """
    # A secret may hold octets that are no text; what then can't be sent is to be concealed, too.
    secret, name = (text.encode("utf-8", "surrogateescape") for text in (password, username))
    whole = encoded(b"\0" + name + b"\0" + secret)
    # An aligned piece begins and ends in characters that hold bits of its neighbours too.
    inside = (encoded(b"\0" * pad + secret).rstrip("=")[first:-1] for pad, first in _ALIGNED)
    long_enough = (text for text in inside if len(text) >= _TELLING)
    found = {password, whole, encoded(secret), *long_enough}
    return tuple(sorted(found, key=len, reverse=True))


# Octets before the secret, and the first character of base64 that is made of the secret alone.
_ALIGNED = ((0, 0), (1, 2), (2, 3))
# Shorter pieces occur in any text.
_TELLING = 6


class _Plain:
    """RFC 4616: everything in the first message."""

    unproven = False
    iterations = None

    def __init__(self, username: str, password: str) -> None:
        self.initial: bytes | None = f"\0{username}\0{password}".encode()
        self._asked = False

    def respond(self, challenge: bytes) -> bytes:
        if self._asked or self.initial is None:
            raise ParseError("the server goes on asking after everything was said")
        self._asked = True
        return self.initial


class _Login:
    """A name, then a password, whatever the server's words in between; never standardised."""

    unproven = False
    iterations = None
    initial: bytes | None = None

    def __init__(self, username: str, password: str) -> None:
        self._answers = [password.encode(), username.encode()]

    def respond(self, challenge: bytes) -> bytes:
        if not self._answers:
            raise ParseError("the server goes on asking after everything was said")
        return self._answers.pop()


class _ScramExchange:
    """SCRAM in its three turns; the last, empty response acknowledges the server's signature."""

    def __init__(self, scram: Scram) -> None:
        self.initial: bytes | None = scram.first()
        self.unproven = True
        self._scram = scram
        self._turns = 0

    @property
    def iterations(self) -> int | None:
        return self._scram.iterations or None

    def respond(self, challenge: bytes) -> bytes:
        self._turns += 1
        match self._turns:
            case 1:
                return self._scram.final(challenge)
            case 2:
                self._scram.verify(challenge)
                self.unproven = False
                return b""
            case _:
                raise ParseError("the server goes on asking after everything was said")
