"""dmarc-required-rua-present."""

import pytest

from audits.catalog.dmarc.required_rua_present import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import DmarcWalk
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.dmarc.walks import SUBJECT, own

WANTED = ("reports@dmarc.cyber.dhs.gov",)


def test_policy_without_required_address_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, domain(), own("v=DMARC1; p=none"))
    assert result.outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize("wanted", [WANTED, ("mailto:reports@DMARC.cyber.dhs.gov",)])
def test_required_address_among_others_passes(wanted: tuple[str, ...]) -> None:
    walked = own(
        "v=DMARC1; p=none; rua=mailto:r@example.net , mailto:reports@dmarc.Cyber.dhs.gov!10m"
    )
    result = judge(evaluate, SUBJECT, domain(), walked, required_rua=wanted)
    assert result.outcome is Outcome.PASS


@pytest.mark.parametrize(
    "tags",
    [
        "p=none",
        "p=none; rua=mailto:r@example.net",
        "p=none; ruf=mailto:reports@dmarc.cyber.dhs.gov",
    ],
)
def test_missing_address_fails(tags: str) -> None:
    walked = own(f"v=DMARC1; {tags}")
    result = judge(evaluate, SUBJECT, domain(), walked, required_rua=WANTED)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == (
        "rua at _dmarc.example.net does not name reports@dmarc.cyber.dhs.gov"
    )


def test_no_record_fails_too() -> None:
    result = judge(evaluate, SUBJECT, domain(), own(), required_rua=WANTED)
    assert result.outcome is Outcome.FAIL


def test_silent_walk_is_unknown() -> None:
    unseen = silent(DmarcWalk, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
