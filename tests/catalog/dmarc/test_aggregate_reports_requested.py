"""dmarc-aggregate-reports-requested."""

import pytest

from audits.catalog.dmarc.aggregate_reports_requested import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import DmarcWalk
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.dmarc.walks import SUBJECT, own


@pytest.mark.parametrize(
    "rua", ["mailto:r@example.net", "https://example.net/r,MAILTO:r@example.net!10m"]
)
def test_mailbox_for_reports_passes(rua: str) -> None:
    walked = own(f"v=DMARC1; p=none; rua={rua}")
    assert judge(evaluate, SUBJECT, domain(), walked).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ("p=none", "the record at _dmarc.example.net has no rua"),
        ("p=none; ruf=mailto:r@example.net", "the record at _dmarc.example.net has no rua"),
        (
            "p=none; rua=r@example.net",
            "rua=r@example.net at _dmarc.example.net holds no mailto URI",
        ),
    ],
)
def test_no_mailbox_fails(tags: str, message: str) -> None:
    result = judge(evaluate, SUBJECT, domain(), own(f"v=DMARC1; {tags}"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == message


def test_no_record_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, domain(), own())
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_walk_is_unknown() -> None:
    unseen = silent(DmarcWalk, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
