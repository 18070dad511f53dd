"""Keys that anybody can factor, or whose private half is in an RFC."""

from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from itertools import count
from math import gcd, prod

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from audits.parse.rsa_weakness import modulus_weakness, published_example

SOUND = rsa.generate_private_key(65537, 2048).private_numbers()
P, Q = SOUND.p, SOUND.q
EXAMPLES = {
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOC"
    "KG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGj"
    "aNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB": "RFC 6376",
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J1"
    "6JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2"
    "EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB": "RFC 8463",
    "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=": "RFC 8463",
}


SMALL_PRIMES = [n for n in range(2, 2000) if all(n % d for d in range(2, int(n**0.5) + 1))]


def without_small_factors(candidates: Iterator[int]) -> int:
    """The first of the candidates that trial division says nothing of."""
    return next(n for n in candidates if gcd(n, prod(SMALL_PRIMES)) == 1)


def of_infineon_shape() -> int:
    """Twice k * M + 65537**a mod M: the shape that the library gave its primes, of two sizes."""
    together = prod(prime for prime in SMALL_PRIMES if prime < 168)
    return prod(
        without_small_factors(
            (1 << bits) // together * together + k * together + pow(65537, power, together)
            for k in count()
        )
        for bits, power in ((800, 12345), (900, 54321))
    )


def test_sound_modulus_has_no_weakness() -> None:
    assert modulus_weakness(P * Q) is None


@pytest.mark.parametrize(
    ("modulus", "words"),
    [
        (P * Q * 2, "divisible by 2"),
        (P * Q * 3, "divisible by 3"),
        (P * Q * 1999 * 7, "divisible by 7"),
        (P * P, "so close"),
        (P * without_small_factors(P + near for near in count(2, 2)), "so close"),
        (of_infineon_shape(), "CVE-2017-15361"),
    ],
    ids=["even", "by 3", "by 7", "square", "close", "infineon"],
)
def test_modulus_that_is_factored_at_once_is_told(modulus: int, words: str) -> None:
    assert words in (modulus_weakness(modulus) or "")


def test_endless_modulus_costs_nothing() -> None:
    assert modulus_weakness(1 << 100_000) is None


@pytest.mark.parametrize(("published", "source"), EXAMPLES.items())
def test_example_of_an_rfc_is_told(published: str, source: str) -> None:
    digest = sha256(b64decode(published)).hexdigest()
    assert source in (published_example(digest) or "")


def test_other_key_is_no_example() -> None:
    assert published_example(sha256(b"").hexdigest()) is None
