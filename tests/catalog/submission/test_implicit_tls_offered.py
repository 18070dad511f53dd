"""submission-implicit-tls-offered."""

import pytest
from msgspec.structs import replace

from audits.catalog.submission.implicit_tls_offered import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Reason, Step, Unobserved
from audits.facts.tcp import PortState
from audits.facts.tls import TlsHandshake
from audits.subject import MailHost, Service
from tests.build import judge, roles, silent
from tests.catalog import wire

HOST = MailHost(wire.HOST)
OPEN = wire.port(wire.SUBMISSIONS)


def of(*seen: Fact | Unobserved) -> Result:
    return judge(evaluate, HOST, wire.msa(465), *seen)


def test_tls_at_once_passes() -> None:
    assert of(OPEN, wire.handshake(wire.SUBMISSIONS)).outcome is Outcome.PASS


def test_closed_port_fails() -> None:
    gone = silent(TlsHandshake, wire.SUBMISSIONS, Reason.REFUSED)
    result = of(wire.port(wire.SUBMISSIONS, "closed", "Connection refused"), gone)
    assert result.outcome is Outcome.FAIL
    assert result.step is Step.TCP


def test_465_that_speaks_in_clear_fails() -> None:
    result = of(OPEN, wire.handshake(wire.SUBMISSIONS, error="not TLS: the server sent '220 mx1'"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == (
        "port 465 speaks in clear where TLS is expected: the server sent '220 mx1'"
    )


def test_465_that_ends_the_handshake_with_an_alert_fails() -> None:
    result = of(OPEN, wire.handshake(wire.SUBMISSIONS, error="alert handshake_failure"))
    assert result.violations[0].message.endswith("TLS at once: alert handshake_failure")


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.DISCONNECTED, Reason.THROTTLED])
def test_silent_handshake_is_unknown(reason: Reason) -> None:
    result = of(OPEN, silent(TlsHandshake, wire.SUBMISSIONS, reason))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is reason


def test_filtered_port_is_unknown() -> None:
    unseen = silent(TlsHandshake, wire.SUBMISSIONS, Reason.FILTERED)
    result = of(wire.port(wire.SUBMISSIONS, "filtered"), unseen)
    assert result.outcome is Outcome.UNKNOWN


def test_host_without_465_fails() -> None:
    result = judge(evaluate, HOST, wire.msa(587), wire.port(wire.SUBMISSION))
    assert result.outcome is Outcome.FAIL
    assert "465 is not among the services" in result.violations[0].message


def test_one_address_is_enough() -> None:
    second = Service(wire.HOST, "192.0.2.11", 465)
    host = replace(wire.msa(465), services=(wire.SUBMISSIONS, second))
    gone = silent(TlsHandshake, wire.SUBMISSIONS, Reason.REFUSED)
    seen = (wire.port(wire.SUBMISSIONS, "closed"), gone, wire.port(second), wire.handshake(second))
    assert judge(evaluate, HOST, host, *seen).outcome is Outcome.PASS


def test_silent_look_up_of_the_host_is_unknown() -> None:
    bare = roles(wire.HOST, *wire.msa().roles, address="", ports=(465,))
    unseen = [silent(kind, bare.services[0], Reason.SERVFAIL) for kind in (PortState, TlsHandshake)]
    result = judge(evaluate, HOST, bare, *unseen)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.SERVFAIL


def test_mx_host_is_not_applicable() -> None:
    assert judge(evaluate, HOST, roles()).outcome is Outcome.NOT_APPLICABLE
