"""dmarc-not-in-test-mode."""

import pytest

from audits.catalog.dmarc.not_in_test_mode import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import DmarcWalk
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.dmarc.walks import SUBJECT, own


@pytest.mark.parametrize("tags", ["p=reject", "p=reject; t=n", "p=none; pct=100"])
def test_policy_that_counts_in_full_passes(tags: str) -> None:
    assert judge(evaluate, SUBJECT, domain(), own(f"v=DMARC1; {tags}")).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ("p=reject; t=y", "t=y at _dmarc.example.net lowers the policy by one level"),
        ("p=reject; t=Y", "t=y at _dmarc.example.net lowers the policy by one level"),
        ("p=reject; pct=0", "pct=0 at _dmarc.example.net: receivers of RFC 7489"),
        ("p=reject; pct=all", "pct=all at _dmarc.example.net: receivers of RFC 7489"),
    ],
)
def test_policy_that_counts_in_part_fails(tags: str, message: str) -> None:
    result = judge(evaluate, SUBJECT, domain(), own(f"v=DMARC1; {tags}"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message.startswith(message)


def test_no_record_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, domain(), own())
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_walk_is_unknown() -> None:
    unseen = silent(DmarcWalk, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
