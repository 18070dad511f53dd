"""dkim-not-in-testing."""

import pytest

from audits.catalog.dkim.not_in_testing import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import DkimKeys
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.dkim.selectors import SUBJECT, dkim, rsa_text, selector, silent_selector


@pytest.mark.parametrize("flags", ["", "; t=s", "; t=x:unknown", "; t="])
def test_key_without_the_flag_passes(flags: str) -> None:
    keys = dkim(selector("s1", rsa_text() + flags))
    assert judge(evaluate, SUBJECT, domain(), keys).outcome is Outcome.PASS


@pytest.mark.parametrize(("flags", "shown"), [("y", "y"), ("s : Y", "s:y")])
def test_key_in_testing_fails(flags: str, shown: str) -> None:
    keys = dkim(selector("s1", f"{rsa_text()}; t={flags}"))
    result = judge(evaluate, SUBJECT, domain(), keys)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == f"selector s1 has t={shown}"


def test_no_key_in_force_is_not_applicable() -> None:
    for keys in (dkim(domainkey="NOERROR"), dkim(selector("s1")), dkim(selector("s1", "t=y; p="))):
        assert judge(evaluate, SUBJECT, domain(), keys).outcome is Outcome.NOT_APPLICABLE


def test_silence_is_unknown() -> None:
    half = dkim(selector("s1", rsa_text()), silent_selector("s2"))
    assert judge(evaluate, SUBJECT, domain(), half).outcome is Outcome.UNKNOWN
    unseen = silent(DkimKeys, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
