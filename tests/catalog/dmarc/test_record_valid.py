"""dmarc-record-valid."""

import pytest

from audits.catalog.dmarc.record_valid import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dns import DmarcWalk
from audits.facts.fact import Reason
from audits.subject import Domain
from tests.build import domain, judge, silent
from tests.catalog.dmarc.walks import SUBJECT, own, walk

RUA = "rua=mailto:r@example.net"


@pytest.mark.parametrize(
    "record",
    [
        "v=DMARC1; p=reject",
        "v = DMARC1; p = reject;",
        f"v=DMARC1; {RUA}; p=reject",
        "v=DMARC1; p=reject; foo=bar; adkim=s; aspf=r; fo=1:d; t=n; psd=n",
    ],
)
def test_sound_record_passes(record: str) -> None:
    assert judge(evaluate, SUBJECT, domain(), own(record)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (f"v=DMARC1; p=block; {RUA}", 'tag p: "block" is not allowed'),
        ("v=DMARC1; p=reject; p=none", "tag p is given twice"),
        ("v=DMARC1; p=reject; adkim=x", 'tag adkim: "x" is not allowed'),
        ("v=DMARC1; p=reject; rua=r@example.net", 'tag rua: "r@example.net" is not allowed'),
        ("v=DMARC1; sp=none", "neither p nor a usable rua, so that receivers ignore it"),
    ],
)
def test_unreadable_record_fails(record: str, message: str) -> None:
    result = judge(evaluate, SUBJECT, domain(), own(record))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.HIGH
    assert [v.message for v in result.violations] == [message]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            f"v=DMARC1; {RUA}",
            "p is missing, which reads as none, and as no DMARC to older receivers",
        ),
        ("v=DMARC1; p=reject; psd=y", "psd=y declares the domain a public suffix"),
        ("v=DMARC1; p=reject; pct=50", "pct=50 is obsolete"),
        ("v=DMARC1; p=reject; ri=86400", "ri=86400 is obsolete"),
        (f"v=DMARC1; p=reject; {RUA}!10m", "rua has a size limit, which is obsolete"),
    ],
)
def test_doubtful_record_is_low(record: str, message: str) -> None:
    result = judge(evaluate, SUBJECT, domain(), own(record))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.LOW
    assert [v.message for v in result.violations] == [message]


def test_failure_reports_beside_psd_are_told_as_information() -> None:
    walked = own("v=DMARC1; p=reject; psd=y; ruf=mailto:r@example.net")
    result = judge(evaluate, SUBJECT, domain(), walked)
    assert result.violations[1].message == "ruf beside psd=y, which gets no failure reports"
    assert result.violations[1].severity is Severity.INFO


def test_obsolete_tags_pass_where_the_policy_does_not_warn() -> None:
    walked = own("v=DMARC1; p=reject; pct=50; rf=afrf")
    result = judge(evaluate, SUBJECT, domain(), walked, warn_obsolete=False)
    assert result.outcome is Outcome.PASS


def test_two_records_fail_though_a_parent_governs() -> None:
    below = Domain("mail.example.net")
    zone: dict[str, str | tuple[str, ...]] = {
        "mail.example.net": ("v=DMARC1; p=none", "v=DMARC1; p=reject"),
        "example.net": "v=DMARC1; p=reject",
    }
    result = judge(evaluate, below, domain(below.name), walk(zone, below.name))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "2 DMARC records at _dmarc.mail.example.net"


def test_no_record_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, domain(), own("unrelated"))
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_walk_is_unknown() -> None:
    unseen = silent(DmarcWalk, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
