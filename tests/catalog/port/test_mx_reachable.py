"""port-mx-reachable."""

from audits.catalog.port.mx_reachable import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Fact, Reason, Step, Unobserved
from audits.facts.smtp import Greeting
from audits.facts.tcp import Egress, PortState
from audits.subject import Service, Vantage
from tests.build import host, judge, roles, silent
from tests.catalog import wire

FILTERED = wire.port(state="filtered", detail="no answer within 10 s")
UNSEEN = silent(Greeting, wire.MX, Reason.FILTERED)


def of(*seen: Fact | Unobserved) -> Result:
    return judge(evaluate, wire.MX, roles(), *seen)


def test_open_port_that_greets_passes() -> None:
    assert of(wire.port(), wire.greeting(), wire.egress(wire.MX)).outcome is Outcome.PASS


def test_closed_port_fails() -> None:
    gone = silent(Greeting, wire.MX, Reason.REFUSED)
    result = of(wire.port(state="closed", detail="Connection refused"), gone, wire.egress())
    assert result.outcome is Outcome.FAIL
    assert result.step is Step.TCP
    assert result.violations[0].message == "port 25 is closed (Connection refused)"


def test_filtered_port_fails_where_port_25_was_reached_elsewhere() -> None:
    result = of(FILTERED, UNSEEN, wire.egress(wire.ELSEWHERE))
    assert result.outcome is Outcome.FAIL
    assert "mx9.example.org:25" in result.violations[0].message


def test_filtered_port_is_unknown_where_nothing_was_reached() -> None:
    result = of(FILTERED, UNSEEN, wire.egress())
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.EGRESS_BLOCKED
    assert "no answer within 10 s" in result.unknown[0].detail


def test_host_behind_a_gateway_may_be_shut() -> None:
    behind = host(behind_gateway=("203.0.113.0/24",))
    shut = of(FILTERED, UNSEEN, wire.egress(wire.ELSEWHERE), behind)
    assert shut.outcome is Outcome.NOT_APPLICABLE
    assert shut.note == "only 203.0.113.0/24 is to reach the host"
    assert of(wire.port(), wire.greeting(), wire.egress(), behind).outcome is Outcome.PASS


def test_same_address_under_another_name_is_not_elsewhere() -> None:
    alias = Service("alias.example.net", wire.ADDRESS, 25)
    assert of(FILTERED, UNSEEN, wire.egress(alias)).outcome is Outcome.UNKNOWN


def test_filtered_port_over_ipv6_is_unknown_where_only_ipv4_reached_anybody() -> None:
    over_6 = Service(wire.MX.host, "2001:db8::10", 25)
    port = PortState(over_6, "filtered", str(over_6), "no answer within 10 s", 10.0)
    unseen = silent(Greeting, over_6, Reason.FILTERED)
    result = judge(
        evaluate, over_6, roles(address="2001:db8::10"), port, unseen, wire.egress(wire.ELSEWHERE)
    )
    assert result.outcome is Outcome.UNKNOWN
    assert "nowhere else over IPv6" in result.unknown[0].detail
    elsewhere = Service("mx9.example.org", "2001:db8::9", 25)
    result = judge(
        evaluate,
        over_6,
        roles(address="2001:db8::10"),
        port,
        unseen,
        wire.egress(wire.ELSEWHERE, elsewhere),
    )
    assert result.outcome is Outcome.FAIL


def test_filtered_port_is_unknown_where_egress_was_not_observed() -> None:
    unknown = silent(Egress, Vantage("here"), Reason.INTERRUPTED)
    assert of(FILTERED, UNSEEN, unknown).outcome is Outcome.UNKNOWN


def test_open_port_without_greeting_is_unknown() -> None:
    late = silent(Greeting, wire.MX, Reason.TIMEOUT, "no greeting within 30 s")
    result = of(wire.port(), late, wire.egress(wire.MX))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.TIMEOUT


def test_service_that_throttles_is_unknown() -> None:
    busy = silent(Greeting, wire.MX, Reason.THROTTLED, "421 4.7.0 too many connections")
    result = of(wire.port(), busy, wire.egress(wire.MX))
    assert result.outcome is Outcome.UNKNOWN
    assert "421 4.7.0" in result.unknown[0].detail


def test_address_that_cannot_be_reached_from_here_is_unknown() -> None:
    no_route = silent(PortState, wire.MX, Reason.UNREACHABLE, "no IPv6 here")
    assert of(no_route, UNSEEN, wire.egress(wire.ELSEWHERE)).outcome is Outcome.UNKNOWN


def test_port_587_is_not_applicable() -> None:
    result = judge(evaluate, wire.SUBMISSION, wire.both(), wire.port(wire.SUBMISSION))
    assert result.outcome is Outcome.NOT_APPLICABLE
