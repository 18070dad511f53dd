"""spf-single-record."""

from audits.catalog.spf.single_record import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import SpfTree
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.spf.trees import SUBJECT, spf


def test_one_record_passes() -> None:
    assert judge(evaluate, SUBJECT, domain(), spf("v=spf1 -all")).outcome is Outcome.PASS


def test_two_records_fail_and_both_are_cited() -> None:
    result = judge(evaluate, SUBJECT, domain(), spf("v=spf1 mx -all", "V=SPF1 a ~all"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "2 SPF records"
    assert [e.quote for e in result.violations[0].evidence] == ["v=spf1 mx -all", "V=SPF1 a ~all"]


def test_another_version_beside_the_record_passes() -> None:
    result = judge(evaluate, SUBJECT, domain(), spf("v=spf10 -all", "v=spf1 mx"))
    assert result.outcome is Outcome.PASS


def test_no_record_is_not_applicable() -> None:
    assert judge(evaluate, SUBJECT, domain(), spf()).outcome is Outcome.NOT_APPLICABLE


def test_silent_look_up_is_unknown() -> None:
    unseen = silent(SpfTree, SUBJECT, Reason.DNS_TIMEOUT)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
