"""mta-sts-record-valid."""

import pytest

from audits.catalog.mta_sts.record_valid import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import MtaStsTxt
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.mta_sts.policies import SUBJECT, sts


def test_one_record_beside_other_text_passes() -> None:
    for text in ("v=STSv1; id=20260115", "v=STSv1;id=1;", "v=STSv1; future=x; id=A1"):
        result = judge(evaluate, SUBJECT, domain(), sts("site-verification=1", text))
        assert result.outcome is Outcome.PASS
        assert [e.quote for e in result.evidence] == [text]


def test_two_records_fail() -> None:
    result = judge(evaluate, SUBJECT, domain(), sts("v=STSv1; id=1", "v=STSv1; id=2"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "2 MTA-STS records, of which senders take none"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("v=STSv1;", "id is missing"),
        ("v=STSv1; id=2026-01-15", 'id "2026-01-15" is not 1 to 32 letters and digits'),
        ("v=STSv1; id=1; id=2", "id is given more than once"),
    ],
)
def test_record_that_senders_can_not_read_fails(text: str, why: str) -> None:
    result = judge(evaluate, SUBJECT, domain(), sts(text))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == f"senders ignore the record: {why}"


def test_domain_without_record_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, domain(), sts("v=STSv10; id=1"))
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_look_up_is_unknown() -> None:
    unseen = silent(MtaStsTxt, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
