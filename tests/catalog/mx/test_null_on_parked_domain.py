"""mx-null-on-parked-domain."""

from audits.catalog.mx.null_on_parked_domain import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import ApexAddresses, MxSet, SilentType
from audits.facts.fact import Reason, Silence
from audits.subject import Domain
from tests.build import answer, domain, judge, mx, silent

SUBJECT = Domain("example.net")
PARKED = domain(sends=False, receives=False)


def apex(*found: str, without: tuple[SilentType, ...] = ()) -> ApexAddresses:
    return ApexAddresses(SUBJECT, (answer("example.net"),), found, without)


def test_null_mx_passes() -> None:
    result = judge(evaluate, SUBJECT, PARKED, mx((0, ".")), apex("192.0.2.1"))
    assert result.outcome is Outcome.PASS


def test_null_mx_passes_though_the_addresses_are_not_known() -> None:
    unseen = silent(ApexAddresses, SUBJECT, Reason.DNS_TIMEOUT)
    assert judge(evaluate, SUBJECT, PARKED, mx((0, ".")), unseen).outcome is Outcome.PASS


def test_address_without_null_mx_fails() -> None:
    result = judge(evaluate, SUBJECT, PARKED, mx(), apex("192.0.2.1"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "no null MX, and mail goes to 192.0.2.1"


def test_mx_host_on_a_parked_domain_fails() -> None:
    result = judge(evaluate, SUBJECT, PARKED, mx((10, "mx1.example.net")), apex())
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "a parked domain with MX mx1.example.net"


def test_domain_without_address_is_not_applicable_unless_required() -> None:
    result = judge(evaluate, SUBJECT, PARKED, mx(), apex())
    assert result.outcome is Outcome.NOT_APPLICABLE
    strict = judge(evaluate, SUBJECT, PARKED, mx(), apex(), require_without_address=True)
    assert strict.outcome is Outcome.FAIL


def test_name_that_does_not_exist_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, PARKED, mx(rcode="NXDOMAIN"), apex())
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_domain_in_use_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, domain(), mx(), apex("192.0.2.1"))
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_unknown_addresses_are_unknown() -> None:
    unseen = silent(ApexAddresses, SUBJECT, Reason.DNS_TIMEOUT, "no answer in 3 s")
    result = judge(evaluate, SUBJECT, PARKED, mx(), unseen)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.DNS_TIMEOUT
    assert "no answer in 3 s" in result.unknown[0].detail


def test_silent_address_type_is_unknown() -> None:
    half = apex(without=(SilentType("AAAA", Silence(Reason.SERVFAIL, "SERVFAIL")),))
    result = judge(evaluate, SUBJECT, PARKED, mx(), half)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail == "no MX, and AAAA is not known: SERVFAIL"


def test_silent_mx_look_up_is_unknown() -> None:
    unseen = silent(MxSet, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, PARKED, unseen, apex()).outcome is Outcome.UNKNOWN
