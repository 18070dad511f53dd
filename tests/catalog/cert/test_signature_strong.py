"""cert-signature-strong."""

import pytest

from audits.catalog.cert.signature_strong import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.tls import CertificateChain
from tests.build import judge, silent
from tests.catalog import wire


def of(seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.SUBMISSIONS, wire.both(), seen)


def signed(*algorithms: str, root: str | None = None) -> CertificateChain:
    served = [wire.certificate(signature_algorithm=each) for each in algorithms]
    if root is not None:
        served.append(wire.certificate(signature_algorithm=root, self_issued=True, is_ca=True))
    return wire.chain(wire.SUBMISSIONS, *served)


@pytest.mark.parametrize("algorithm", ["ecdsa-with-sha256", "rsa-with-sha512", "ed25519"])
def test_signatures_of_today_pass(algorithm: str) -> None:
    assert of(signed(algorithm)).outcome is Outcome.PASS


@pytest.mark.parametrize("algorithm", ["rsa-with-sha1", "rsa-with-md5", "ecdsa-with-sha1"])
def test_a_broken_digest_fails_wherever_it_is(algorithm: str) -> None:
    for chain in (signed(algorithm), signed("rsa-with-sha256", algorithm)):
        result = of(chain)
        assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.HIGH)
        assert f"is signed with {algorithm}" in result.violations[0].message


def test_a_root_that_is_served_along_is_not_judged() -> None:
    assert of(signed("rsa-with-sha256", root="rsa-with-sha1")).outcome is Outcome.PASS


def test_a_self_signed_leaf_is_judged() -> None:
    own = wire.certificate(signature_algorithm="rsa-with-sha1", self_issued=True)
    assert of(wire.chain(wire.SUBMISSIONS, own)).outcome is Outcome.FAIL


def test_sha_224_is_of_low_severity() -> None:
    assert of(signed("ecdsa-with-sha224")).severity is Severity.LOW


def test_unreadable_certificate_is_unknown_unless_another_is_weak() -> None:
    assert of(wire.chain(wire.SUBMISSIONS, malformed="bad DER")).outcome is Outcome.UNKNOWN
    weak = wire.certificate(signature_algorithm="rsa-with-md5")
    chain = wire.chain(wire.SUBMISSIONS, weak, malformed="bad DER")
    assert of(chain).outcome is Outcome.FAIL


def test_no_tls_is_not_applicable() -> None:
    unoffered = silent(CertificateChain, wire.SUBMISSIONS, Reason.NOT_OFFERED)
    assert of(unoffered).outcome is Outcome.NOT_APPLICABLE
