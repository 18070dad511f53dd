"""dmarc-reject-backed-by-dkim."""

import pytest

from audits.catalog.dmarc.reject_backed_by_dkim import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome
from audits.facts.dns import DkimKeys, DmarcWalk
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.dkim.selectors import dkim, rsa_text, selector, silent_selector
from tests.catalog.dmarc.walks import SUBJECT, own

REJECT = own("v=DMARC1; p=reject")


def of(keys: DkimKeys, walked: DmarcWalk = REJECT) -> Result:
    return judge(evaluate, SUBJECT, domain(), walked, keys)


def test_usable_key_under_each_selector_passes() -> None:
    assert of(dkim(selector("s1", rsa_text()), selector("s2", rsa_text()))).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (dkim(selector("s1", rcode="NXDOMAIN")), "p=reject, and selector s1 has no key (NXDOMAIN)"),
        (
            dkim(selector("s1", "p=")),
            "p=reject, and selector s1 has no usable key: it is revoked",
        ),
        (
            dkim(selector("s1", rsa_text()), selector("s2", "p=?")),
            "p=reject, and selector s2 has no usable key: tag p is not base64",
        ),
        (
            dkim(domainkey="NXDOMAIN"),
            "p=reject, and the domain has no DKIM key: _domainkey.example.net does not exist",
        ),
    ],
)
def test_selector_without_usable_key_fails(keys: DkimKeys, message: str) -> None:
    result = of(keys)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == message


@pytest.mark.parametrize("record", ["v=DMARC1; p=quarantine", "v=DMARC1; p=reject; t=y", "none"])
def test_milder_policy_is_not_applicable(record: str) -> None:
    result = of(dkim(selector("s1", "p=")), own(record))
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_what_is_not_declared_or_silent_is_unknown() -> None:
    undeclared = of(dkim(domainkey="NOERROR"))
    assert undeclared.outcome is Outcome.UNKNOWN
    assert undeclared.unknown[0].reason is Reason.NOT_DECLARED
    half = dkim(selector("s1", rsa_text()), silent_selector("s2"))
    assert of(half).outcome is Outcome.UNKNOWN
    unseen = silent(DkimKeys, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), REJECT, unseen).outcome is Outcome.UNKNOWN
