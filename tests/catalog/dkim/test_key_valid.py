"""dkim-key-valid."""

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from audits.catalog.dkim.key_valid import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dns import DkimKeys
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.dkim.selectors import (
    SUBJECT,
    dkim,
    ed25519_text,
    rsa_text,
    selector,
    silent_selector,
)


def of(*texts: str) -> Result:
    return judge(evaluate, SUBJECT, domain(), dkim(selector("s1", *texts)))


@pytest.mark.parametrize(
    "text",
    [
        rsa_text(),
        pytest.param(ed25519_text(), id="ed25519"),
        rsa_text().removeprefix("v=DKIM1; k=rsa; "),
        f"{rsa_text()}; s=email:other",
        f"{rsa_text()}; s=*",
        f"{rsa_text()}; t=s; n=note",
    ],
)
def test_usable_key_passes(text: str) -> None:
    assert of(text).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("v=DKIM1; k=rsa; p=%%%", "tag p is not base64"),
        ("v=DKIM1; k=rsa", "tag p is missing"),
        ("v=dkim1; p=", "v=dkim1 is not v=DKIM1"),
        (rsa_text().replace("k=rsa", "k=ecdsa"), 'k="ecdsa" is not a key type of DKIM'),
        (f"{rsa_text()}; s=tlsrpt", "s=tlsrpt does not allow mail"),
    ],
)
def test_unusable_key_fails(text: str, fault: str) -> None:
    if text.endswith("p="):
        text += rsa_text().partition("p=")[2]
    result = of(text)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.HIGH
    assert result.violations[0].message == f"selector s1: {fault}"


def test_published_private_key_fails_without_its_text() -> None:
    pem = rsa.generate_private_key(65537, 1024).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    result = of(f"v=DKIM1; p={pem.decode()}")
    assert result.violations[0].message == "selector s1: a private key is published"
    assert result.severity is Severity.CRITICAL
    assert pem.decode()[40:80] not in str(result)


def rsa_of(modulus: int, exponent: int) -> str:
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; p={b64encode(der).decode()}"


def test_key_whose_private_half_anybody_has_is_critical() -> None:
    sound = rsa.generate_private_key(65537, 2048).public_key().public_numbers().n
    for text, words in (
        (rsa_of(sound * 3, 65537), "the modulus is divisible by 3"),
        ("k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "example of RFC 8463"),
    ):
        result = of(text)
        assert result.outcome is Outcome.FAIL
        assert result.severity is Severity.CRITICAL
        assert words in result.violations[0].message
    small = of(rsa_of(sound, 3))
    assert small.severity is Severity.MEDIUM
    assert "the public exponent is 3" in small.violations[0].message


def test_two_records_fail() -> None:
    result = of(rsa_text(), ed25519_text())
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "selector s1 has 2 TXT records"


def test_upper_case_algorithm_is_low() -> None:
    result = of(rsa_text().replace("k=rsa", "k=RSA"))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.LOW


def test_no_key_in_force_is_not_applicable() -> None:
    for keys in (dkim(domainkey="NOERROR"), dkim(selector("s1")), dkim(selector("s1", "p="))):
        result = judge(evaluate, SUBJECT, domain(), keys)
        assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_selector_is_unknown_unless_another_is_broken() -> None:
    half = dkim(selector("s1", rsa_text()), silent_selector("s2"))
    result = judge(evaluate, SUBJECT, domain(), half)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail == "s2._domainkey.example.net: no answer in 3 s"
    broken = dkim(selector("s1", "p=?"), silent_selector("s2"))
    assert judge(evaluate, SUBJECT, domain(), broken).outcome is Outcome.FAIL


def test_silent_look_up_is_unknown() -> None:
    unseen = silent(DkimKeys, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
