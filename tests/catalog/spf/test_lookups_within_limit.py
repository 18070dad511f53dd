import pytest

from audits.catalog.spf.lookups_within_limit import evaluate as audit
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from tests.build import domain, judge
from tests.catalog.spf.worlds import SILENT, SUBJECT, worst, zone
from tests.parse.spf_zone import Zone

ADDRESS = {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]}


def judged(of: Zone, *sends_from: int, **params: int) -> Result:
    return judge(audit, SUBJECT, domain(), worst(of, *sends_from), **params)


def hosts(count: int) -> Zone:
    names = {f"h{i}": ADDRESS for i in range(count)}
    terms = " ".join(f"a:{name}.example" for name in names)
    return zone(f"v=spf1 {terms} -all", **names)


def test_eight_lookups_pass() -> None:
    result = judged(hosts(8))
    assert result.outcome is Outcome.PASS
    assert [piece.quote for piece in result.evidence] == ["8", "0", "8", "0"]


def test_as_many_lookups_as_are_allowed_pass_and_leave_no_room() -> None:
    result = judged(hosts(10))
    assert result.outcome is Outcome.PASS
    assert [piece.quote for piece in result.evidence] == ["10, which leaves no room", "0"] * 2


@pytest.mark.parametrize("count", [9, 10])
def test_lookups_near_the_limit_are_a_warning_where_it_is_asked_for(count: int) -> None:
    result = judged(hosts(count), warn_at=9)
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.LOW)
    assert [v.message for v in result.violations] == [f"{count} look-ups, of at most 10"]


def test_eleventh_lookup_fails_and_is_named() -> None:
    result = judged(hosts(11))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.HIGH)
    assert [v.message for v in result.violations] == ["a:h10.example is look-up 11 of 11"]


def test_eleventh_lookup_in_an_included_record_is_named_with_the_way_to_it() -> None:
    inner = {"TXT": ["v=spf1 a a a a a a a a a ?all"], **ADDRESS}
    result = judged(zone("v=spf1 include:p.example mx -all", p=inner))
    assert result.outcome is Outcome.FAIL
    assert [v.message for v in result.violations] == [
        "mx is look-up 11 of 11",
    ]
    outer = {"TXT": ["v=spf1 include:p.example -all"]}
    result = judged(zone("v=spf1 include:o.example mx -all", o=outer, p=inner))
    assert [v.message for v in result.violations] == [
        "a (by include:o.example, include:p.example) is look-up 11 of 12",
    ]


def test_record_that_is_included_twice_counts_twice() -> None:
    inner = {"TXT": ["v=spf1 a a a -all"], **ADDRESS}
    result = judged(zone("v=spf1 include:p.example include:p.example -all", p=inner), warn_at=8)
    assert [v.message for v in result.violations] == ["8 look-ups, of at most 10"]


def test_redirect_beside_all_costs_nothing_and_is_not_followed() -> None:
    includes = {f"i{n}": {"TXT": ["v=spf1 -all"]} for n in range(8)}
    terms = " ".join(f"include:{name}.example" for name in includes)
    of = zone(f"v=spf1 {terms} redirect=gone.example -all", **includes)
    assert judged(of).outcome is Outcome.PASS
    assert "gone.example" not in [question.name for question in of.asked]


def test_exp_is_not_counted() -> None:
    assert judged(zone("v=spf1 a:h.example exp=e.example -all", h=ADDRESS)).outcome is Outcome.PASS


def test_loop_of_includes_fails_and_ends() -> None:
    result = judged(zone("v=spf1 include:l.example -all", l={"TXT": ["v=spf1 include:l.example"]}))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message.endswith("is look-up 11 of 30 or more")


def test_more_than_ten_mx_hosts_fail() -> None:
    exchanges = {f"x{n}": ADDRESS for n in range(11)}
    of = zone(
        "v=spf1 mx:m.example -all", m={"MX": [f"{x}.example" for x in exchanges]}, **exchanges
    )
    result = judged(of)
    assert result.outcome is Outcome.FAIL
    assert [v.message for v in result.violations] == ["mx:m.example leads to 11 MX hosts"]


def test_third_name_that_is_gone_fails_clients_of_both_families() -> None:
    result = judged(zone("v=spf1 a:g1.example a:g2.example exists:g3.example -all"), 4, 6)
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.HIGH)
    assert [v.message for v in result.violations] == [
        "3 void look-ups for IPv4 clients: g1.example A of a:g1.example, "
        "g2.example A of a:g2.example, g3.example A of exists:g3.example",
        "3 void look-ups for IPv6 clients: g1.example AAAA of a:g1.example, "
        "g2.example AAAA of a:g2.example, g3.example A of exists:g3.example",
    ]


def test_three_names_without_ipv6_are_a_warning_where_mail_leaves_over_ipv4_alone() -> None:
    names = {f"v{n}": {"A": ["192.0.2.1"]} for n in range(3)}
    of = zone("v=spf1 a:v0.example a:v1.example a:v2.example -all", **names)
    result = judged(of, 4)
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.LOW)
    assert judged(of, 4, 6).severity is Severity.HIGH


def test_name_with_macros_of_the_message_is_counted_and_not_asked_for() -> None:
    of = zone("v=spf1 exists:%{i}.list.example a:%{d} -all")
    result = judged(of, warn_at=2)
    assert [v.message for v in result.violations] == ["2 look-ups, of at most 10"]
    assert {q.name for q in of.asked} == {"example.net"}


def test_silent_include_is_unknown() -> None:
    result = judged(zone("v=spf1 include:s.example -all", s=SILENT))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail == "s.example: no answer within 3 s"


def test_silence_does_not_hide_what_is_over_the_limit_already() -> None:
    terms = " ".join(["a"] * 10)
    assert judged(zone(f"v=spf1 include:s.example {terms} -all", s=SILENT)).outcome is Outcome.FAIL


@pytest.mark.parametrize("records", [(), ("v=spf1 a", "v=spf1 mx"), ("v=spf1 ipv4:192.0.2.1",)])
def test_record_that_is_not_evaluated_is_not_applicable(records: tuple[str, ...]) -> None:
    assert judged(zone(*records)).outcome is Outcome.NOT_APPLICABLE
