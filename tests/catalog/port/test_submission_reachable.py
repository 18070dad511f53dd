"""port-submission-reachable."""

from typing import Any

from audits.catalog.port.submission_reachable import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.tcp import PortState
from audits.subject import MailHost, Role, Service
from tests.build import addresses, judge, roles, silent
from tests.catalog import wire

HOST = MailHost(wire.HOST)
RESOLVED = addresses(wire.HOST, wire.ADDRESS)


def of(*seen: Fact | Unobserved, **params: Any) -> Result:
    return judge(evaluate, HOST, wire.msa(), RESOLVED, *seen, **params)


def states(smtps: str, starttls: str) -> tuple[PortState, PortState]:
    return wire.port(wire.SUBMISSIONS, smtps), wire.port(wire.SUBMISSION, starttls)


def test_one_of_two_open_passes() -> None:
    assert of(*states("open", "closed")).outcome is Outcome.PASS
    assert of(*states("closed", "open")).outcome is Outcome.PASS


def test_both_closed_fails() -> None:
    result = of(*states("closed", "closed"))
    assert result.outcome is Outcome.FAIL
    assert [v.message for v in result.violations] == [
        "port 465 is closed at 192.0.2.10:465",
        "port 587 is closed at 192.0.2.10:587",
    ]


def test_filtered_port_is_unknown_unless_the_other_is_open() -> None:
    assert of(*states("filtered", "closed")).outcome is Outcome.UNKNOWN
    assert of(*states("filtered", "filtered")).unknown[0].reason is Reason.FILTERED
    assert of(*states("filtered", "open")).outcome is Outcome.PASS


def test_required_port_that_is_closed_fails_though_the_other_is_open() -> None:
    result = of(*states("closed", "open"), require_all=[465])
    assert result.outcome is Outcome.FAIL
    assert len(result.violations) == 1


def test_required_port_that_is_filtered_is_unknown() -> None:
    assert of(*states("filtered", "open"), require_all=[465]).outcome is Outcome.UNKNOWN


def test_undeclared_port_does_not_count_as_open() -> None:
    only_587 = roles(wire.HOST, Role.MSA, ports=(587,))
    closed = wire.port(wire.SUBMISSION, "closed")
    result = judge(evaluate, HOST, only_587, RESOLVED, closed)
    assert result.outcome is Outcome.FAIL
    assert "465 is not among the services" in result.violations[0].message


def test_port_open_at_one_address_counts() -> None:
    second = Service(wire.HOST, "192.0.2.11", 587)
    host = roles(wire.HOST, Role.MSA, ports=(587,))
    both = type(host)(
        host.subject,
        host.in_inventory,
        host.roles,
        host.mx_of,
        host.addresses,
        host.sends_from,
        (wire.SUBMISSION, second),
    )
    seen = (wire.port(wire.SUBMISSION, "filtered"), wire.port(second))
    assert judge(evaluate, HOST, both, RESOLVED, *seen).outcome is Outcome.PASS


def test_host_without_address_fails() -> None:
    bare = roles(wire.HOST, Role.MSA, address="", ports=(465, 587))
    unseen = [silent(PortState, s, Reason.ABSENT) for s in bare.services]
    result = judge(evaluate, HOST, bare, addresses(wire.HOST), *unseen)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "the host has no address"


def test_silent_look_up_of_the_host_is_unknown() -> None:
    bare = roles(wire.HOST, Role.MSA, address="", ports=(465, 587))
    unseen = [silent(PortState, s, Reason.SERVFAIL) for s in bare.services]
    result = judge(evaluate, HOST, bare, *unseen)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.SERVFAIL


def test_host_that_is_not_for_submission_is_not_applicable() -> None:
    assert judge(evaluate, HOST, roles(), RESOLVED).outcome is Outcome.NOT_APPLICABLE
