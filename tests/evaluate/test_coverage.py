"""What files under review can't show is said apart from the results."""

from msgspec.structs import replace

from audits.catalog import load
from audits.evaluate.coverage import coverable, covered_policy, left_out, separated
from audits.evaluate.result import Unseen
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Reason
from audits.facts.review import ReviewScope
from audits.subject import Domain, Vantage
from tests.build import domain, judge, mx, policy

KINDS = ("declared.domain", "dns.mx", "fleet.host")
SCOPE = ReviewScope(Vantage("here"), False, KINDS, (), (), None)
NAMES = ("mx-null-stands-alone", "relay-refused", "mta-relay-rule-safe", "dnssec-valid")
POLICY = policy([load()[name] for name in NAMES])
HERE = Domain("example.net")
RESULT = judge(load()["mx-null-stands-alone"], HERE, domain(), mx((10, "mx1.example.net")))


def unknown(*reasons: Reason) -> tuple[Unseen, ...]:
    return tuple(Unseen("dns.mx", HERE, reason, f"because {reason}") for reason in reasons)


def test_audit_is_run_where_files_give_all_its_facts() -> None:
    assert coverable(load()["mx-null-stands-alone"], KINDS)
    assert not coverable(load()["mx-null-stands-alone"], ("dns.mx",))
    assert covered_policy(POLICY, load(), SCOPE).audit_ids() == ("mx-null-stands-alone",)


def test_audit_is_run_where_files_give_the_one_kind_that_suffices() -> None:
    assert coverable(load()["mta-sender-matches-login"], (*KINDS, "mta.listeners"))
    assert not coverable(load()["mta-sender-matches-login"], (*KINDS, "mta.programs"))


def test_audits_that_are_not_run_are_told_with_the_reason() -> None:
    assert {gap.why: gap.audits for gap in left_out(POLICY, load(), SCOPE)} == {
        "only a running server shows it": ("relay-refused",),
        "no configuration of a host is under review": ("mta-relay-rule-safe",),
        "only a resolver shows what is signed and valid": ("dnssec-valid",),
    }


def test_files_in_front_of_what_is_live_leave_nothing_out() -> None:
    live = replace(SCOPE, live=True)
    assert covered_policy(POLICY, load(), live) == POLICY
    assert left_out(POLICY, load(), live) == []


def test_result_that_stands_on_what_is_not_under_review_is_set_apart() -> None:
    outside = replace(RESULT, outcome=Outcome.UNKNOWN, unknown=unknown(Reason.NOT_UNDER_REVIEW))
    kept, gaps = separated([outside, RESULT])
    assert kept == [RESULT]
    assert [(gap.why, gap.results, gap.about) for gap in gaps] == [
        ("because not-under-review", 1, ("example.net",))
    ]


def test_result_that_is_open_for_another_reason_too_stays_unknown() -> None:
    both = unknown(Reason.NOT_UNDER_REVIEW, Reason.UNREADABLE)
    result = replace(RESULT, outcome=Outcome.UNKNOWN, unknown=both)
    assert separated([result]) == ([result], [])
