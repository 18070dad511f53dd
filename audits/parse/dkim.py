"""DKIM key records (RFC 6376 section 3.6.1, RFC 8301, RFC 8463)."""

from base64 import b64decode
from binascii import Error as Base64Error
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)
from msgspec import Struct

from audits.facts.dns import DkimKey, DkimSelector, Tag
from audits.parse.rsa_weakness import modulus_weakness, published_example
from audits.parse.tag_list import FOLDING_WHITE_SPACE, TagList, first, quoted, tag_list

_WITHHELD = "(private key withheld)"
_MAX_EXPONENT_BITS = 63  # what JSON readers take for a whole number


class _PublicKey(Struct, frozen=True):
    """What the value of `p` holds. fault: why it is no key of the algorithm that `k` names."""

    form: str | None = None
    bits: int | None = None
    exponent: int | None = None
    sha256: str | None = None
    weakness: str | None = None
    fault: str | None = None
    private: bool = False


def dkim_key(text: str) -> DkimKey:
    """The key record in `text`, the strings of its TXT record already joined.

    A published private key is reported as such and dropped from the result.
    """
    parsed = tag_list(text)
    algorithm = (parsed.value("k") or "rsa").lower()
    published = parsed.value("p")
    key = _public_key(algorithm, published)
    if key.private or "PRIVATE KEY" in text.upper():
        key = _PublicKey(fault="a private key is published", private=True)
        text, parsed = _WITHHELD, _without_key(parsed)
    faults = (_version_fault(parsed), _escape_fault(text, parsed), parsed.malformed, key.fault)
    return DkimKey(
        text=text,
        tags=parsed.tags,
        algorithm=algorithm,
        form=key.form,
        bits=key.bits,
        exponent=key.exponent,
        key_sha256=key.sha256,
        weakness=key.weakness,
        private=key.private,
        # A list with a tag that stands twice is invalid, whatever its first p says.
        revoked=published == "" and parsed.malformed is None,
        hashes=_list(parsed, "h"),
        services=_list(parsed, "s"),
        flags=_list(parsed, "t"),
        malformed=key.fault if key.private else first(filter(None, faults)),
    )


def key_fault(key: DkimKey) -> str | None:
    """Why no mail can be signed with a key that is in force; None where some can."""
    if key.malformed is not None:
        return key.malformed
    if key.services and not {"*", "email"} & set(key.services):
        return f"s={':'.join(key.services)} does not allow mail"
    return None


def selector_fault(selector: DkimSelector) -> str | None:
    """Why no signature under a selector that answered can be verified; None where one can.

    What several records at one name mean is undefined (RFC 6376 section 3.6.2.2).
    """
    if selector.answer is None:
        return None
    if not selector.keys:
        return f"has no key ({selector.answer.rcode})"
    if len(selector.keys) > 1:
        return f"has {len(selector.keys)} TXT records"
    (key,) = selector.keys
    fault = "it is revoked" if key.revoked else key_fault(key)
    return None if fault is None else f"has no usable key: {fault}"


def _without_key(parsed: TagList) -> TagList:
    kept = tuple(tag for tag in parsed.tags if tag.name in ("v", "k", "h", "s", "t"))
    secret = any("PRIVATE KEY" in tag.value.upper() for tag in kept)
    return TagList(() if secret else (*kept, Tag("p", _WITHHELD)), None)


def _list(parsed: TagList, name: str) -> tuple[str, ...]:
    """The items of a colon-separated value, lower case; empty where the tag is absent."""
    value = parsed.value(name) or ""
    items = (item.strip(FOLDING_WHITE_SPACE).lower() for item in value.split(":"))
    return tuple(filter(None, items))


def _version_fault(parsed: TagList) -> str | None:
    """`v` is optional; where present it comes first and is exactly DKIM1."""
    version = parsed.value("v")
    if version is None or version.endswith("\\"):
        return None
    if version != "DKIM1":
        return f"v={version} is not v=DKIM1"
    return None if parsed.tags[0].name == "v" else "v= is not the first tag"


def _escape_fault(text: str, parsed: TagList) -> str | None:
    """Some providers' forms publish the quotes and escapes of a zone file as part of the text."""
    if text.lstrip().startswith('"'):
        return "quotation marks stand around the text: remove them"
    for tag in parsed.tags:
        if tag.value.endswith("\\"):
            return f"a backslash stands before the semicolon after tag {tag.name}: remove it"
    return None


def _public_key(algorithm: str, published: str | None) -> _PublicKey:
    if published is None:
        return _PublicKey(fault="tag p is missing")
    if published == "":
        return _PublicKey()
    try:
        data = b64decode("".join(published.split()).rstrip("\\"), validate=True)
    except (Base64Error, ValueError):
        return _PublicKey(fault="tag p is not base64")
    digest = sha256(data).hexdigest()
    match algorithm:
        case "rsa":
            return _rsa(data, digest)
        case "ed25519":
            return _ed25519(data, digest)
        case _:
            fault = f"k={quoted(algorithm)} is not a key type of DKIM"
            return _PublicKey(sha256=digest, fault=fault, private=_is_private(data))


def _rsa(data: bytes, digest: str) -> _PublicKey:
    """RFC 6376 section 3.6.1 names RSAPublicKey, and by its erratum SubjectPublicKeyInfo."""
    try:
        key = load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        fault = "tag p holds no RSA public key"
        return _PublicKey(sha256=digest, fault=fault, private=_is_private(data))
    if not isinstance(key, RSAPublicKey):
        return _PublicKey(sha256=digest, fault="tag p holds a key that is not RSA")
    bare = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    digest = sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    numbers = key.public_numbers()
    return _PublicKey(
        form="pkcs1" if bare == data else "spki",
        bits=key.key_size,
        exponent=numbers.e if numbers.e.bit_length() <= _MAX_EXPONENT_BITS else None,
        sha256=digest,
        weakness=published_example(digest) or modulus_weakness(numbers.n),
    )


def _ed25519(data: bytes, digest: str) -> _PublicKey:
    """RFC 8463 section 4: the 32 octets of the key, without any ASN.1 around them."""
    if len(data) == 32:
        weakness = published_example(digest)
        return _PublicKey(form="raw", bits=256, sha256=digest, weakness=weakness)
    try:
        wrapped = isinstance(load_der_public_key(data), Ed25519PublicKey)
    except (ValueError, UnsupportedAlgorithm):
        fault = f"tag p holds {len(data)} octets, an Ed25519 key has 32"
        return _PublicKey(sha256=digest, fault=fault, private=_is_private(data))
    if wrapped:
        fault = "the Ed25519 key is wrapped in SubjectPublicKeyInfo: publish its last 32 octets"
        return _PublicKey(sha256=digest, fault=fault)
    return _PublicKey(sha256=digest, fault="tag p holds a key that is not Ed25519")


def _is_private(data: bytes) -> bool:
    try:
        load_der_private_key(data, password=None)
    except TypeError:
        return True  # it is encrypted
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True
