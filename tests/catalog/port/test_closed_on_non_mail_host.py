"""port-closed-on-non-mail-host."""

from audits.catalog.port.closed_on_non_mail_host import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Reason, Unobserved
from audits.facts.tcp import PortSurvey
from audits.subject import Address, MailHost, Role, Service
from tests.build import judge, roles, silent
from tests.catalog import wire
from tests.catalog.port.surveys import survey

HOST = MailHost(wire.HOST)
SHUT = survey(port_25="closed", port_465="closed", port_587="filtered", port_2525="open")


def of(*seen: Fact | Unobserved, role: Role = Role.NONE, reached: Service | None = None) -> Result:
    egress = wire.egress(*([reached] if reached else []))
    host = roles(wire.HOST, role, ports=(), mx_of=())
    return judge(evaluate, HOST, host, egress, *seen)


def test_host_that_answers_on_no_smtp_port_passes() -> None:
    assert of(SHUT).outcome is Outcome.PASS


def test_open_smtp_port_fails() -> None:
    result = of(survey(port_25="open", port_465="closed"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "port 25 is open (192.0.2.10:25)"


def test_host_of_which_nothing_answers_is_unknown_unless_others_do() -> None:
    shut = survey(port_25="filtered")
    assert of(shut).unknown[0].reason is Reason.EGRESS_BLOCKED
    assert of(shut, reached=wire.ELSEWHERE).outcome is Outcome.PASS


def test_mail_host_is_not_applicable() -> None:
    assert of(SHUT, role=Role.MX).outcome is Outcome.NOT_APPLICABLE


def test_host_that_is_dialled_elsewhere_is_not_applicable() -> None:
    elsewhere = silent(PortSurvey, Address(wire.ADDRESS), Reason.SKIPPED)
    assert of(elsewhere).outcome is Outcome.NOT_APPLICABLE
