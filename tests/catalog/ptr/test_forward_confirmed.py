"""ptr-forward-confirmed."""

from audits.catalog.ptr.forward_confirmed import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dns import ForwardNames, SilentType
from audits.facts.fact import Fact, Reason, Unobserved
from audits.subject import Address
from tests.build import addresses, host, judge, silent
from tests.catalog.ptr.reverse import SILENT, SUBJECT, forward, host_at

FOUND = addresses("mx1.example.net", "192.0.2.10")
OUTBOUND = host_at("192.0.2.10", sends_from=("192.0.2.10",))


def of(*seen: Fact | Unobserved) -> Result:
    return judge(evaluate, SUBJECT, host(addresses=()), FOUND, *seen)


def test_name_that_leads_back_passes() -> None:
    result = of(OUTBOUND, forward("192.0.2.10", mx1=("192.0.2.9", "192.0.2.10")))
    assert result.outcome is Outcome.PASS


def test_one_of_several_names_is_enough() -> None:
    result = of(OUTBOUND, forward("192.0.2.10", old=(), mx1=("192.0.2.10",), dead=SILENT))
    assert result.outcome is Outcome.PASS


def test_name_that_leads_elsewhere_fails_high_on_an_outbound_address() -> None:
    result = of(OUTBOUND, forward("192.0.2.10", mx1=("192.0.2.9",), old=()))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.HIGH
    assert result.violations[0].message == (
        "192.0.2.10, from which it sends, is not confirmed: "
        "mx1.example.net to 192.0.2.9; old.example.net to nothing"
    )


def test_name_that_leads_elsewhere_fails_low_on_an_address_that_only_receives() -> None:
    result = of(host_at("192.0.2.10"), forward("192.0.2.10", mx1=("192.0.2.9",)))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.LOW


def test_silent_name_is_unknown_where_no_other_leads_back() -> None:
    result = of(OUTBOUND, forward("192.0.2.10", mx1=("192.0.2.9",), old=SILENT))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail == "old.example.net: SERVFAIL"


def test_other_address_fails_though_one_is_silent() -> None:
    two = host_at("192.0.2.10", "192.0.2.11")
    result = of(two, forward("192.0.2.10", mx1=SILENT), forward("192.0.2.11", mx1=()))
    assert result.outcome is Outcome.FAIL


def test_silent_reverse_look_up_is_unknown() -> None:
    unseen = silent(ForwardNames, Address("192.0.2.10"), Reason.DNS_TIMEOUT)
    assert of(OUTBOUND, unseen).outcome is Outcome.UNKNOWN


def test_silent_address_type_is_unknown() -> None:
    half = addresses("mx1.example.net", "192.0.2.10", silent=(SilentType("AAAA", SILENT),))
    seen = (half, OUTBOUND, forward("192.0.2.10", mx1=("192.0.2.10",)))
    result = judge(evaluate, SUBJECT, host(addresses=()), *seen)
    assert result.outcome is Outcome.UNKNOWN


def test_address_without_name_is_not_applicable() -> None:
    assert of(OUTBOUND, forward("192.0.2.10")).outcome is Outcome.NOT_APPLICABLE


def test_private_address_is_not_applicable() -> None:
    result = of(host_at("10.0.0.5"), forward("10.0.0.5", mx1=()))
    assert result.outcome is Outcome.NOT_APPLICABLE
