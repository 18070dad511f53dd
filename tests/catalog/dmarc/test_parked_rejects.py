"""dmarc-parked-rejects."""

import pytest

from audits.catalog.dmarc.parked_rejects import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.dns import DmarcWalk
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.dmarc.walks import SUBJECT, own


def of(*texts: str, require_rua: bool = False) -> Result:
    parked = domain(sends=False, receives=False)
    return judge(evaluate, SUBJECT, parked, own(*texts), require_rua=require_rua)


@pytest.mark.parametrize("tags", ["p=reject", "p=reject; sp=reject; np=reject"])
def test_domain_whose_mail_is_rejected_passes(tags: str) -> None:
    assert of(f"v=DMARC1; {tags}").outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("tags", "messages"),
    [
        ("p=quarantine", ["the domain: p=quarantine at _dmarc.example.net"]),
        ("p=reject; sp=none", ["names below: sp=none at _dmarc.example.net"]),
        ("p=reject; np=none", ["names below that do not exist: np=none at _dmarc.example.net"]),
        ("p=block", ["the domain: no policy applies"]),
        (
            "p=reject; t=y",
            ["the domain: p=reject with t=y at _dmarc.example.net, which counts as quarantine"],
        ),
    ],
)
def test_weaker_policy_fails(tags: str, messages: list[str]) -> None:
    result = of(f"v=DMARC1; {tags}")
    assert result.outcome is Outcome.FAIL
    assert [violation.message for violation in result.violations] == messages


def test_no_record_fails() -> None:
    for texts in ((), ("v=DMARC1; p=reject",) * 2):
        result = of(*texts)
        assert result.outcome is Outcome.FAIL
        assert result.violations[0].message == (
            "no DMARC record takes effect at _dmarc.example.net"
        )


def test_policy_may_demand_reports() -> None:
    assert of("v=DMARC1; p=reject", require_rua=True).outcome is Outcome.FAIL
    reported = of("v=DMARC1; p=reject; rua=mailto:r@example.org", require_rua=True)
    assert reported.outcome is Outcome.PASS


def test_domain_in_use_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, domain(), own())
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_walk_is_unknown() -> None:
    unseen = silent(DmarcWalk, SUBJECT, Reason.SERVFAIL)
    result = judge(evaluate, SUBJECT, domain(sends=False, receives=False), unseen)
    assert result.outcome is Outcome.UNKNOWN
