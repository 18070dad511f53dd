"""cert-no-wildcard."""

from audits.catalog.cert.no_wildcard import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.tls import CertificateChain
from tests.build import judge, silent
from tests.catalog import wire


def of(seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.SUBMISSIONS, wire.both(), seen)


def test_names_of_hosts_pass() -> None:
    assert of(wire.chain(wire.SUBMISSIONS)).outcome is Outcome.PASS


def test_a_wildcard_is_for_information() -> None:
    names = (wire.HOST, "*.example.net")
    result = of(wire.chain(wire.SUBMISSIONS, wire.certificate(dns_names=names)))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.INFO)
    assert result.violations[0].message == "the certificate is for *.example.net"
    assert result.violations[0].evidence[0].pointer == "/certificates/0/dns_names/1"


def test_unreadable_leaf_is_unknown() -> None:
    broken = CertificateChain(wire.SUBMISSIONS, (), (wire.HOST,), None, "bad DER", ())
    assert of(broken).outcome is Outcome.UNKNOWN


def test_no_tls_is_not_applicable() -> None:
    unoffered = silent(CertificateChain, wire.SUBMISSIONS, Reason.NOT_OFFERED)
    assert of(unoffered).outcome is Outcome.NOT_APPLICABLE
