"""mx-host-in-inventory."""

import pytest

from audits.catalog.mx.host_in_inventory import evaluate
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.declared import FleetScope
from audits.facts.dns import MxSet
from audits.facts.fact import Reason
from audits.subject import Domain, Vantage
from tests.build import domain, judge, mx, silent

SUBJECT = Domain("example.net")
FLEET = FleetScope(Vantage("here"), ("mx1.example.net", "mx2.example.net"), None)
TWO = mx((10, "mx1.example.net"), (20, "mx2.example.net"))


def test_hosts_of_the_inventory_pass() -> None:
    assert judge(evaluate, SUBJECT, domain(), TWO, FLEET).outcome is Outcome.PASS


def test_unknown_host_fails() -> None:
    dangling = mx((10, "mx1.example.net"), (20, "in.cancelled.example"))
    result = judge(evaluate, SUBJECT, domain(), dangling, FLEET)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.HIGH
    assert [v.message for v in result.violations] == [
        "in.cancelled.example is not in the inventory"
    ]


@pytest.mark.parametrize(
    "suffix", ["mx.provider.example", ".provider.example", "in.mx.Provider.example."]
)
def test_host_of_an_allowed_provider_passes(suffix: str) -> None:
    filtered = mx((10, "in.mx.provider.example"))
    result = judge(
        evaluate, SUBJECT, domain(), filtered, FLEET, allowed_provider_suffixes=(suffix,)
    )
    assert result.outcome is Outcome.PASS


@pytest.mark.parametrize("suffix", ["vider.example", "", "other.example"])
def test_suffix_is_compared_by_whole_labels(suffix: str) -> None:
    filtered = mx((10, "in.provider.example"))
    result = judge(
        evaluate, SUBJECT, domain(), filtered, FLEET, allowed_provider_suffixes=(suffix,)
    )
    assert result.outcome is Outcome.FAIL


def test_expected_host_that_is_not_published_fails_at_medium() -> None:
    expecting = domain(mx=("mx1.example.net", "mx2.example.net"))
    result = judge(evaluate, SUBJECT, expecting, mx((10, "mx1.example.net")), FLEET)
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.MEDIUM
    assert result.violations[0].message == "mx2.example.net is expected and not published"


def test_known_host_that_is_not_expected_fails_at_medium() -> None:
    result = judge(evaluate, SUBJECT, domain(mx=("mx1.example.net",)), TWO, FLEET)
    assert result.severity is Severity.MEDIUM
    assert result.violations[0].message == (
        "mx2.example.net is not among the expected MX mx1.example.net"
    )


def test_expected_hosts_in_any_order_pass() -> None:
    expecting = domain(mx=("mx2.example.net", "mx1.example.net"))
    assert judge(evaluate, SUBJECT, expecting, TWO, FLEET).outcome is Outcome.PASS


def test_domain_without_mx_host_is_not_applicable() -> None:
    for records in (mx(), mx((0, "."))):
        result = judge(evaluate, SUBJECT, domain(), records, FLEET)
        assert result.outcome is Outcome.NOT_APPLICABLE


def test_silent_mx_look_up_is_unknown() -> None:
    unseen = silent(MxSet, SUBJECT, Reason.SERVFAIL)
    assert judge(evaluate, SUBJECT, domain(), unseen, FLEET).outcome is Outcome.UNKNOWN
