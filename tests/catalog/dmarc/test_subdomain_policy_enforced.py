"""dmarc-subdomain-policy-enforced."""

import pytest

from audits.catalog.dmarc.subdomain_policy_enforced import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import DmarcWalk
from audits.facts.fact import Reason
from audits.subject import Domain
from tests.build import domain, judge, silent
from tests.catalog.dmarc.walks import SUBJECT, own, walk

RUA = "rua=mailto:r@example.net"


@pytest.mark.parametrize(
    "record",
    [
        "v=DMARC1; p=quarantine",
        "v=DMARC1; p=none; sp=quarantine",
        "v=DMARC1; p=none; sp=reject; np=reject",
        "v=DMARC1; p=reject; sp=reject; t=y",
    ],
)
def test_names_below_that_are_protected_pass(record: str) -> None:
    assert judge(evaluate, SUBJECT, domain(), own(record)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("record", "messages"),
    [
        ("v=DMARC1; p=reject; sp=none", ["names below: sp=none at _dmarc.example.net"]),
        (
            "v=DMARC1; p=reject; np=none",
            ["names below that do not exist: np=none at _dmarc.example.net"],
        ),
        (
            "v=DMARC1; p=reject; sp=none; np=none",
            [
                "names below: sp=none at _dmarc.example.net",
                "names below that do not exist: np=none at _dmarc.example.net",
            ],
        ),
        (
            "v=DMARC1; p=quarantine; t=y",
            ["names below: p=quarantine with t=y at _dmarc.example.net, which counts as none"],
        ),
        (
            f"v=DMARC1; p=block; {RUA}",
            ["names below: the policy at _dmarc.example.net can't be read, which counts as none"],
        ),
        ("v=DMARC1; p=block", ["no policy applies to names below example.net"]),
    ],
)
def test_names_below_that_are_open_fail(record: str, messages: list[str]) -> None:
    result = judge(evaluate, SUBJECT, domain(), own(record))
    assert result.outcome is Outcome.FAIL
    assert [violation.message for violation in result.violations] == messages


def test_each_kind_of_name_has_its_own_least() -> None:
    walked = own("v=DMARC1; p=reject; sp=none")
    result = judge(evaluate, SUBJECT, domain(), walked, min_sp="none", min_np="none")
    assert result.outcome is Outcome.PASS
    half = judge(evaluate, SUBJECT, domain(), walked, min_sp="none")
    assert half.violations[0].message.startswith("names below that do not exist")


def test_record_above_governs_names_below_an_own_one() -> None:
    below = Domain("mail.example.net")
    zone: dict[str, str | tuple[str, ...]] = {
        "mail.example.net": "v=DMARC1; p=reject",
        "example.net": "v=DMARC1; p=reject; sp=none",
    }
    result = judge(evaluate, below, domain(below.name), walk(zone, below.name))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "names below: sp=none at _dmarc.example.net"


def test_no_record_is_not_applicable() -> None:
    for walked in (own(), own("unrelated"), own("v=DMARC1; p=none", "v=DMARC1; p=none")):
        result = judge(evaluate, SUBJECT, domain(), walked)
        assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_walk_is_unknown() -> None:
    unseen = silent(DmarcWalk, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
