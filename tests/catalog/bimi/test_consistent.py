"""bimi-consistent."""

import pytest

from audits.catalog.bimi.consistent import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.bimi import BimiTxt
from audits.facts.dns import DmarcWalk
from audits.facts.fact import Reason
from audits.parse.bimi import bimi_records
from tests.build import answer, domain, judge, silent
from tests.catalog.dmarc.walks import SUBJECT, own

LOGO = "v=BIMI1; l=https://www.example.net/logo.svg; a="
NAME = "default._bimi.example.net"


def bimi(*texts: str) -> BimiTxt:
    return BimiTxt(SUBJECT, answer(NAME), texts, bimi_records(texts))


def of(record: str, *texts: str) -> Result:
    return judge(evaluate, SUBJECT, domain(), own(record), bimi(*texts))


@pytest.mark.parametrize("policy", ["p=quarantine", "p=reject; sp=quarantine; pct=100"])
def test_logo_behind_an_enforced_policy_passes(policy: str) -> None:
    assert of(f"v=DMARC1; {policy}", LOGO, "unrelated").outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("v=DMARC1; p=none", "p=none at _dmarc.example.net"),
        ("v=DMARC1; p=reject; sp=none", "names below: sp=none at _dmarc.example.net"),
        ("v=DMARC1; p=reject; pct=50", "pct=50 leaves a share of forged mail alone"),
        ("unrelated", "no DMARC policy is in effect"),
    ],
)
def test_logo_before_the_policy_fails_as_information(policy: str, message: str) -> None:
    result = of(policy, LOGO)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.INFO
    assert [violation.message for violation in result.violations] == [message]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("v=BIMI1; l=http://x.example/l.svg",), "is no https URL"),
        (("v=bimi1; l=https://x.example/l.svg",), "does not begin with v=BIMI1"),
        ((LOGO, LOGO + "https://x.example/m.pem"), "2 BIMI records at default._bimi.example.net"),
    ],
)
def test_broken_record_fails(texts: tuple[str, ...], message: str) -> None:
    result = of("v=DMARC1; p=reject", *texts)
    assert result.outcome is Outcome.FAIL
    assert message in result.violations[0].message


def test_no_logo_is_not_applicable() -> None:
    for texts in ((), ("v=spf1 -all",), ("v=BIMI1; l=; a=",)):
        assert of("v=DMARC1; p=none", *texts).outcome is Outcome.NOT_APPLICABLE


def test_silence_is_unknown() -> None:
    seen, unseen = bimi(LOGO), silent(DmarcWalk, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), seen, unseen).outcome is Outcome.UNKNOWN
    unseen = silent(BimiTxt, SUBJECT, Reason.DNS_TIMEOUT)
    walked = own("v=DMARC1; p=reject")
    assert judge(evaluate, SUBJECT, domain(), walked, unseen).outcome is Outcome.UNKNOWN
