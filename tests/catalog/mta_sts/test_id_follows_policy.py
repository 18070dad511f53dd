"""mta-sts-id-follows-policy."""

import pytest

from audits.catalog.mta_sts.id_follows_policy import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dns import MtaStsTxt
from audits.facts.fact import Reason
from audits.facts.https import MtaStsPolicy
from audits.facts.snapshot import Snapshot
from tests.build import domain, judge, silent, snapshot
from tests.catalog.mta_sts.policies import GOOD, SUBJECT, served, sts

OLD = snapshot(sts("v=STSv1; id=1"), served())
MORE = GOOD.replace("mx:", "mx: mx2.example.net\nmx:")


def test_policy_and_id_that_both_stayed_pass() -> None:
    result = judge(evaluate, SUBJECT, domain(), sts("v=STSv1; id=1"), served(), previous=OLD)
    assert result.outcome is Outcome.PASS


def test_changed_policy_with_a_new_id_passes() -> None:
    result = judge(evaluate, SUBJECT, domain(), sts("v=STSv1; id=2"), served(MORE), previous=OLD)
    assert result.outcome is Outcome.PASS


def test_changed_policy_with_the_old_id_fails() -> None:
    """The fault that no other tool looks for."""
    result = judge(evaluate, SUBJECT, domain(), sts("v=STSv1; id=1"), served(MORE), previous=OLD)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.MEDIUM
    assert [v.message for v in result.violations] == [
        "mx changed since 2026-11-23 02:00 UTC, and id is 1 as before"
    ]


def test_other_line_ends_and_order_mean_the_same() -> None:
    earlier = snapshot(sts("v=STSv1; id=1"), served(MORE))
    swapped = (
        "version: STSv1\nmode: enforce\nmx: mx1.example.net\nmx: mx2.example.net\nmax_age: 604800"
    )
    seen = (sts("v=STSv1; id=1"), served(swapped))
    assert judge(evaluate, SUBJECT, domain(), *seen, previous=earlier).outcome is Outcome.PASS


def test_first_run_is_unknown() -> None:
    result = judge(evaluate, SUBJECT, domain(), sts("v=STSv1; id=1"), served())
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail == "no earlier run has seen the policy"
    other = snapshot()
    again = judge(evaluate, SUBJECT, domain(), sts("v=STSv1; id=1"), served(), previous=other)
    assert again.outcome is Outcome.UNKNOWN


def test_silence_in_the_run_before_is_unknown() -> None:
    earlier = snapshot(sts("v=STSv1; id=1"), silent(MtaStsPolicy, SUBJECT, Reason.TIMEOUT))
    result = judge(evaluate, SUBJECT, domain(), sts("v=STSv1; id=1"), served(), previous=earlier)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.TIMEOUT


@pytest.mark.parametrize(
    "earlier",
    [
        snapshot(sts(), silent(MtaStsPolicy, SUBJECT, Reason.ABSENT)),
        snapshot(sts("v=STSv1; id=1"), served("", status=404)),
    ],
)
def test_policy_that_is_new_is_not_applicable(earlier: Snapshot) -> None:
    result = judge(evaluate, SUBJECT, domain(), sts("v=STSv1; id=1"), served(), previous=earlier)
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_domain_without_policy_is_not_applicable() -> None:
    unseen = silent(MtaStsPolicy, SUBJECT, Reason.ABSENT)
    result = judge(evaluate, SUBJECT, domain(), sts(), unseen, previous=OLD)
    assert result.outcome is Outcome.NOT_APPLICABLE
    silence = silent(MtaStsTxt, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), silence, unseen).outcome is Outcome.UNKNOWN
