import pytest

from audits.catalog.spf.no_ptr import evaluate as audit
from audits.evaluate.verdict import Outcome
from tests.build import domain, judge
from tests.catalog.spf.trees import SILENT, SUBJECT, spf


def test_record_of_addresses_passes() -> None:
    assert judge(audit, SUBJECT, domain(), spf("v=spf1 mx -all")).outcome is Outcome.PASS


def test_name_that_holds_the_letters_passes() -> None:
    tree = spf("v=spf1 a:ptr.example include:ptr.example -all", ptr="v=spf1 -all")
    assert judge(audit, SUBJECT, domain(), tree).outcome is Outcome.PASS


@pytest.mark.parametrize("term", ["ptr", "?ptr:example.net", "PTR", "exists:%{p}.list.example"])
def test_term_that_asks_for_names_fails(term: str) -> None:
    result = judge(audit, SUBJECT, domain(), spf(f"v=spf1 {term} -all"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == f"{term} asks for the names of the client's address"


def test_ptr_of_an_included_record_fails_with_the_way_to_it() -> None:
    result = judge(audit, SUBJECT, domain(), spf("v=spf1 include:p.example", p="v=spf1 ptr"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message.startswith("ptr (by include:p.example) asks")


def test_silent_include_is_unknown() -> None:
    tree = spf("v=spf1 include:p.example -all", p=SILENT)
    assert judge(audit, SUBJECT, domain(), tree).outcome is Outcome.UNKNOWN


def test_domain_without_record_is_not_applicable() -> None:
    assert judge(audit, SUBJECT, domain(), spf()).outcome is Outcome.NOT_APPLICABLE
