"""caa-published."""

import pytest

from audits.catalog.caa.published import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.caa import CaaSet
from audits.facts.fact import Reason
from audits.subject import MailHost
from tests.build import judge, roles, silent
from tests.catalog.caa.climbs import caa

SUBJECT = MailHost("mx1.example.net")


@pytest.mark.parametrize(
    "seen",
    [
        caa(("issue", "letsencrypt.org")),
        caa(("issue", ";")),
        caa(("issue", "ca.example; account=1"), ("iodef", "mailto:a@example.net")),
        caa(("issue", "ca.example"), ("future", "x")),
    ],
)
def test_records_with_an_issuer_pass(seen: CaaSet) -> None:
    assert judge(evaluate, SUBJECT, roles(), seen).outcome is Outcome.PASS


def test_no_record_up_to_the_top_fails_low() -> None:
    result = judge(evaluate, SUBJECT, roles(), caa())
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.LOW
    assert result.violations[0].message == (
        "no CAA record at mx1.example.net or above it, up to net"
    )


@pytest.mark.parametrize(
    ("seen", "message"),
    [
        (
            caa(("iodef", "mailto:a@example.net")),
            "the CAA records at example.net have no issue property: any CA may issue",
        ),
        (
            caa(("issue", "https://ca.example")),
            'at example.net: issue "https://ca.example" begins with no domain name',
        ),
        (
            caa(("issue", "ca.example"), ("tbs", "x"), flags=128),
            "at example.net: critical property tbs is unknown: no CA may issue",
        ),
    ],
)
def test_records_that_do_not_say_who_may_issue_fail(seen: CaaSet, message: str) -> None:
    result = judge(evaluate, SUBJECT, roles(), seen)
    assert result.outcome is Outcome.FAIL
    assert [v.message for v in result.violations] == [message]


def test_further_property_that_a_policy_asks_for_is_for_information() -> None:
    seen = caa(("issue", "ca.example"), ("issuemail", ";"))
    result = judge(evaluate, SUBJECT, roles(), seen, also=["issuemail", "issuevmc"])
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.INFO
    assert len(result.violations) == 1


def test_silent_look_up_is_unknown() -> None:
    unseen = silent(CaaSet, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, roles(), unseen).outcome is Outcome.UNKNOWN


def test_host_of_somebody_else_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, roles(in_inventory=False), caa())
    assert result.outcome is Outcome.NOT_APPLICABLE
