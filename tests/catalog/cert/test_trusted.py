"""cert-trusted."""

from audits.catalog.cert.trusted import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.tls import CertificateChain
from audits.subject import Service
from tests.build import judge, silent
from tests.catalog import wire


def of(seen: Fact | Unobserved, at: Service = wire.SUBMISSIONS) -> Result:
    return judge(evaluate, at, wire.both(), seen)


def test_verified_chain_passes() -> None:
    assert of(wire.chain(wire.SUBMISSIONS)).outcome is Outcome.PASS


def test_missing_intermediate_fails() -> None:
    words = "unable to get local issuer certificate"
    result = of(wire.chain(wire.SUBMISSIONS, code=20, message=words))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.HIGH)
    assert result.violations[0].message == f"{words} (X.509 error 20, depth 0)"
    assert result.violations[0].evidence[2].quote == "CN=Example Issuing CA"


def test_self_signed_certificate_on_port_25_is_of_low_severity() -> None:
    chain = wire.chain(wire.MX, wire.certificate(self_issued=True), code=18, message="self-signed")
    assert of(chain, wire.MX).severity is Severity.LOW


def test_dates_that_never_overlap_are_unknown() -> None:
    result = of(wire.chain(wire.SUBMISSIONS, code=10, message="certificate has expired"))
    assert result.outcome is Outcome.UNKNOWN


def test_chain_that_could_not_be_verified_is_unknown() -> None:
    chain = CertificateChain(wire.SUBMISSIONS, (), (wire.HOST,), None, "bad DER", ())
    assert of(chain).outcome is Outcome.UNKNOWN


def test_no_tls_is_not_applicable() -> None:
    unoffered = silent(CertificateChain, wire.SUBMISSIONS, Reason.NOT_OFFERED)
    assert of(unoffered).outcome is Outcome.NOT_APPLICABLE
