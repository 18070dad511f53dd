"""mta-sts-published."""

from audits.catalog.mta_sts.published import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import MtaStsTxt
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.mta_sts.policies import SUBJECT, sts


def test_record_passes_beside_other_text() -> None:
    result = judge(evaluate, SUBJECT, domain(), sts("site-verification=1", "v=STSv1; id=20260115"))
    assert result.outcome is Outcome.PASS
    assert [e.quote for e in result.evidence] == ["v=STSv1; id=20260115"]


def test_no_record_fails() -> None:
    for seen in (sts(), sts("v=STSv10; id=1"), sts("v=stsv1; id=1")):
        result = judge(evaluate, SUBJECT, domain(), seen)
        assert result.outcome is Outcome.FAIL
        assert result.violations[0].message == (
            "no TXT record at _mta-sts.example.net begins with v=STSv1;"
        )


def test_records_that_are_one_too_many_or_malformed_are_left_to_record_valid() -> None:
    for seen in (sts("v=STSv1; id=1", "v=STSv1; id=2"), sts("v=STSv1;")):
        assert judge(evaluate, SUBJECT, domain(), seen).outcome is Outcome.PASS


def test_domain_that_receives_nothing_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, domain(receives=False), sts())
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_look_up_is_unknown() -> None:
    unseen = silent(MtaStsTxt, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
