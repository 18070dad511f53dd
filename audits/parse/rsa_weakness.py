"""Public keys whose private half anybody can have: how they can be told from the key alone."""

from functools import cache
from math import gcd, isqrt, prod

# Longer ones are no keys that anybody verifies with, and only cost time.
_MAX_BITS = 8192
_SMALL_PRIMES_BELOW = 2000
_FERMAT_STEPS = 30

# SHA-256 of keys whose private half stands beside them in an RFC.
_PUBLISHED = {
    "dba3f0cb69f06d70e41abc6ac5812bc3d2639a24b621ba5d241202ac89cb7b9c": "RFC 6376 appendix C",
    "362d9a99501883f6d1ac717c53fff96582fb0a7c52464cb64b9082aa887bc7b4": "RFC 8463 appendix A",
    "21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9": "RFC 8463 appendix A",
}

# Infineon's library made primes k * M + 65537**a mod M, M the product of the first primes; so
# every modulus of it is a power of 65537 modulo each of them (CVE-2017-15361).
_ROCA_GENERATOR = 65537
_ROCA_PRIMES_UP_TO = 167


def published_example(key_sha256: str) -> str | None:
    """Why a key is no secret: it is the example of an RFC. None where it is none of those.

    key_sha256: of SubjectPublicKeyInfo for RSA, of the 32 octets for Ed25519.
    """
    source = _PUBLISHED.get(key_sha256)
    return f"the key is the example of {source}, where its private key stands" if source else None


def modulus_weakness(modulus: int) -> str | None:
    """Why an RSA modulus is factored at once; None where no quick way is known."""
    if modulus.bit_length() > _MAX_BITS:
        return None
    common = gcd(modulus, prod(_primes(_SMALL_PRIMES_BELOW)))
    if common > 1:
        factor = next(prime for prime in _primes(_SMALL_PRIMES_BELOW) if common % prime == 0)
        return f"the modulus is divisible by {factor}"
    if _close_factors(modulus):
        return "the two primes of the modulus are so close that it is factored at once"
    if all(modulus % prime in powers for prime, powers in _roca_residues()):
        return "the modulus was made by a library whose keys are factored (CVE-2017-15361)"
    return None


def _close_factors(modulus: int) -> bool:
    """Fermat's method: looks for a and b with modulus = a**2 - b**2, a near the root."""
    root = isqrt(modulus - 1) + 1
    squares = (candidate**2 - modulus for candidate in range(root, root + _FERMAT_STEPS))
    return any(isqrt(square) ** 2 == square for square in squares)


@cache
def _primes(below: int) -> tuple[int, ...]:
    return tuple(n for n in range(2, below) if all(n % d for d in range(2, isqrt(n) + 1)))


@cache
def _roca_residues() -> tuple[tuple[int, frozenset[int]], ...]:
    return tuple(
        (prime, frozenset(pow(_ROCA_GENERATOR, power, prime) for power in range(prime - 1)))
        for prime in _primes(_ROCA_PRIMES_UP_TO + 1)
    )
