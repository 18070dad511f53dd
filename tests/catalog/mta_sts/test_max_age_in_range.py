"""mta-sts-max-age-in-range."""

import pytest

from audits.catalog.mta_sts.max_age_in_range import evaluate
from audits.evaluate.verdict import Outcome, Severity
from tests.build import domain, judge
from tests.catalog.mta_sts.policies import GOOD, SUBJECT, served


@pytest.mark.parametrize("age", ["604800", "31557600"])
def test_age_in_range_passes(age: str) -> None:
    policy = served(GOOD.replace("604800", age))
    assert judge(evaluate, SUBJECT, domain(), policy).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("age", "message"),
    [
        ("0", "max_age of 0 s is under 604800 s"),
        ("86400", "max_age of 86400 s is under 604800 s"),
        ("31557601", "max_age of 31557601 s is over the limit of 31557600 s"),
    ],
)
def test_age_out_of_range_fails_low(age: str, message: str) -> None:
    result = judge(evaluate, SUBJECT, domain(), served(GOOD.replace("604800", age)))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.LOW
    assert [v.message for v in result.violations] == [message]


def test_short_time_of_a_policy_that_is_taken_back_passes() -> None:
    policy = served("version: STSv1\nmode: none\nmax_age: 86400\n")
    assert judge(evaluate, SUBJECT, domain(), policy).outcome is Outcome.PASS


def test_age_that_is_no_number_is_not_applicable() -> None:
    for age in ("one week", "12345678901"):
        policy = served(GOOD.replace("604800", age))
        assert judge(evaluate, SUBJECT, domain(), policy).outcome is Outcome.NOT_APPLICABLE
