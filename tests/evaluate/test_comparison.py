"""What a change does to results."""

from collections.abc import Sequence

from msgspec.structs import replace

from audits.catalog.mx.null_stands_alone import evaluate as audit
from audits.evaluate.comparison import Comparison, compare
from audits.evaluate.result import Result, Unseen
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Reason
from audits.subject import Domain
from tests.build import domain, judge, mx

HERE = Domain("example.net")
FAILED = judge(audit, HERE, domain(), mx((0, "."), (10, "mx1.example.net")))
PASSED = replace(FAILED, outcome=Outcome.PASS, violations=())
UNKNOWN = replace(
    PASSED, outcome=Outcome.UNKNOWN, unknown=(Unseen("dns.mx", HERE, Reason.NOT_COLLECTED, "x"),)
)
BROKEN = replace(UNKNOWN, unknown=(Unseen("dns.mx", HERE, Reason.INTERNAL, "x"),))
TWICE = replace(FAILED, violations=FAILED.violations * 2)
MILD = replace(FAILED, severity=Severity.LOW)
WAIVED = replace(FAILED, outcome=Outcome.WAIVED)


def change(before: Sequence[Result], after: Sequence[Result]) -> str:
    """What a change did, in one word."""
    _, found = compare("0123", before, after)
    return word(found)


def word(found: Comparison) -> str:
    lists = {
        "introduced": found.introduced,
        "mended": found.mended,
        "left": found.left,
        "opened": found.opened,
    }
    return ", ".join(name for name, results in lists.items() if results)


def test_failure_where_the_base_had_none_is_introduced() -> None:
    for before in ([PASSED], [UNKNOWN], [WAIVED], []):
        assert change(before, [FAILED]) == "introduced"


def test_failure_that_was_there_is_left() -> None:
    reworded = replace(FAILED, violations=(replace(FAILED.violations[0], message="other"),))
    assert change([FAILED], [FAILED]) == "left"
    assert change([FAILED], [reworded]) == "left"
    assert change([TWICE], [FAILED]) == "left"


def test_failure_in_more_ways_or_a_graver_one_is_introduced() -> None:
    assert change([FAILED], [TWICE]) == "introduced"
    assert change([MILD], [FAILED]) == "introduced"


def of_parts(*parts: str) -> Result:
    first = FAILED.violations[0]
    return replace(
        FAILED, violations=tuple(replace(first, message=f"{p} fails", about=p) for p in parts)
    )


def test_failure_of_another_part_is_introduced_though_one_is_mended() -> None:
    assert change([of_parts("smtp")], [of_parts("submission")]) == "introduced"
    assert change([of_parts("smtp", "smtps")], [of_parts("submission")]) == "introduced"
    assert change([of_parts("smtp", "smtps")], [of_parts("smtps")]) == "left"


def test_introduced_failure_says_first_what_the_base_did_not() -> None:
    (marked,), _ = compare("0123", [of_parts("smtp")], [of_parts("smtp", "submission")])
    assert [v.about for v in marked.violations] == ["submission", "smtp"]


def test_failure_that_is_no_more_is_mended() -> None:
    assert change([FAILED], [PASSED]) == "mended"
    assert change([FAILED], []) == "mended"


def test_what_nobody_can_tell_now_is_not_mended() -> None:
    assert change([FAILED], [UNKNOWN]) == "opened"
    assert change([FAILED], [WAIVED]) == ""


def test_what_could_not_be_decided_before_is_not_opened() -> None:
    assert change([UNKNOWN], [UNKNOWN]) == ""
    assert change([PASSED], [UNKNOWN]) == "opened"


def test_what_we_broke_in_counts_whatever_the_base_was() -> None:
    assert change([BROKEN], [BROKEN]) == "opened"


def test_result_of_which_nothing_is_told_has_no_change() -> None:
    key = (FAILED.audit, FAILED.subject)
    marked, found = compare("0123", [], [FAILED], untold={key})
    assert (marked[0].change, word(found)) == (None, "")
    _, found = compare("0123", [FAILED], [], untold={key})
    assert word(found) == ""


def test_failures_are_marked_in_the_results() -> None:
    marked, _ = compare("0123", [PASSED], [FAILED])
    assert [result.change for result in marked] == ["introduced"]
