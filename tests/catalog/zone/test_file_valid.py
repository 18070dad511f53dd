"""zone-file-valid."""

from audits.catalog.zone.file_valid import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.fact import Reason
from audits.facts.place import Place
from audits.facts.zone import ZoneFile, ZoneProblem
from audits.subject import Domain
from tests.build import domain, judge, silent

HERE = Domain("example.net")


def of(*problems: ZoneProblem) -> Result:
    return judge(evaluate, HERE, domain(), ZoneFile(HERE, "example.net", "db", 7, problems))


def test_file_that_can_be_read_passes() -> None:
    assert of().outcome is Outcome.PASS


def test_problem_fails_at_its_line_with_what_was_expected() -> None:
    result = of(ZoneProblem("found 'FOO'", "a record type", Place("db", 12, 5)))
    assert result.outcome is Outcome.FAIL
    (violation,) = result.violations
    assert violation.message == "found 'FOO'"
    assert violation.expected == "a record type at db:12:5"
    assert violation.evidence[0].place == Place("db", 12, 5)


def test_domain_in_no_file_does_not_apply() -> None:
    result = judge(evaluate, HERE, domain(), silent(ZoneFile, HERE, Reason.SKIPPED))
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_file_that_can_not_be_opened_is_unknown() -> None:
    result = judge(evaluate, HERE, domain(), silent(ZoneFile, HERE, Reason.UNREADABLE))
    assert result.outcome is Outcome.UNKNOWN
