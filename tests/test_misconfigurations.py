"""Configurations of mail programs that are wrong in one thing, and some that only look so.

Each case of tests/data/mta is judged by every audit of configurations, offline.
"""

import pytest

from audits.evaluate.verdict import Outcome
from tests.misconfigurations import Case, cases


@pytest.mark.parametrize("found", cases("wrong"), ids=str)
def test_misconfiguration_is_found_where_it_stands(found: Case) -> None:
    results = found.results()
    failed = {
        name: str(result.violations[0].evidence[0].place or "none")
        for name, result in results.items()
        if result.outcome is Outcome.FAIL
    }
    assert failed == found.fails
    unknown = {name for name, result in results.items() if result.outcome is Outcome.UNKNOWN}
    assert unknown >= found.open
    assert found.fails or found.open


@pytest.mark.parametrize("found", cases("right"), ids=str)
def test_correct_configuration_is_not_flagged(found: Case) -> None:
    results = found.results()
    failed = {
        name: [violation.message for violation in result.violations]
        for name, result in results.items()
        if result.outcome is Outcome.FAIL
    }
    assert failed == {}
    assert {result.outcome for result in results.values()} <= {
        Outcome.PASS,
        Outcome.NOT_APPLICABLE,
        Outcome.UNKNOWN,
    }
