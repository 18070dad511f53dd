"""smtp-helo-name-valid."""

import pytest

from audits.catalog.smtp.helo_name_valid import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dns import PtrNames, SilentType
from audits.facts.fact import Fact, Reason, Silence, Unobserved
from audits.facts.helo import HeloName
from audits.subject import Address, MailHost
from tests.build import answer, judge, roles, silent

SUBJECT = MailHost("mx1.example.net")
ADDRESS = Address("192.0.2.10")


def helo(
    *addresses: str, name: str = "mx1.example.net", silences: tuple[SilentType, ...] = ()
) -> HeloName:
    return HeloName(SUBJECT, name, (answer(name),), addresses, silences)


def ptr(*names: str) -> PtrNames:
    return PtrNames(ADDRESS, answer("10.2.0.192.in-addr.arpa"), names)


def of(*seen: Fact | Unobserved, **params: list[str]) -> Result:
    return judge(evaluate, SUBJECT, roles(), *seen, **params)


def test_name_that_leads_to_the_host_passes() -> None:
    assert of(helo("192.0.2.10"), ptr()).outcome is Outcome.PASS


def test_name_that_a_ptr_record_gives_passes_if_it_resolves() -> None:
    seen = helo("198.51.100.1", name="out.example.net")
    assert of(seen, ptr("out.example.net")).outcome is Outcome.PASS
    assert of(helo(name="out.example.net"), ptr("out.example.net")).outcome is Outcome.FAIL


def test_address_that_the_host_is_seen_under_passes_where_it_is_allowed() -> None:
    result = of(helo("198.51.100.1"), ptr(), allow_nat_alias=["198.51.100.1"])
    assert result.outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("seen", "message"),
    [
        (helo(name="mail"), "the HELO name mail is not fully qualified"),
        (helo(name="localhost"), "the HELO name localhost is one that every host has"),
        (
            helo(name="mail.localdomain"),
            "the HELO name mail.localdomain is one that every host has",
        ),
        (helo(name="[192.0.2.10]"), "the HELO name [192.0.2.10] is an address literal"),
        (helo(), "the HELO name mx1.example.net has no address"),
        (
            helo("198.51.100.1"),
            "the HELO name mx1.example.net leads to 198.51.100.1, and no PTR record of the host "
            "to it",
        ),
    ],
)
def test_name_that_does_not_lead_back_fails(seen: HeloName, message: str) -> None:
    result = of(seen, ptr("other.example.net"))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.MEDIUM
    assert [v.message for v in result.violations] == [message]


def test_silence_is_unknown() -> None:
    half = SilentType("AAAA", Silence(Reason.SERVFAIL, "SERVFAIL"))
    assert of(helo("198.51.100.1", silences=(half,)), ptr()).outcome is Outcome.UNKNOWN
    whole = silent(HeloName, SUBJECT, Reason.DNS_TIMEOUT)
    assert of(whole, ptr()).outcome is Outcome.UNKNOWN
    unseen = silent(PtrNames, ADDRESS, Reason.DNS_TIMEOUT)
    assert of(helo("198.51.100.1"), unseen).outcome is Outcome.UNKNOWN


def test_host_of_somebody_else_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, roles(in_inventory=False), helo("192.0.2.10"), ptr())
    assert result.outcome is Outcome.NOT_APPLICABLE
