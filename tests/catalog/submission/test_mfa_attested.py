"""submission-mfa-attested."""

from datetime import date
from typing import Any

import pytest

from audits.catalog.submission.mfa_attested import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.declared import Attestation
from audits.facts.fact import Reason
from audits.subject import MailHost, Role
from tests.build import host, judge, roles

HOST = "mx1.example.net"


def attested(value: str = "app-passwords", **fields: Any) -> Attestation:
    whole: dict[str, Any] = {
        "about": "submission_mfa",
        "evidence_uri": "https://wiki.example.net/mfa",
        "by": "Head of IT",
        "on": date(2026, 1, 15),
        "expires": date(2027, 1, 15),
    }
    return Attestation(value=value, **(whole | fields))


def of(*attestations: Attestation, role: Role = Role.MSA, **params: Any) -> Result:
    declared = host(HOST, roles=(role,), attestations=attestations)
    return judge(evaluate, MailHost(HOST), roles(HOST, role), declared, **params)


@pytest.mark.parametrize("value", ["tokens", "app-passwords", "certificates"])
def test_attested_credentials_pass_with_who_says_so(value: str) -> None:
    result = of(attested(value))
    assert result.outcome is Outcome.PASS
    assert [e.quote for e in result.evidence] == [
        value,
        "Head of IT",
        "https://wiki.example.net/mfa",
    ]


def test_attestation_holds_on_its_first_and_last_day() -> None:
    today = date(2026, 11, 23)
    assert of(attested(on=today, expires=today)).outcome is Outcome.PASS


def test_account_passwords_fail() -> None:
    result = of(attested("passwords"))
    assert (result.outcome, result.severity) == (Outcome.FAIL, Severity.LOW)


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        ({"expires": date(2026, 11, 22)}, "lapsed after 2026-11-22"),
        ({"on": date(2026, 11, 24)}, "begins on 2026-11-24"),
    ],
)
def test_attestation_out_of_its_time_is_unknown(dates: dict[str, date], words: str) -> None:
    result = of(attested("passwords", **dates))
    assert result.outcome is Outcome.UNKNOWN
    assert words in result.unknown[0].detail


def test_nothing_attested_is_unknown() -> None:
    for result in (of(), of(attested(about="log_retention"))):
        assert result.outcome is Outcome.UNKNOWN
        assert result.unknown[0].reason is Reason.NOT_DECLARED
        assert "attest.submission_mfa" in result.unknown[0].detail


def test_host_without_submission_is_not_applicable() -> None:
    assert of(role=Role.MX).outcome is Outcome.NOT_APPLICABLE


def test_missing_attestation_does_not_apply_where_the_policy_asks_for_none() -> None:
    assert of(required=False).outcome is Outcome.NOT_APPLICABLE
    assert of(attested("passwords"), required=False).outcome is Outcome.FAIL
