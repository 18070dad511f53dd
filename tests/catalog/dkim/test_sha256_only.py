"""dkim-sha256-only."""

import pytest

from audits.catalog.dkim.sha256_only import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import DkimKeys
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.dkim.selectors import SUBJECT, dkim, rsa_text, selector, silent_selector


@pytest.mark.parametrize("hashes", ["", "; h=sha256", "; h=SHA256", "; h=sha256:sha512"])
def test_key_for_sha256_passes(hashes: str) -> None:
    keys = dkim(selector("s1", rsa_text() + hashes))
    assert judge(evaluate, SUBJECT, domain(), keys).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("hashes", "message"),
    [
        ("sha1", "selector s1 has h=sha1, which allows SHA-1"),
        ("sha1:sha256", "selector s1 has h=sha1:sha256, which allows SHA-1"),
        ("sha512", "selector s1 has h=sha512, which leaves out SHA-256"),
    ],
)
def test_key_for_another_hash_fails(hashes: str, message: str) -> None:
    keys = dkim(selector("s1", f"{rsa_text()}; h={hashes}"))
    result = judge(evaluate, SUBJECT, domain(), keys)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == message


def test_no_key_in_force_is_not_applicable() -> None:
    for keys in (dkim(domainkey="NOERROR"), dkim(selector("s1", "h=sha1; p="))):
        assert judge(evaluate, SUBJECT, domain(), keys).outcome is Outcome.NOT_APPLICABLE


def test_silence_is_unknown() -> None:
    half = dkim(selector("s1", rsa_text()), silent_selector("s2"))
    assert judge(evaluate, SUBJECT, domain(), half).outcome is Outcome.UNKNOWN
    unseen = silent(DkimKeys, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
