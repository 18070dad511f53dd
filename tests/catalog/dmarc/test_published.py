"""dmarc-published."""

from audits.catalog.dmarc.published import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import DmarcWalk
from audits.facts.fact import Reason
from audits.subject import Domain
from tests.build import domain, judge, silent
from tests.catalog.dmarc.walks import SUBJECT, own, walk


def test_own_record_passes() -> None:
    walked = own("site-verification=1", "v=DMARC1; p=none")
    result = judge(evaluate, SUBJECT, domain(), walked)
    assert result.outcome is Outcome.PASS
    assert result.evidence[0].quote == "v=DMARC1; p=none"


def test_record_of_the_organizational_domain_passes() -> None:
    below = Domain("mail.example.net")
    walked = walk({"example.net": "v=DMARC1; p=reject"}, below.name)
    assert judge(evaluate, below, domain(below.name), walked).outcome is Outcome.PASS


def test_no_record_fails() -> None:
    result = judge(evaluate, SUBJECT, domain(), own())
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == (
        "no DMARC record at _dmarc.example.net, nor at a parent domain"
    )


def test_text_that_is_no_record_fails_and_is_quoted() -> None:
    result = judge(evaluate, SUBJECT, domain(), own("v=dmarc1; p=reject"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == (
        "the TXT at _dmarc.example.net is no DMARC record: v=dmarc1; p=reject"
    )


def test_two_records_fail() -> None:
    result = judge(evaluate, SUBJECT, domain(), own("v=DMARC1; p=none", "v=DMARC1; p=reject"))
    assert result.outcome is Outcome.FAIL
    assert len(result.violations[0].evidence) == 2


def test_two_records_below_one_that_governs_pass() -> None:
    below = Domain("mail.example.net")
    zone: dict[str, str | tuple[str, ...]] = {
        "mail.example.net": ("v=DMARC1; p=none", "v=DMARC1; p=reject"),
        "example.net": "v=DMARC1; p=reject",
    }
    result = judge(evaluate, below, domain(below.name), walk(zone, below.name))
    assert result.outcome is Outcome.PASS


def test_silent_walk_is_unknown() -> None:
    unseen = silent(DmarcWalk, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
