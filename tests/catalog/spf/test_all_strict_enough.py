"""spf-all-strict-enough."""

import pytest

from audits.catalog.spf.all_strict_enough import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import SpfTree
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.spf.trees import SILENT, SUBJECT, spf


@pytest.mark.parametrize(
    ("all_", "least", "outcome"),
    [
        ("-all", "fail", Outcome.PASS),
        ("~all", "fail", Outcome.FAIL),
        ("~all", "softfail", Outcome.PASS),
        ("?all", "softfail", Outcome.FAIL),
        ("", "softfail", Outcome.FAIL),
        ("?all", "neutral", Outcome.PASS),
        ("", "neutral", Outcome.PASS),
        ("all", "neutral", Outcome.FAIL),
        ("all=x", "softfail", Outcome.FAIL),
    ],
)
def test_qualifier_is_compared_with_the_least(all_: str, least: str, outcome: Outcome) -> None:
    tree = spf(f"v=spf1 mx {all_}".rstrip())
    assert judge(evaluate, SUBJECT, domain(), tree, min_all=least).outcome is outcome


def test_weak_all_is_quoted_and_the_wanted_one_named() -> None:
    result = judge(evaluate, SUBJECT, domain(), spf("v=spf1 mx ?all"))
    assert result.violations[0].message == "the record ends in ?all"
    assert result.expected == "`~all` or stricter"


def test_all_behind_redirects_decides() -> None:
    tree = spf("v=spf1 redirect=a.example", a="v=spf1 redirect=b.example", b="v=spf1 ?all")
    result = judge(evaluate, SUBJECT, domain(), tree)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == (
        "the record ends in ?all (by redirect=a.example, redirect=b.example)"
    )


def test_all_of_an_included_record_does_not_count() -> None:
    tree = spf("v=spf1 include:a.example", a="v=spf1 -all")
    assert judge(evaluate, SUBJECT, domain(), tree).outcome is Outcome.FAIL


def test_redirect_in_a_circle_has_no_all() -> None:
    tree = spf("v=spf1 redirect=a.example", a="v=spf1 redirect=a.example")
    assert judge(evaluate, SUBJECT, domain(), tree).outcome is Outcome.FAIL


@pytest.mark.parametrize("record", ["v=spf1 redirect=a.example", "v=spf1 redirect=%{d}.a.example"])
def test_redirect_that_was_not_followed_is_unknown(record: str) -> None:
    result = judge(evaluate, SUBJECT, domain(), spf(record, a=SILENT))
    assert result.outcome is Outcome.UNKNOWN


def test_silent_include_does_not_matter() -> None:
    tree = spf("v=spf1 include:a.example -all", a=SILENT)
    assert judge(evaluate, SUBJECT, domain(), tree).outcome is Outcome.PASS


def test_no_effective_record_is_not_applicable() -> None:
    for tree in (spf(), spf("v=spf1 -all", "v=spf1 ~all")):
        assert judge(evaluate, SUBJECT, domain(), tree).outcome is Outcome.NOT_APPLICABLE


def test_silent_look_up_is_unknown() -> None:
    unseen = silent(SpfTree, SUBJECT, Reason.DNS_TIMEOUT)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
