"""ptr-published."""

from audits.catalog.ptr.published import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dns import HostAddresses, PtrNames, SilentType
from audits.facts.fact import Fact, Reason, Unobserved
from audits.subject import Address, Role
from tests.build import addresses, host, judge, silent
from tests.catalog.ptr.reverse import SILENT, SUBJECT, host_at, ptr

FOUND = addresses("mx1.example.net", "192.0.2.10")


def of(*seen: Fact | Unobserved) -> Result:
    return judge(evaluate, SUBJECT, host(addresses=()), FOUND, *seen)


def test_name_on_every_address_passes() -> None:
    outbound = host_at("192.0.2.10", sends_from=("192.0.2.20",))
    result = of(
        outbound, ptr("192.0.2.10", "mx1.example.net"), ptr("192.0.2.20", "out.example.net")
    )
    assert result.outcome is Outcome.PASS
    assert [e.quote for e in result.evidence] == ["mx1.example.net", "out.example.net"]


def test_outbound_address_without_name_fails_high() -> None:
    outbound = host_at("192.0.2.10", sends_from=("192.0.2.20",))
    result = of(outbound, ptr("192.0.2.10", "mx1.example.net"), ptr("192.0.2.20"))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.HIGH
    assert result.violations[0].message == ("192.0.2.20, from which it sends, has no PTR record")


def test_address_of_a_relay_without_declared_outbound_address_counts_as_outbound() -> None:
    result = of(host_at("192.0.2.10", roles=(Role.RELAY,)), ptr("192.0.2.10"))
    assert result.severity is Severity.HIGH


def test_address_that_only_receives_fails_low() -> None:
    result = of(host_at("192.0.2.10"), ptr("192.0.2.10"))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.LOW
    assert result.violations[0].message == "192.0.2.10 has no PTR record"


def test_private_address_is_left_out() -> None:
    result = of(host_at("192.0.2.10", "10.0.0.5"), ptr("192.0.2.10", "mx1"), ptr("10.0.0.5"))
    assert result.outcome is Outcome.PASS
    assert of(host_at("10.0.0.5"), ptr("10.0.0.5")).outcome is Outcome.NOT_APPLICABLE


def test_silent_reverse_look_up_is_unknown() -> None:
    unseen = silent(PtrNames, Address("192.0.2.10"), Reason.DNS_TIMEOUT)
    result = of(host_at("192.0.2.10"), unseen)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].subject == Address("192.0.2.10")


def test_missing_name_outranks_silence() -> None:
    unseen = silent(PtrNames, Address("192.0.2.10"), Reason.DNS_TIMEOUT)
    result = of(host_at("192.0.2.10", "192.0.2.11"), unseen, ptr("192.0.2.11"))
    assert result.outcome is Outcome.FAIL


def test_address_type_that_was_silent_is_unknown_unless_addresses_are_declared() -> None:
    half = addresses("mx1.example.net", "192.0.2.10", silent=(SilentType("AAAA", SILENT),))
    seen = (half, host_at("192.0.2.10"), ptr("192.0.2.10", "mx1.example.net"))
    result = judge(evaluate, SUBJECT, host(addresses=()), *seen)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail == (
        "not all addresses of mx1.example.net are known: AAAA: SERVFAIL"
    )
    declared = judge(evaluate, SUBJECT, host(addresses=("192.0.2.10",)), *seen)
    assert declared.outcome is Outcome.PASS


def test_silent_addresses_beside_a_declared_outbound_one_are_unknown() -> None:
    unseen = silent(HostAddresses, SUBJECT, Reason.SERVFAIL)
    seen = (unseen, host_at(sends_from=("192.0.2.20",)), ptr("192.0.2.20", "out.example.net"))
    assert judge(evaluate, SUBJECT, host(addresses=()), *seen).outcome is Outcome.UNKNOWN


def test_host_of_somebody_else_is_not_applicable() -> None:
    foreign = host_at("192.0.2.10", in_inventory=False)
    result = judge(evaluate, SUBJECT, foreign, ptr("192.0.2.10"))
    assert result.outcome is Outcome.NOT_APPLICABLE
