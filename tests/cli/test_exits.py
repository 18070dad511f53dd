"""Exit codes: one table, and what results make of it."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from audits.catalog.mx.null_stands_alone import evaluate
from audits.cli.exits import MEANING, Exit, for_change, for_error, for_results, table
from audits.errors import (
    InventoryError,
    MailproofError,
    OutputError,
    PolicyError,
    SnapshotError,
    UsageError,
)
from audits.evaluate.comparison import compare
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.subject import Domain
from tests.build import domain, judge, mx

ROOT = Path(__file__).parent.parent.parent


def result(outcome: Outcome, severity: Severity = Severity.HIGH) -> Result:
    made = judge(evaluate, Domain("example.net"), domain(), mx((0, ".")))
    return replace(made, outcome=outcome, severity=severity)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([Outcome.PASS, Outcome.NOT_APPLICABLE], Exit.COMPLETE),
        ([Outcome.PASS, Outcome.WAIVED], Exit.COMPLETE),
        ([Outcome.PASS, Outcome.FAIL], Exit.FINDINGS),
        ([Outcome.PASS, Outcome.UNKNOWN], Exit.INCOMPLETE),
        ([Outcome.PASS, Outcome.ERROR], Exit.INCOMPLETE),
        ([Outcome.FAIL, Outcome.UNKNOWN], Exit.FINDINGS_INCOMPLETE),
        ([], Exit.NOTHING),
    ],
)
def test_outcomes_make_the_code(outcomes: list[Outcome], code: Exit) -> None:
    assert for_results(map(result, outcomes), Severity.MEDIUM, 0) is code


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (Outcome.PASS, Outcome.FAIL, Exit.REGRESSIONS),
        (Outcome.FAIL, Outcome.FAIL, Exit.COMPLETE),
        (Outcome.FAIL, Outcome.PASS, Exit.COMPLETE),
        (Outcome.WAIVED, Outcome.FAIL, Exit.REGRESSIONS),
        (Outcome.PASS, Outcome.UNKNOWN, Exit.INCOMPLETE),
        (Outcome.UNKNOWN, Outcome.UNKNOWN, Exit.COMPLETE),
        (Outcome.ERROR, Outcome.ERROR, Exit.INCOMPLETE),
    ],
)
def test_what_a_change_did_makes_the_code(before: Outcome, after: Outcome, code: Exit) -> None:
    _, change = compare("0123", [result(before)], [result(after)])
    assert for_change(change, Severity.MEDIUM, 0) is code


def test_mild_failure_that_a_change_introduces_ends_nothing() -> None:
    _, change = compare("0123", [], [result(Outcome.FAIL, Severity.LOW)])
    assert for_change(change, Severity.MEDIUM, 0) is Exit.COMPLETE


def test_failure_below_the_threshold_is_no_finding() -> None:
    low = [result(Outcome.FAIL, Severity.LOW)]
    assert for_results(low, Severity.MEDIUM, 0) is Exit.COMPLETE
    assert for_results(low, Severity.LOW, 0) is Exit.FINDINGS


def test_tolerated_unknowns_are_complete() -> None:
    unknown = [result(Outcome.UNKNOWN), result(Outcome.UNKNOWN)]
    assert for_results(unknown, Severity.MEDIUM, 2) is Exit.COMPLETE
    assert for_results(unknown, Severity.MEDIUM, 1) is Exit.INCOMPLETE


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), Exit.USAGE),
        (PolicyError("x"), Exit.USAGE),
        (InventoryError("x"), Exit.USAGE),
        (OutputError("x"), Exit.OUTPUT),
        (SnapshotError("x"), Exit.USAGE),
        (MailproofError("x"), Exit.INTERNAL),
    ],
)
def test_error_of_ours_has_its_code(error: MailproofError, code: Exit) -> None:
    assert for_error(error) is code


def test_every_code_is_in_the_table_and_in_the_readme() -> None:
    assert MEANING.keys() == set(Exit)
    assert len(table().splitlines()) == len(Exit)
    readme = (ROOT / "README.md").read_text()
    for code, meaning in MEANING.items():
        assert f"| {code.value} | {meaning}" in readme, f"README lacks {code.value}: {meaning}"
