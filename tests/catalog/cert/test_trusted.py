"""cert-trusted."""

import pytest

from audits.catalog.cert.trusted import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.tls import CertificateChain
from audits.parse.mx_validation import Validation
from audits.subject import Service
from tests.build import judge, silent
from tests.catalog import wire
from tests.catalog.cert.published import (
    BY_DANE_EE,
    BY_DANE_TA,
    BY_STS,
    BY_STS_AND_KEY,
    NOTHING,
    OPEN,
    Published,
)

SELF_SIGNED = wire.chain(
    wire.MX, wire.certificate(self_issued=True), code=18, message="self-signed"
)


def of(
    seen: Fact | Unobserved,
    at: Service = wire.SUBMISSIONS,
    published: Published = NOTHING,
    **params: Validation,
) -> Result:
    return judge(evaluate, at, wire.both(), seen, *published, **params)


def test_verified_chain_passes() -> None:
    assert of(wire.chain(wire.SUBMISSIONS)).outcome is Outcome.PASS


def test_missing_intermediate_fails() -> None:
    words = "unable to get local issuer certificate"
    result = of(wire.chain(wire.SUBMISSIONS, code=20, message=words))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.HIGH)
    assert result.violations[0].message == f"{words} (X.509 error 20, depth 0)"
    assert result.violations[0].evidence[2].quote == "CN=Example Issuing CA"


def test_without_mta_sts_a_self_signed_certificate_of_an_mx_is_for_information() -> None:
    result = of(SELF_SIGNED, wire.MX)
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.INFO)


@pytest.mark.parametrize("published", [BY_STS, BY_STS_AND_KEY])
def test_under_mta_sts_it_is_grave(published: Published) -> None:
    result = of(SELF_SIGNED, wire.MX, published)
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.HIGH)


@pytest.mark.parametrize("published", [BY_DANE_EE, BY_DANE_TA])
def test_a_tlsa_record_stands_in_for_a_root(published: Published) -> None:
    assert of(SELF_SIGNED, wire.MX, published).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize("published", OPEN)
def test_where_it_is_open_what_senders_verify_a_fault_is_unknown(published: Published) -> None:
    assert of(SELF_SIGNED, wire.MX, published).outcome is Outcome.UNKNOWN
    assert of(wire.chain(wire.MX), wire.MX, published).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("validation", "published", "outcome"),
    [
        ("pkix", BY_DANE_EE, Outcome.FAIL),
        ("dane", BY_STS_AND_KEY, Outcome.NOT_APPLICABLE),
        ("none", BY_STS, Outcome.NOT_APPLICABLE),
    ],
)
def test_a_policy_may_say_how_senders_verify(
    validation: Validation, published: Published, outcome: Outcome
) -> None:
    assert of(SELF_SIGNED, wire.MX, published, mx_validation=validation).outcome is outcome


@pytest.mark.parametrize("eku", [(), ("serverAuth",), ("clientAuth", "serverAuth")])
def test_a_leaf_for_servers_passes(eku: tuple[str, ...]) -> None:
    leaf = wire.certificate(eku=eku)
    assert of(wire.chain(wire.SUBMISSIONS, leaf)).outcome is Outcome.PASS


@pytest.mark.parametrize("code", [0, 10])
def test_a_leaf_for_another_purpose_fails(code: int) -> None:
    leaf = wire.certificate(eku=("clientAuth", "1.2.3.4"))
    result = of(wire.chain(wire.SUBMISSIONS, leaf, code=code))
    assert result.outcome is Outcome.FAIL
    message = "its extended key usage is clientAuth, 1.2.3.4, without serverAuth"
    assert result.violations[0].message == message


def test_dates_that_never_overlap_are_unknown() -> None:
    result = of(wire.chain(wire.SUBMISSIONS, code=10, message="certificate has expired"))
    assert result.outcome is Outcome.UNKNOWN


def test_chain_that_could_not_be_verified_is_unknown() -> None:
    chain = CertificateChain(wire.SUBMISSIONS, (), (wire.HOST,), None, "bad DER", ())
    assert of(chain).outcome is Outcome.UNKNOWN


def test_no_tls_is_not_applicable() -> None:
    unoffered = silent(CertificateChain, wire.SUBMISSIONS, Reason.NOT_OFFERED)
    assert of(unoffered).outcome is Outcome.NOT_APPLICABLE
