"""dkim-ed25519-published."""

import pytest

from audits.catalog.dkim.ed25519_published import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dns import DkimKeys
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.dkim.selectors import (
    SUBJECT,
    dkim,
    ed25519_text,
    rsa_text,
    selector,
    silent_selector,
)


def test_both_kinds_of_key_pass() -> None:
    keys = dkim(selector("s1", rsa_text()), selector("e1", ed25519_text()))
    assert judge(evaluate, SUBJECT, domain(), keys).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("text", "missing"), [(rsa_text(), "Ed25519"), (ed25519_text(), "RSA")], ids=["rsa", "ed25519"]
)
def test_one_kind_alone_fails_as_information(text: str, missing: str) -> None:
    result = judge(evaluate, SUBJECT, domain(), dkim(selector("s1", text)))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.INFO
    assert result.violations[0].message == f"no {missing} key under a declared selector"


def test_no_key_in_force_is_not_applicable() -> None:
    for keys in (dkim(domainkey="NOERROR"), dkim(selector("s1", "p="))):
        assert judge(evaluate, SUBJECT, domain(), keys).outcome is Outcome.NOT_APPLICABLE


def test_silence_is_unknown() -> None:
    half = dkim(selector("s1", rsa_text()), silent_selector("e1"))
    assert judge(evaluate, SUBJECT, domain(), half).outcome is Outcome.UNKNOWN
    unseen = silent(DkimKeys, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
