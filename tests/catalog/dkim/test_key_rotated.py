"""dkim-key-rotated."""

from datetime import date, timedelta

from audits.catalog.dkim.key_rotated import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.declared import DeclaredSelector
from audits.facts.fact import Reason
from tests.build import AS_OF, domain, judge
from tests.catalog.dkim.selectors import SUBJECT


def aged(days: int | None, *, active: bool = True) -> DeclaredSelector:
    created: date | None = None if days is None else AS_OF.date() - timedelta(days=days)
    return DeclaredSelector(f"s{days}", "self", created, active)


def of(*selectors: DeclaredSelector, **params: int) -> Result:
    return judge(evaluate, SUBJECT, domain(dkim=selectors), **params)


def test_young_key_passes() -> None:
    assert of(aged(0), aged(180)).outcome is Outcome.PASS
    assert of(aged(365), max_age_days=365).outcome is Outcome.PASS


def test_old_key_fails_and_says_how_old() -> None:
    result = of(aged(30), aged(181))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.LOW
    assert result.violations[0].message == "the key of selector s181 is 181 days old"


def test_key_without_date_is_unknown_unless_another_is_old() -> None:
    result = of(aged(30), aged(None))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.NOT_DECLARED
    assert of(aged(None), aged(1000)).outcome is Outcome.FAIL


def test_selector_out_of_use_is_not_applicable() -> None:
    assert of(aged(1000, active=False)).outcome is Outcome.NOT_APPLICABLE
    assert of().outcome is Outcome.NOT_APPLICABLE
