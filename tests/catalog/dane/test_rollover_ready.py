"""dane-rollover-ready."""

import pytest

from audits.catalog.dane.rollover_ready import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dane import TlsaSet
from audits.facts.fact import Reason
from audits.facts.tls import CertificateChain
from audits.subject import MailHost
from tests.build import judge, roles, silent
from tests.catalog import wire
from tests.catalog.dane.secured import CERT, record, tlsa

SUBJECT = MailHost("mx1.example.net")
NEXT = record("3 1 1", "99" * 32)
ISSUER = record("2 1 1", "2b" * 32)


@pytest.mark.parametrize(
    "found", [tlsa(record(), NEXT), tlsa(record(), ISSUER), tlsa(record("3 1 2", "99" * 64), NEXT)]
)
def test_second_key_or_its_issuer_passes(found: TlsaSet) -> None:
    assert judge(evaluate, SUBJECT, roles(), found, wire.chain()).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (tlsa(record()), "the only TLSA record is 3 1 1"),
        (tlsa(ISSUER), "only 2 1 1"),
        (tlsa(record(), record("1 1 1", "99" * 32)), "the only TLSA record is 3 1 1"),
        (tlsa(record(), record("3 0 1", CERT)), "all 2 TLSA records are of the key in use"),
    ],
)
def test_no_record_for_another_key_fails(found: TlsaSet, words: str) -> None:
    result = judge(evaluate, SUBJECT, roles(), found, wire.chain())
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.INFO
    assert words in result.violations[0].message


def test_unseen_certificate_leaves_the_count_of_records() -> None:
    gone = silent(CertificateChain, wire.MX, Reason.TIMEOUT)
    assert judge(evaluate, SUBJECT, roles(), tlsa(record(), NEXT), gone).outcome is Outcome.PASS


def test_host_without_records_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, roles(), tlsa(), wire.chain())
    assert result.outcome is Outcome.NOT_APPLICABLE
