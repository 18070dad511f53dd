"""port-only-declared-open."""

from typing import Any

from audits.catalog.port.only_declared_open import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.tcp import PortSurvey
from audits.subject import Address, MailHost, Role
from tests.build import judge, roles, silent
from tests.catalog import wire
from tests.catalog.port.surveys import survey

HOST = MailHost(wire.HOST)


def of(*seen: Fact | Unobserved, role: Role = Role.MX, **params: Any) -> Result:
    return judge(evaluate, HOST, roles(wire.HOST, role), wire.egress(), *seen, **params)


def test_closed_ports_pass() -> None:
    result = of(wire.port(), survey(port_2525="closed", port_10025="closed"))
    assert result.outcome is Outcome.PASS


def test_undeclared_open_port_fails() -> None:
    result = of(wire.port(), survey(port_2525="closed", port_10025="open"))
    assert result.outcome is Outcome.FAIL
    (violation,) = result.violations
    assert violation.message == "port 10025 is open (192.0.2.10:10025), and not declared"
    assert violation.evidence[0].pointer == "/ports/1/state"


def test_ports_of_a_mailstore_pass_on_a_mailstore_only() -> None:
    seen = (wire.port(), survey(port_993="open", port_4190="open"))
    assert of(*seen, role=Role.MAILSTORE).outcome is Outcome.PASS
    assert len(of(*seen).violations) == 2


def test_allowed_port_passes_and_so_does_one_that_is_not_asked_about() -> None:
    seen = (wire.port(), survey(port_2525="open"))
    assert of(*seen, allowed=(2525,)).outcome is Outcome.PASS
    assert of(*seen, ports=(10025,)).outcome is Outcome.PASS


def test_smtp_on_a_host_without_mail_is_for_another_audit() -> None:
    seen = survey(port_25="open", port_24="closed")
    assert of(seen, role=Role.NONE).outcome is Outcome.PASS


def test_filtered_ports_of_a_host_that_answers_pass() -> None:
    assert of(wire.port(), survey(port_2525="filtered")).outcome is Outcome.PASS


def test_host_of_which_nothing_answers_is_unknown_unless_others_do() -> None:
    seen = (wire.port(state="filtered"), survey(port_2525="filtered"))
    assert of(*seen).unknown[0].reason is Reason.EGRESS_BLOCKED
    reached = (roles(wire.HOST), wire.egress(wire.ELSEWHERE), *seen)
    assert judge(evaluate, HOST, *reached).outcome is Outcome.PASS


def test_vantage_that_cannot_tell_is_unknown() -> None:
    result = of(wire.port(state="filtered"), survey(port_24=None))
    assert result.unknown[0].reason is Reason.UNREACHABLE


def test_host_that_is_dialled_elsewhere_is_not_applicable() -> None:
    elsewhere = silent(PortSurvey, Address(wire.ADDRESS), Reason.SKIPPED)
    assert of(wire.port(), elsewhere).outcome is Outcome.NOT_APPLICABLE


def test_broken_survey_is_unknown() -> None:
    broken = silent(PortSurvey, Address(wire.ADDRESS), Reason.TIMEOUT)
    assert of(wire.port(), broken).outcome is Outcome.UNKNOWN
