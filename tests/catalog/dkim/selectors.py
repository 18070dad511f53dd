"""DKIM keys for tests, by what is published under each selector."""

from base64 import b64encode
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audits.facts.dns import DkimKeys, DkimSelector
from audits.facts.fact import Reason, Silence
from audits.parse.dkim import dkim_key
from audits.subject import Domain
from tests.build import answer

SUBJECT = Domain("example.net")
SILENT = Silence(Reason.DNS_TIMEOUT, "no answer in 3 s")


@cache
def rsa_text(bits: int = 2048) -> str:
    """A DKIM record with a new RSA key."""
    key = rsa.generate_private_key(65537, bits).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={b64encode(der).decode()}"


@cache
def ed25519_text() -> str:
    raw = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    return f"v=DKIM1; k=ed25519; p={b64encode(raw).decode()}"


def dkim(*selectors: DkimSelector, domainkey: str | None = None) -> DkimKeys:
    """domainkey: the rcode at `_domainkey.example.net`, or None where it was not asked for."""
    found = answer("_domainkey.example.net", domainkey) if domainkey else None
    return DkimKeys(SUBJECT, selectors, found)


def selector(
    name: str, *texts: str, rcode: str = "NOERROR", alias: tuple[str, ...] = ()
) -> DkimSelector:
    at = f"{name}._domainkey.example.net"
    return DkimSelector(name, at, alias, answer(at, rcode), tuple(map(dkim_key, texts)), None)


def silent_selector(name: str) -> DkimSelector:
    return DkimSelector(name, f"{name}._domainkey.example.net", (), None, (), SILENT)
