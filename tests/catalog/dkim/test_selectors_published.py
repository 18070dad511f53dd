"""dkim-selectors-published."""

from audits.catalog.dkim.selectors_published import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import DkimKeys
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.dkim.selectors import SUBJECT, dkim, rsa_text, selector, silent_selector


def test_key_under_each_selector_passes() -> None:
    keys = dkim(selector("s1", rsa_text()), selector("s2", "p=unreadable"))
    result = judge(evaluate, SUBJECT, domain(), keys)
    assert result.outcome is Outcome.PASS
    assert len(result.evidence) == 2


def test_selector_without_record_fails() -> None:
    keys = dkim(selector("s1", rsa_text()), selector("s2", rcode="NXDOMAIN"), selector("s3"))
    result = judge(evaluate, SUBJECT, domain(), keys)
    assert result.outcome is Outcome.FAIL
    assert [v.message for v in result.violations] == [
        "selector s2 does not exist (NXDOMAIN)",
        "selector s3 has no TXT record (NOERROR)",
    ]


def test_dangling_alias_fails_and_its_end_is_named() -> None:
    dangling = selector("s1", rcode="NXDOMAIN", alias=("a.esp.example", "b.esp.example"))
    result = judge(evaluate, SUBJECT, domain(), dkim(dangling))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == (
        "selector s1 is an alias of b.esp.example, which does not exist (NXDOMAIN)"
    )


def test_revoked_key_fails() -> None:
    result = judge(evaluate, SUBJECT, domain(), dkim(selector("s1", "v=DKIM1; p=")))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "selector s1 is revoked: its p= is empty"


def test_nothing_declared_and_no_domainkey_fails() -> None:
    result = judge(evaluate, SUBJECT, domain(), dkim(domainkey="NXDOMAIN"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == (
        "no selector is declared, and _domainkey.example.net does not exist (NXDOMAIN)"
    )


def test_nothing_declared_and_something_there_is_unknown() -> None:
    for keys in (dkim(domainkey="NOERROR"), dkim()):
        result = judge(evaluate, SUBJECT, domain(), keys)
        assert result.outcome is Outcome.UNKNOWN
        assert result.unknown[0].reason is Reason.NOT_DECLARED


def test_silent_selector_is_unknown() -> None:
    keys = dkim(selector("s1", rsa_text()), silent_selector("s2"))
    result = judge(evaluate, SUBJECT, domain(), keys)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail == "s2._domainkey.example.net: no answer in 3 s"


def test_missing_key_outranks_silence() -> None:
    keys = dkim(silent_selector("s1"), selector("s2", rcode="NXDOMAIN"))
    assert judge(evaluate, SUBJECT, domain(), keys).outcome is Outcome.FAIL


def test_domain_that_sends_nothing_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, domain(sends=False), dkim(domainkey="NXDOMAIN"))
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_look_up_is_unknown() -> None:
    unseen = silent(DkimKeys, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
