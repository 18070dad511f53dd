"""dmarc-policy-enforced."""

import pytest

from audits.catalog.dmarc.policy_enforced import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import DmarcWalk
from audits.facts.fact import Reason
from audits.subject import Domain
from tests.build import domain, judge, silent
from tests.catalog.dmarc.walks import SUBJECT, own, walk

RUA = "rua=mailto:r@example.net"


@pytest.mark.parametrize(
    ("policy", "least", "outcome"),
    [
        ("p=reject", "reject", Outcome.PASS),
        ("p=quarantine", "reject", Outcome.FAIL),
        ("p=quarantine", "quarantine", Outcome.PASS),
        ("p=none", "quarantine", Outcome.FAIL),
        ("p=none", "none", Outcome.PASS),
        ("p=reject; t=y", "quarantine", Outcome.PASS),
        ("p=quarantine; t=y", "quarantine", Outcome.FAIL),
        (f"p=block; {RUA}", "quarantine", Outcome.FAIL),
        (f"p=block; {RUA}", "none", Outcome.PASS),
        ("p=block", "none", Outcome.FAIL),
    ],
)
def test_effective_policy_is_compared_with_the_least(
    policy: str, least: str, outcome: Outcome
) -> None:
    walked = own(f"v=DMARC1; {policy}")
    assert judge(evaluate, SUBJECT, domain(), walked, min_policy=least).outcome is outcome


def test_weak_policy_is_quoted_and_the_wanted_one_named() -> None:
    result = judge(evaluate, SUBJECT, domain(), own("v=DMARC1; p=none"))
    assert result.violations[0].message == "p=none at _dmarc.example.net"
    assert result.violations[0].evidence[0].quote == "p=none"
    assert result.expected == "`quarantine` or stricter"


def test_test_mode_is_told_and_cited() -> None:
    result = judge(evaluate, SUBJECT, domain(), own("v=DMARC1; p=quarantine; t=y"))
    assert result.violations[0].message == (
        "p=quarantine with t=y at _dmarc.example.net, which counts as none"
    )
    assert [e.quote for e in result.violations[0].evidence] == ["p=quarantine", "t=y"]


def test_subdomain_without_own_record_fails_by_the_sp_above() -> None:
    below = Domain("mail.example.net")
    walked = walk({"example.net": "v=DMARC1; p=reject; sp=none"}, below.name)
    result = judge(evaluate, below, domain(below.name), walked)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "sp=none at _dmarc.example.net"


def test_no_record_fails() -> None:
    result = judge(evaluate, SUBJECT, domain(), own())
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "no DMARC record takes effect"


def test_record_that_receivers_ignore_fails() -> None:
    result = judge(evaluate, SUBJECT, domain(), own("v=DMARC1; p=block"))
    assert result.outcome is Outcome.FAIL
    assert "none applies" in result.violations[0].message


def test_domain_that_sends_nothing_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, domain(sends=False), own("v=DMARC1; p=none"))
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_walk_is_unknown() -> None:
    unseen = silent(DmarcWalk, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
