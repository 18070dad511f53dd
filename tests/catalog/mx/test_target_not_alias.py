"""mx-target-not-alias."""

from audits.catalog.mx.target_not_alias import evaluate
from audits.evaluate.verdict import Outcome
from audits.facts.dns import HostAddresses
from audits.facts.fact import Reason
from audits.subject import Domain, MailHost
from tests.build import addresses, domain, judge, mx, silent

SUBJECT = Domain("example.net")
TWO = mx((10, "mx1.example.net"), (20, "mx2.example.net"))
GOOD = addresses("mx1.example.net", "192.0.2.10")
ALIAS = addresses("mx2.example.net", "192.0.2.11", alias_chain=("a.isp.example", "b.isp.example"))


def test_hosts_that_own_their_addresses_pass() -> None:
    other = addresses("mx2.example.net", "192.0.2.11")
    result = judge(evaluate, SUBJECT, domain(), TWO, GOOD, other)
    assert result.outcome is Outcome.PASS


def test_alias_fails_and_its_end_is_named() -> None:
    result = judge(evaluate, SUBJECT, domain(), TWO, GOOD, ALIAS)
    assert result.outcome is Outcome.FAIL
    assert [v.message for v in result.violations] == [
        "mx2.example.net is an alias of b.isp.example"
    ]


def test_null_mx_and_no_mx_are_not_applicable() -> None:
    for records in (mx((0, ".")), mx()):
        result = judge(evaluate, SUBJECT, domain(), records, addresses("example.net", "192.0.2.1"))
        assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_host_is_unknown() -> None:
    unseen = silent(HostAddresses, MailHost("mx2.example.net"), Reason.SERVFAIL)
    result = judge(evaluate, SUBJECT, domain(), TWO, GOOD, unseen)
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].subject == MailHost("mx2.example.net")


def test_nothing_but_silent_hosts_is_unknown() -> None:
    unseen = silent(HostAddresses, MailHost("mx1.example.net"), Reason.SERVFAIL)
    result = judge(evaluate, SUBJECT, domain(), mx((10, "mx1.example.net")), unseen)
    assert result.outcome is Outcome.UNKNOWN


def test_alias_fails_though_another_host_is_silent() -> None:
    unseen = silent(HostAddresses, MailHost("mx1.example.net"), Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), TWO, unseen, ALIAS).outcome is Outcome.FAIL
