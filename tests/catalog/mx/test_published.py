"""mx-published."""

from audits.catalog.mx.published import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import ApexAddresses, MxSet, SilentType
from audits.facts.fact import Reason, Silence
from audits.subject import Domain
from tests.build import answer, domain, judge, mx, silent

SUBJECT = Domain("example.net")
NO_APEX = silent(ApexAddresses, SUBJECT, Reason.DNS_TIMEOUT)


def apex(*found: str, without: tuple[SilentType, ...] = ()) -> ApexAddresses:
    return ApexAddresses(SUBJECT, (answer("example.net"),), found, without)


def test_mx_host_passes() -> None:
    result = judge(evaluate, SUBJECT, domain(), mx((10, "mx1.example.net")), apex())
    assert result.outcome is Outcome.PASS
    assert result.evidence[0].quote == "mx1.example.net"


def test_mx_host_passes_though_the_addresses_of_the_domain_are_not_known() -> None:
    result = judge(evaluate, SUBJECT, domain(), mx((10, "mx1.example.net")), NO_APEX)
    assert result.outcome is Outcome.PASS


def test_address_without_mx_fails_and_says_where_mail_goes() -> None:
    result = judge(evaluate, SUBJECT, domain(), mx(), apex("192.0.2.1", "2001:db8::1"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == (
        "no MX, so that mail goes to the domain's own addresses 192.0.2.1, 2001:db8::1"
    )


def test_neither_mx_nor_address_fails() -> None:
    result = judge(evaluate, SUBJECT, domain(), mx(), apex())
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "no MX, and no address that could stand in for one"


def test_silent_address_type_leaves_only_the_missing_mx_to_be_told() -> None:
    half = apex(without=(SilentType("AAAA", Silence(Reason.SERVFAIL, "SERVFAIL")),))
    for seen in (half, NO_APEX):
        result = judge(evaluate, SUBJECT, domain(), mx(), seen)
        assert result.outcome is Outcome.FAIL
        assert result.violations[0].message == "no MX"


def test_name_that_does_not_exist_fails() -> None:
    result = judge(evaluate, SUBJECT, domain(), mx(rcode="NXDOMAIN"), NO_APEX)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "the domain does not exist (NXDOMAIN)"


def test_null_mx_on_a_receiving_domain_fails() -> None:
    result = judge(evaluate, SUBJECT, domain(), mx((0, ".")), apex())
    assert result.outcome is Outcome.FAIL
    assert "null MX" in result.violations[0].message


def test_domain_that_receives_nothing_is_not_applicable() -> None:
    result = judge(evaluate, SUBJECT, domain(receives=False), mx(), apex())
    assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_mx_look_up_is_unknown() -> None:
    result = judge(evaluate, SUBJECT, domain(), silent(MxSet, SUBJECT, Reason.SERVFAIL), apex())
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.SERVFAIL
