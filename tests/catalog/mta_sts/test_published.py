"""mta-sts-published."""

from audits.catalog.mta_sts.published import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import MtaStsTxt
from audits.facts.fact import Reason
from audits.parse.mta_sts import sts_records
from audits.subject import Domain
from tests.build import answer, domain, judge, silent

SUBJECT = Domain("example.net")


def sts(*texts: str) -> MtaStsTxt:
    found = answer("_mta-sts.example.net", "NOERROR" if texts else "NXDOMAIN")
    return MtaStsTxt(SUBJECT, found, texts, sts_records(texts))


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


def test_two_records_fail() -> None:
    result = judge(evaluate, SUBJECT, domain(), sts("v=STSv1; id=1", "v=STSv1; id=2"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "2 MTA-STS records, of which senders take none"


def test_record_without_id_fails() -> None:
    result = judge(evaluate, SUBJECT, domain(), sts("v=STSv1;"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "senders ignore the record: id is missing"


def test_domain_that_receives_nothing_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, domain(receives=False), sts())
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_look_up_is_unknown() -> None:
    unseen = silent(MtaStsTxt, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
