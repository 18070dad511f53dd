"""The client's side of SCRAM, message by message (RFC 5802, and RFC 7677 for SHA-256)."""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error

from audits.errors import ParseError
from audits.parse.saslprep import saslprep

# RFC 7677 section 4 asks for 4096 at least; the bound keeps a server from choosing our work.
MIN_ITERATIONS = 4096
MAX_ITERATIONS = 1_000_000
MAX_SALT_OCTETS = 1024

# RFC 5802 section 7: gs2-header for a client that does no channel binding and names no authzid
_GS2 = "n,,"
# RFC 5802 section 7: posit-number = %x31-39 *DIGIT; printable = %x21-2B / %x2D-7E
_COUNT = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)
_PRINTABLE = re.compile(r"[\x21-\x2b\x2d-\x7e]+")


class ServerSignatureError(ParseError):
    """The server did not prove that it knows the password: it may be another server."""


class Scram:
    """One authentication: `first`, then `final` for the server's first message, then `verify`.

    digest: hashlib's name, `sha1` or `sha256`. nonce: printable, without comma, fresh each time.
    iterations: what the server asked for; 0 before it did.
    All methods raise ParseError for what is no message of a server; it quotes no secret.
    """

    def __init__(self, digest: str, username: str, password: str, nonce: str) -> None:
        name = saslprep(username).replace("=", "=3D").replace(",", "=2C")
        self._digest = digest
        self._password = saslprep(password).encode()
        self._nonce = nonce
        self._bare = f"n={name},r={nonce}"
        self._signature: bytes | None = None
        self.iterations = 0

    def first(self) -> bytes:
        """client-first-message."""
        return f"{_GS2}{self._bare}".encode()

    def final(self, server_first: bytes) -> bytes:
        """client-final-message, with the proof that we know the password."""
        text = _text(server_first)
        nonce, salt, self.iterations = self._read(text)
        salted = hashlib.pbkdf2_hmac(self._digest, self._password, salt, self.iterations)
        stored = hashlib.new(self._digest, self._keyed(salted, b"Client Key")).digest()
        without_proof = f"c={b64encode(_GS2.encode()).decode()},r={nonce}"
        message = f"{self._bare},{text},{without_proof}".encode()
        signed = self._keyed(stored, message)
        proof = bytes(
            a ^ b for a, b in zip(self._keyed(salted, b"Client Key"), signed, strict=True)
        )
        self._signature = self._keyed(self._keyed(salted, b"Server Key"), message)
        return f"{without_proof},p={b64encode(proof).decode()}".encode()

    def verify(self, server_final: bytes) -> None:
        """Checks the server's signature; raises ServerSignatureError where it is not right."""
        fields = _fields(_text(server_final))
        if "e" in fields:
            raise ParseError("the server ended SCRAM with an error")
        if "v" not in fields or self._signature is None:
            raise ParseError("the server's last SCRAM message has no signature")
        if not hmac.compare_digest(_octets(fields["v"]), self._signature):
            raise ServerSignatureError("the server's SCRAM signature is wrong")

    def _read(self, text: str) -> tuple[str, bytes, int]:
        fields = _fields(text)
        if "m" in fields:
            raise ParseError("the server asks for a SCRAM extension that nobody knows")
        if not {"r", "s", "i"} <= fields.keys():
            raise ParseError("the server's first SCRAM message lacks nonce, salt or iterations")
        nonce, salt = fields["r"], _octets(fields["s"])
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise ParseError("the server's SCRAM nonce does not continue ours")
        if not _PRINTABLE.fullmatch(nonce):
            raise ParseError("the server's SCRAM nonce is not printable")
        if not 0 < len(salt) <= MAX_SALT_OCTETS:
            raise ParseError(f"the server's SCRAM salt has {len(salt)} octets")
        if not _COUNT.fullmatch(fields["i"]) or int(fields["i"]) > MAX_ITERATIONS:
            raise ParseError(f"the server asks for more than {MAX_ITERATIONS} SCRAM iterations")
        return nonce, salt, int(fields["i"])

    def _keyed(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._digest)


def _text(message: bytes) -> str:
    try:
        return message.decode("utf-8")
    except UnicodeDecodeError:
        raise ParseError("a SCRAM message of the server is not UTF-8") from None


def _fields(text: str) -> dict[str, str]:
    """attr-val = ALPHA "=" value, by their letter; the first of each counts."""
    fields: dict[str, str] = {}
    for part in text.split(","):
        letter, equals, value = part.partition("=")
        if len(letter) != 1 or not equals:
            raise ParseError("a SCRAM message of the server is not made of attributes")
        fields.setdefault(letter, value)
    return fields


def _octets(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (Base64Error, ValueError):
        raise ParseError("a SCRAM message of the server holds what is no base64") from None
