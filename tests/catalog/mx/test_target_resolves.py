"""mx-target-resolves."""

from audits.catalog.mx.target_resolves import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import HostAddresses, SilentType
from audits.facts.fact import Reason, Silence
from audits.subject import Domain, MailHost
from tests.build import addresses, answer, domain, judge, mx, silent

SUBJECT = Domain("example.net")
ONE = mx((10, "mx1.example.net"))
HOST = MailHost("mx1.example.net")
NO_AAAA = (SilentType("AAAA", Silence(Reason.DNS_TIMEOUT, "no answer in 3 s")),)
NO_A = (SilentType("A", Silence(Reason.DNS_TIMEOUT, "no answer in 3 s")),)


def test_global_address_passes() -> None:
    result = judge(evaluate, SUBJECT, domain(), ONE, addresses("mx1.example.net", "9.9.9.9"))
    assert result.outcome is Outcome.PASS


def test_name_that_does_not_exist_fails() -> None:
    gone = addresses("mx1.example.net", answers=(answer("mx1.example.net", "NXDOMAIN"),))
    result = judge(evaluate, SUBJECT, domain(), ONE, gone)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "mx1.example.net does not exist (NXDOMAIN)"


def test_host_without_address_fails() -> None:
    result = judge(evaluate, SUBJECT, domain(), ONE, addresses("mx1.example.net"))
    assert result.violations[0].message == "mx1.example.net has no address"


def test_private_address_fails_unless_its_prefix_is_allowed() -> None:
    private = addresses("mx1.example.net", "9.9.9.9", "10.0.0.5")
    result = judge(evaluate, SUBJECT, domain(), ONE, private)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == (
        "mx1.example.net resolves to 10.0.0.5, which the Internet does not reach"
    )
    allowed = judge(evaluate, SUBJECT, domain(), ONE, private, allow_private=("10.0.0.0/8",))
    assert allowed.outcome is Outcome.PASS


def test_documentation_address_fails_unless_allowed() -> None:
    shown = addresses("mx1.example.net", "192.0.2.10")
    assert judge(evaluate, SUBJECT, domain(), ONE, shown).outcome is Outcome.FAIL
    allowed = judge(evaluate, SUBJECT, domain(), ONE, shown, allow_private=("192.0.2.0/24",))
    assert allowed.outcome is Outcome.PASS


def test_address_literal_fails() -> None:
    result = judge(evaluate, SUBJECT, domain(), mx((10, "9.9.9.9")), addresses("9.9.9.9"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "9.9.9.9 is an address literal, not a host name"


def test_ipv6_only_fails_where_ipv4_is_required() -> None:
    only_six = addresses("mx1.example.net", "2620:fe::fe")
    result = judge(evaluate, SUBJECT, domain(), ONE, only_six)
    assert result.violations[0].message == "mx1.example.net has no A record"
    relaxed = judge(evaluate, SUBJECT, domain(), ONE, only_six, require_ipv4=False)
    assert relaxed.outcome is Outcome.PASS


def test_ipv4_only_fails_where_ipv6_is_required() -> None:
    only_four = addresses("mx1.example.net", "9.9.9.9")
    result = judge(evaluate, SUBJECT, domain(), ONE, only_four, require_ipv6=True)
    assert result.violations[0].message == "mx1.example.net has no AAAA record"


def test_each_host_has_its_own_violation() -> None:
    two = mx((10, "mx1.example.net"), (20, "mx2.example.net"))
    first, second = addresses("mx1.example.net"), addresses("mx2.example.net", "10.0.0.5")
    result = judge(evaluate, SUBJECT, domain(), two, first, second)
    assert len(result.violations) == 2


def test_silent_address_type_is_unknown() -> None:
    half = addresses("mx1.example.net", "9.9.9.9", silent=NO_AAAA)
    result = judge(evaluate, SUBJECT, domain(), ONE, half)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail == "AAAA of mx1.example.net: no answer in 3 s"


def test_silent_a_is_no_missing_a() -> None:
    half = addresses("mx1.example.net", "2620:fe::fe", silent=NO_A)
    assert judge(evaluate, SUBJECT, domain(), ONE, half).outcome is Outcome.UNKNOWN
    empty = addresses("mx1.example.net", silent=NO_A)
    assert judge(evaluate, SUBJECT, domain(), ONE, empty).outcome is Outcome.UNKNOWN


def test_private_address_fails_though_the_other_type_is_silent() -> None:
    half = addresses("mx1.example.net", "10.0.0.5", silent=NO_AAAA)
    assert judge(evaluate, SUBJECT, domain(), ONE, half).outcome is Outcome.FAIL


def test_silent_host_is_unknown() -> None:
    unseen = silent(HostAddresses, HOST, Reason.SERVFAIL)
    result = judge(evaluate, SUBJECT, domain(), ONE, unseen)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].subject == HOST


def test_domain_without_mx_host_is_not_applicable() -> None:
    for records in (mx((0, ".")), mx()):
        apex = addresses("example.net", "9.9.9.9")
        result = judge(evaluate, SUBJECT, domain(), records, apex)
        assert result.outcome is Outcome.NOT_APPLICABLE
