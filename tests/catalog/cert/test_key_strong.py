"""cert-key-strong."""

from typing import Any

import pytest

from audits.catalog.cert.key_strong import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.tls import Certificate, CertificateChain
from tests.build import judge, silent
from tests.catalog import wire


def of(seen: Fact | Unobserved, **params: Any) -> Result:
    return judge(evaluate, wire.SUBMISSIONS, wire.both(), seen, **params)


def key(kind: str, bits: int, curve: str | None = None, **fields: Any) -> Certificate:
    return wire.certificate(key_type=kind, key_bits=bits, curve=curve, **fields)


@pytest.mark.parametrize(
    ("held", "outcome"),
    [
        (key("rsa", 2048), Outcome.PASS),
        (key("rsa", 1024), Outcome.FAIL),
        (key("ec", 256, "prime256v1"), Outcome.PASS),
        (key("ec", 384, "secp384r1"), Outcome.PASS),
        (key("ec", 256, "brainpoolP256r1"), Outcome.PASS),
        (key("ec", 224, "secp224r1"), Outcome.FAIL),
        (key("ec", 256, "secp256k1"), Outcome.FAIL),
        (key("ed25519", 256), Outcome.PASS),
        (key("ed448", 456), Outcome.PASS),
        (key("dsa", 3072), Outcome.FAIL),
        (key("other", 0), Outcome.UNKNOWN),
    ],
)
def test_key_of_the_leaf(held: Certificate, outcome: Outcome) -> None:
    assert of(wire.chain(wire.SUBMISSIONS, held)).outcome is outcome


def test_message_names_the_key() -> None:
    result = of(wire.chain(wire.SUBMISSIONS, key("rsa", 1024)))
    assert result.violations[0].message == "CN=mx1.example.net has an RSA key of 1024 bits"
    assert result.severity is Severity.HIGH


def test_weak_intermediate_fails_and_a_root_served_along_does_not() -> None:
    weak = key("rsa", 1024, is_ca=True, subject="CN=Old CA")
    root = key("rsa", 1024, is_ca=True, self_issued=True)
    leaf = wire.certificate()
    assert of(wire.chain(wire.SUBMISSIONS, leaf, weak)).outcome is Outcome.FAIL
    assert of(wire.chain(wire.SUBMISSIONS, leaf, root)).outcome is Outcome.PASS


def test_weak_self_signed_leaf_fails() -> None:
    own = key("rsa", 1024, self_issued=True)
    assert of(wire.chain(wire.SUBMISSIONS, own)).outcome is Outcome.FAIL


def test_key_below_the_warning_is_of_low_severity() -> None:
    result = of(wire.chain(wire.SUBMISSIONS, key("rsa", 2048)), warn_rsa_bits=3072)
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.LOW)


def test_policy_sets_the_minimum() -> None:
    result = of(wire.chain(wire.SUBMISSIONS, key("rsa", 2048)), min_rsa_bits=3072)
    assert result.severity is Severity.HIGH


def test_failed_handshake_is_unknown() -> None:
    assert of(silent(CertificateChain, wire.SUBMISSIONS, Reason.TLS)).outcome is Outcome.UNKNOWN


def test_no_tls_is_not_applicable() -> None:
    unoffered = silent(CertificateChain, wire.SUBMISSIONS, Reason.NOT_OFFERED)
    assert of(unoffered).outcome is Outcome.NOT_APPLICABLE
