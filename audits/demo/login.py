"""The server's side of AUTH (RFC 4954) for the demo's SMTP server, with chosen faults."""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Generator, Mapping
from dataclasses import dataclass

_REFUSED = "535 5.7.8 Error: authentication failed"

# Yields a challenge, is sent the response, and returns the user who logged in, or None.
_Exchange = Generator[bytes, bytes, str | None]


@dataclass(frozen=True)
class Logins:
    """The accounts of a server. users: password by user name, which is the mailbox too.

    any_sender: whoever has logged in may send as anybody. any_password: every one is right.
    tells_users: says of a name that it is unknown. wrong_signature: its SCRAM proves nothing.
    unproven: its SCRAM forgets to prove anything. refusal: its words for a wrong password.
    """

    users: Mapping[str, str]
    any_sender: bool = False
    any_password: bool = False
    tells_users: bool = False
    wrong_signature: bool = False
    unproven: bool = False
    refusal: str = _REFUSED
    iterations: int = 4096


class LoginSession:
    """AUTH in one connection. user: who has logged in, or None."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins
        self._exchange: _Exchange | None = None
        self._name = ""
        self.user: str | None = None

    @property
    def pending(self) -> bool:
        """Whether the next line is a response and no command."""
        return self._exchange is not None

    def may_send_as(self, mailbox: str) -> bool:
        return self.user is None or self._logins.any_sender or mailbox == self.user

    def begin(self, command: str) -> str:
        """The reply to an AUTH command (RFC 4954 section 4)."""
        words = command.split()
        initial = None if len(words) < 3 else b"" if words[2] == "=" else _octets(words[2])
        match words[1].upper() if len(words) > 1 else "":
            case "PLAIN":
                exchange = self._plain(initial)
            case "LOGIN":
                exchange = self._login()
            case "SCRAM-SHA-1":
                exchange = self._scram("sha1", initial)
            case "SCRAM-SHA-256":
                exchange = self._scram("sha256", initial)
            case _:
                return "504 5.5.4 Unrecognized authentication type"
        self._name = ""
        self._exchange = exchange
        return self._turn(None)

    def go_on(self, line: str) -> str:
        """The reply to a response."""
        if line == "*":
            self._exchange = None
            return "501 5.7.0 Authentication aborted"
        return self._turn(_octets(line))

    def _turn(self, response: bytes | None) -> str:
        assert self._exchange is not None
        try:
            challenge = next(self._exchange) if response is None else self._exchange.send(response)
        except StopIteration as end:
            self._exchange = None
            self.user = end.value
            if self.user is not None:
                return "235 2.7.0 Authentication successful"
            if self._logins.tells_users and self._name not in self._logins.users:
                return f"535 5.7.8 No such user: {self._name}"
            return self._logins.refusal
        except (ValueError, KeyError):
            self._exchange = None
            return "501 5.5.2 Cannot decode response"
        return f"334 {b64encode(challenge).decode()}"

    def _judged(self, name: str, password: str) -> str | None:
        self._name = name
        right = self._logins.users.get(name) == password
        return name if right or (self._logins.any_password and name) else None

    def _plain(self, initial: bytes | None) -> _Exchange:
        message = (yield b"") if initial is None else initial
        _, name, password = message.decode().split("\0")
        return self._judged(name, password)

    def _login(self) -> _Exchange:
        name = yield b"Username:"
        password = yield b"Password:"
        return self._judged(name.decode(), password.decode())

    def _scram(self, digest: str, initial: bytes | None) -> _Exchange:
        """RFC 5802 section 5; for a name that is unknown, as for a wrong password."""
        first = ((yield b"") if initial is None else initial).decode().removeprefix("n,,")
        fields = dict(part.split("=", 1) for part in first.split(","))
        self._name = fields["n"].replace("=2C", ",").replace("=3D", "=")
        nonce, salt = fields["r"] + secrets.token_urlsafe(12), secrets.token_bytes(16)
        count = self._logins.iterations
        server_first = f"r={nonce},s={b64encode(salt).decode()},i={count}"
        final = (yield server_first.encode()).decode()
        without_proof, _, proof = final.rpartition(",p=")
        password = self._logins.users.get(self._name, secrets.token_urlsafe())
        salted = hashlib.pbkdf2_hmac(digest, password.encode(), salt, count)
        message = f"{first},{server_first},{without_proof}".encode()
        client_key = hmac.digest(salted, b"Client Key", digest)
        signed = hmac.digest(hashlib.new(digest, client_key).digest(), message, digest)
        expected = bytes(a ^ b for a, b in zip(client_key, signed, strict=True))
        if not hmac.compare_digest(b64decode(proof), expected):
            return None
        if not self._logins.unproven:
            key = b"wrong" if self._logins.wrong_signature else salted
            server_key = hmac.digest(key, b"Server Key", digest)
            yield b"v=" + b64encode(hmac.digest(server_key, message, digest))
        return self._name


def _octets(text: str) -> bytes:
    return b64decode(text, validate=True)
