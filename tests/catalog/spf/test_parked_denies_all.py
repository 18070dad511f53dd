import pytest

from audits.catalog.spf.parked_denies_all import evaluate as audit
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dns import SpfTree
from tests.build import domain, judge
from tests.catalog.spf.trees import SUBJECT, spf

PARKED = domain(sends=False, receives=False)


def judged(tree: SpfTree) -> Result:
    return judge(audit, SUBJECT, PARKED, tree)


@pytest.mark.parametrize("record", ["v=spf1 -all", "V=SPF1 -ALL", "v=spf1  -all "])
def test_record_that_denies_all_passes(record: str) -> None:
    assert judged(spf(record)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("records", "says"),
    [
        ((), "no SPF record"),
        (("v=spf1 -all", "v=spf1 mx -all"), "2 SPF records, of which none takes effect"),
        (("v=spf1 ~all",), "v=spf1 ~all leaves room for mail"),
        (("v=spf1 mx -all",), "v=spf1 mx -all leaves room for mail"),
        (("v=spf1",), "v=spf1 leaves room for mail"),
        (("v=spf1 -all ip5",), "the record can't be evaluated: "),
    ],
)
def test_anything_else_fails(records: tuple[str, ...], says: str) -> None:
    result = judged(spf(*records))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.HIGH)
    assert result.violations[0].message.startswith(says)


def test_redirect_to_a_record_that_denies_all_is_a_warning() -> None:
    result = judged(spf("v=spf1 redirect=none.example", none="v=spf1 -all"))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.LOW)


def test_domain_that_takes_part_in_mail_is_not_applicable() -> None:
    result = judge(audit, SUBJECT, domain(), spf("v=spf1 -all"))
    assert result.outcome is Outcome.NOT_APPLICABLE
