"""cert-name-matches."""

import pytest

from audits.catalog.cert.name_matches import evaluate
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

OTHER = wire.chain(wire.MX, wire.certificate(dns_names=("www.example.net",)))


def of(
    seen: Fact | Unobserved,
    at: Service = wire.SUBMISSIONS,
    published: Published = NOTHING,
    **params: Validation,
) -> Result:
    return judge(evaluate, at, wire.both(), seen, *published, **params)


def test_name_in_the_san_passes() -> None:
    assert of(wire.chain(wire.SUBMISSIONS)).outcome is Outcome.PASS


def test_wildcard_for_one_label_passes() -> None:
    wild = wire.certificate(dns_names=("*.example.net",))
    assert of(wire.chain(wire.SUBMISSIONS, wild)).outcome is Outcome.PASS


def test_other_name_fails() -> None:
    result = of(wire.chain(wire.SUBMISSIONS, wire.certificate(dns_names=("www.example.net",))))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.HIGH)
    message = "the certificate is for www.example.net, not for mx1.example.net"
    assert result.violations[0].message == message


def test_common_name_alone_fails() -> None:
    result = of(wire.chain(wire.SUBMISSIONS, wire.certificate(dns_names=())))
    assert result.outcome is Outcome.FAIL
    assert "no dNSName (CN=mx1.example.net)" in result.violations[0].message


def test_one_of_two_names_missing_fails() -> None:
    names = (wire.HOST, "submit.example.net")
    result = of(wire.chain(wire.SUBMISSIONS, names=names))
    assert result.violations[0].message.endswith("not for submit.example.net")


def test_without_mta_sts_and_dane_a_wrong_name_of_an_mx_is_for_information() -> None:
    result = of(OTHER, wire.MX)
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.INFO)


@pytest.mark.parametrize("published", [BY_STS, BY_STS_AND_KEY, BY_DANE_TA])
def test_a_wrong_name_that_senders_look_at_is_grave(published: Published) -> None:
    result = of(OTHER, wire.MX, published)
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.HIGH)


def test_by_a_tlsa_record_of_the_key_the_name_does_not_matter() -> None:
    assert of(OTHER, wire.MX, BY_DANE_EE).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize("published", OPEN)
def test_where_it_is_open_what_senders_verify_a_wrong_name_is_unknown(
    published: Published,
) -> None:
    assert of(OTHER, wire.MX, published).outcome is Outcome.UNKNOWN
    assert of(wire.chain(wire.MX), wire.MX, published).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("validation", "published", "outcome"),
    [
        ("pkix", NOTHING, Outcome.FAIL),
        ("pkix", BY_DANE_EE, Outcome.FAIL),
        ("dane", BY_STS_AND_KEY, Outcome.NOT_APPLICABLE),
        ("dane", BY_DANE_TA, Outcome.FAIL),
        ("none", BY_STS, Outcome.NOT_APPLICABLE),
    ],
)
def test_a_policy_may_say_how_senders_verify(
    validation: Validation, published: Published, outcome: Outcome
) -> None:
    assert of(OTHER, wire.MX, published, mx_validation=validation).outcome is outcome


def test_unreadable_leaf_is_unknown() -> None:
    broken = wire.chain(wire.SUBMISSIONS, wire.certificate(is_ca=True), malformed="bad DER")
    result = of(broken)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail == "bad DER"


def test_failed_handshake_is_unknown() -> None:
    assert of(silent(CertificateChain, wire.SUBMISSIONS, Reason.TLS)).outcome is Outcome.UNKNOWN


def test_no_tls_is_not_applicable() -> None:
    unoffered = silent(CertificateChain, wire.SUBMISSIONS, Reason.NOT_OFFERED)
    assert of(unoffered).outcome is Outcome.NOT_APPLICABLE
