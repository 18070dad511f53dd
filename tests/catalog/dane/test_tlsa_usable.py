"""dane-tlsa-usable."""

import pytest

from audits.catalog.dane.tlsa_usable import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dane import TlsaRecord
from audits.subject import MailHost
from tests.build import judge, roles
from tests.catalog.dane.secured import record, tlsa

SUBJECT = MailHost("mx1.example.net")


@pytest.mark.parametrize("parameters", ["3 1 1", "2 1 1"])
def test_recommended_record_passes(parameters: str) -> None:
    result = judge(evaluate, SUBJECT, roles(), tlsa(record(parameters)))
    assert result.outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (record("1 1 1"), "usage 1 (PKIX-EE) is not for SMTP"),
        (record("0 0 1"), "usage 0 (PKIX-TA) is not for SMTP"),
        (record("4 1 1"), "usage 4 is not assigned"),
        (record("3 2 1"), "selector 2 is not assigned"),
        (record("3 1 3"), "matching type 3 is not assigned"),
        (record("3 1 1", "cd" * 31), "matching type 1 takes 32 octets, not 31"),
        (record("3 1 2"), "matching type 2 takes 64 octets, not 32"),
        (record("3 1 0", ""), "it has no data"),
    ],
)
def test_record_that_senders_ignore_fails_beside_a_good_one(held: TlsaRecord, words: str) -> None:
    result = judge(evaluate, SUBJECT, roles(), tlsa(record(), held))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.MEDIUM
    (violation,) = result.violations
    assert violation.message.endswith(words)


def test_full_data_and_fragile_parameters_fail_mildly() -> None:
    for held in (record("3 1 0", "30" * 91), record("3 0 1")):
        result = judge(evaluate, SUBJECT, roles(), tlsa(held))
        assert result.outcome is Outcome.FAIL
        assert result.severity is Severity.LOW
        assert "no TLSA record is 3 1 1 or 2 1 1" in result.violations[-1].message


def test_host_without_records_is_not_applicable() -> None:
    assert judge(evaluate, SUBJECT, roles(), tlsa()).outcome is Outcome.NOT_APPLICABLE
