"""cert-name-matches."""

from audits.catalog.cert.name_matches import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.tls import CertificateChain
from audits.subject import Service
from tests.build import judge, silent
from tests.catalog import wire


def of(seen: Fact | Unobserved, at: Service = wire.SUBMISSIONS) -> Result:
    return judge(evaluate, at, wire.both(), seen)


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


def test_port_25_is_of_low_severity() -> None:
    other = wire.chain(wire.MX, wire.certificate(dns_names=("www.example.net",)))
    assert of(other, wire.MX).severity is Severity.LOW


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
