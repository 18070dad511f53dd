"""spf-published."""

from audits.catalog.spf.published import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import SpfTree
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.spf.trees import SUBJECT, spf


def test_record_passes() -> None:
    result = judge(evaluate, SUBJECT, domain(), spf("site-verification=1", "v=spf1 mx -all"))
    assert result.outcome is Outcome.PASS
    assert [e.quote for e in result.evidence] == ["v=spf1 mx -all"]


def test_no_record_fails() -> None:
    result = judge(evaluate, SUBJECT, domain(), spf("v=spf10 -all", " v=spf1 -all"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "no TXT record begins with v=spf1"


def test_name_that_does_not_exist_fails_and_says_so() -> None:
    result = judge(evaluate, SUBJECT, domain(), spf(rcode="NXDOMAIN"))
    assert result.outcome is Outcome.FAIL
    assert "NXDOMAIN" in result.violations[0].message


def test_parked_domain_needs_a_record_as_well() -> None:
    result = judge(evaluate, SUBJECT, domain(sends=False, receives=False), spf())
    assert result.outcome is Outcome.FAIL


def test_silent_look_up_is_unknown() -> None:
    unseen = silent(SpfTree, SUBJECT, Reason.DNS_TIMEOUT)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
