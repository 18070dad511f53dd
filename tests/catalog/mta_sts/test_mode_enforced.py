"""mta-sts-mode-enforced."""

import pytest

from audits.catalog.mta_sts.mode_enforced import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.fact import Reason
from audits.facts.https import MtaStsPolicy
from tests.build import domain, judge, silent
from tests.catalog.mta_sts.policies import GOOD, SUBJECT, served

TESTING = served(GOOD.replace("enforce", "testing"))
NONE = served("version: STSv1\nmode: none\nmax_age: 86400\n")


def test_enforced_policy_passes() -> None:
    assert judge(evaluate, SUBJECT, domain(), served()).outcome is Outcome.PASS


@pytest.mark.parametrize(("policy", "mode"), [(TESTING, "testing"), (NONE, "none")])
def test_weaker_mode_fails(policy: MtaStsPolicy, mode: str) -> None:
    result = judge(evaluate, SUBJECT, domain(), policy)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.MEDIUM
    assert result.violations[0].message == f"mode {mode}"
    assert result.expected == "mode enforce"


def test_policy_of_ours_may_tolerate_testing() -> None:
    assert judge(evaluate, SUBJECT, domain(), TESTING, min_mode="testing").outcome is Outcome.PASS
    result = judge(evaluate, SUBJECT, domain(), NONE, min_mode="testing")
    assert result.outcome is Outcome.FAIL
    assert result.expected == "mode testing or stricter"


def test_policy_that_is_not_served_is_not_applicable() -> None:
    for seen in (served("", status=404), served(GOOD.replace("enforce", "on"))):
        assert judge(evaluate, SUBJECT, domain(), seen).outcome is Outcome.NOT_APPLICABLE


def test_silent_web_server_is_unknown() -> None:
    unseen = silent(MtaStsPolicy, SUBJECT, Reason.TIMEOUT)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
