"""What policies forbid and allow in TLS, as code points: the names in their parameters mean this.

The same sets decide what services are offered and how their answers are judged.
"""

from collections.abc import Iterable
from functools import cache
from typing import Literal

from audits.facts.tls_offer import Version
from audits.parse.tls_names import (
    CURVES,
    GROUPS,
    HYBRIDS,
    RFC8446_SUITES,
    SSL2_SUITES,
    SUITES,
    SUITES_13,
    SUITES_BEFORE_13,
    key_exchange,
)

# Words in the names of suites that give practically no protection.
DENIED = ("NULL", "EXPORT", "anon", "RC4", "DES", "3DES", "RC2", "IDEA", "MD5")
# RFC 9155 section 2. SHA-224, only just longer, is what a server picks where it is offered beside
# them, so it is asked for apart.
WEAK_SCHEMES = frozenset({0x0101, 0x0201, 0x0203})
SHA224_SCHEMES = frozenset({0x0301, 0x0303})
MODERN_GROUPS = (
    "x25519",
    "x448",
    "secp256r1",
    "secp384r1",
    "secp521r1",
    "X25519MLKEM768",
    "SecP256r1MLKEM768",
    "SecP384r1MLKEM1024",
)
# Groups that a policy can require. DHE groups are the server's to choose.
RequiredGroup = Literal[
    "x25519",
    "x448",
    "secp256r1",
    "secp384r1",
    "secp521r1",
    "brainpoolP256r1",
    "brainpoolP384r1",
    "brainpoolP512r1",
    "X25519MLKEM768",
    "SecP256r1MLKEM768",
    "SecP384r1MLKEM1024",
]

_AEAD_256_128 = ("AES_256_GCM_SHA384", "AES_128_GCM_SHA256")
_CHACHA = "CHACHA20_POLY1305_SHA256"
_CBC_SHA2 = ("AES_256_CBC_SHA384", "AES_256_CBC_SHA256", "AES_128_CBC_SHA256")
_CCM = ("AES_256_CCM", "AES_128_CCM")
_EPHEMERAL_EC = ("ECDHE_ECDSA", "ECDHE_RSA")
_EPHEMERAL = (*_EPHEMERAL_EC, "DHE_RSA")


def _suites(methods: Iterable[str], ciphers: Iterable[str]) -> frozenset[int]:
    wanted = {f"TLS_{method}_WITH_{cipher}" for method in methods for cipher in ciphers}
    return frozenset(code for code, name in SUITES.items() if name in wanted)


def _named(*names: str) -> frozenset[int]:
    return frozenset(code for code, name in SUITES.items() if name in names)


_RFC9325 = RFC8446_SUITES | _suites(_EPHEMERAL_EC, (*_AEAD_256_128, _CHACHA))
_NL_GOOD = _named("TLS_AES_256_GCM_SHA384", f"TLS_{_CHACHA}")
_NL_SUFFICIENT = (
    _NL_GOOD
    | _named("TLS_AES_128_GCM_SHA256", "TLS_AES_128_CCM_SHA256")
    | _suites(("ECDHE_ECDSA",), (*_AEAD_256_128, _CHACHA, *_CCM))
    | _suites(("ECDHE_RSA",), (*_AEAD_256_128, _CHACHA))
)
# Suites with SHA-2 that NCSC-NL lets run out: CBC, other block ciphers, and everything with DHE.
_NL_PHASE_OUT = frozenset(
    code
    for code, name in SUITES.items()
    if key_exchange(code) in _EPHEMERAL
    and name.endswith(("SHA256", "SHA384", "CCM"))
    and any(cipher in name for cipher in ("AES", "ARIA", "CAMELLIA", "CHACHA20"))
    and code not in _NL_SUFFICIENT
)
_BSI = _named("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_AES_128_CCM_SHA256")
_BSI |= _suites(_EPHEMERAL, (*_AEAD_256_128, *_CCM, *_CBC_SHA2))
_NIST = _named(
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
)
_NIST |= _suites(_EPHEMERAL, (*_AEAD_256_128, *_CCM, *_CBC_SHA2))

# What is allowed, and what is still tolerated, by the names that policies use.
ALLOW_LISTS: dict[str, tuple[frozenset[int], frozenset[int]]] = {
    "rfc9325": (_RFC9325, frozenset()),
    "ncsc-nl-good": (_NL_GOOD, frozenset()),
    "ncsc-nl-sufficient": (_NL_SUFFICIENT, _NL_PHASE_OUT),
    "bsi-02102-2": (_BSI, frozenset()),
    "nist-52r2": (_NIST, frozenset()),
}


def denied_suites(words: Iterable[str]) -> frozenset[int]:
    """Every known suite with one of these words in its name, SSL 2's included.

    `DES` is DES with 40 or 56 bits alone, `CBC` every suite in that mode.
    """
    wanted = {word.upper() for word in words}
    names = {**SUITES, **SSL2_SUITES}
    return frozenset(code for code, name in names.items() if wanted & _words(name))


@cache
def _words(name: str) -> frozenset[str]:
    words = set(name.upper().split("_"))
    if "3DES" in words or "EDE3" in words:
        words = (words - {"DES"}) | {"3DES"}
    if "DES40" in words:
        words |= {"DES", "EXPORT"}
    return frozenset(words | ({"EXPORT"} if "EXPORT40" in words else set()))


def allowed_suites(list_name: str) -> tuple[frozenset[int], frozenset[int]]:
    """The suites that an allow list takes, and those that it tolerates for the time being."""
    return ALLOW_LISTS[list_name]


@cache
def suites_without_forward_secrecy() -> frozenset[int]:
    """Suites whose key exchange is RSA, or DH or ECDH with the key of the certificate."""
    return frozenset(
        code
        for code in SUITES_BEFORE_13
        if key_exchange(code).startswith(("RSA", "ECDH_RSA", "ECDH_ECDSA"))
    )


@cache
def dhe_suites() -> frozenset[int]:
    """Suites with an ephemeral Diffie-Hellman group of whatever size the server chooses."""
    return frozenset(
        code for code in SUITES_BEFORE_13 if key_exchange(code).startswith(("DHE_", "DH_anon"))
    )


def curves_outside(allowed: Iterable[str]) -> frozenset[int]:
    """Elliptic curves that are not among these names, in any case."""
    names = {name.lower() for name in allowed}
    return frozenset(code for code in CURVES if GROUPS[code].lower() not in names)


def required_groups(names: Iterable[str]) -> frozenset[int]:
    """Curves and hybrids of these names, in any case, by their code point of TLS 1.2 if any."""
    wanted = {name.lower() for name in names}
    return frozenset(code for code in CURVES | HYBRIDS if GROUPS[code].lower() in wanted)


def hybrids_named(names: Iterable[str]) -> frozenset[int]:
    """The hybrid groups of these names, in any case."""
    wanted = {name.lower() for name in names}
    return frozenset(code for code in HYBRIDS if GROUPS[code].lower() in wanted)


def versions_below(minimum: Version) -> frozenset[Version]:
    """Every version that is older."""
    return frozenset(version for version in Version if version.rank < minimum.rank)


def suites_13_outside(allowed: frozenset[int]) -> frozenset[int]:
    """Suites of TLS 1.3 to offer: none where all that RFC 8446 defines are allowed.

    Others, of national standards or without encryption, are off unless somebody wants them, and
    no MTA has a switch for them.
    """
    return SUITES_13 - allowed if RFC8446_SUITES - allowed else frozenset()
