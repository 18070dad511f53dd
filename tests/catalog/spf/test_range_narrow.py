import pytest

from audits.catalog.spf.range_narrow import evaluate as audit
from audits.evaluate.verdict import Outcome
from tests.build import domain, judge
from tests.catalog.spf.trees import SILENT, SUBJECT, spf

WIDE = "v=spf1 " + " ".join(f"ip4:{n}.0.0.0/17" for n in (10, 11, 12))


@pytest.mark.parametrize("terms", ["mx", "ip4:192.0.2.0/24", "ip4:192.0.0.0/16", "a/24 ip6:::/0"])
def test_narrow_record_passes(terms: str) -> None:
    result = judge(audit, SUBJECT, domain(), spf(f"v=spf1 {terms} -all"))
    assert result.outcome is Outcome.PASS


@pytest.mark.parametrize("term", ["ip4:203.0.0.0/8", "a/15", "mx:m.example/8//64"])
def test_short_prefix_fails(term: str) -> None:
    result = judge(audit, SUBJECT, domain(), spf(f"v=spf1 {term} -all"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message.startswith(f"{term} authorises ")


def test_short_prefix_behind_a_redirect_is_the_domains_own() -> None:
    tree = spf("v=spf1 redirect=r.example", r="v=spf1 ip4:10.0.0.0/8 -all")
    assert judge(audit, SUBJECT, domain(), tree).outcome is Outcome.FAIL


def test_sum_of_an_included_record_fails_unless_it_is_allowed() -> None:
    tree = spf("v=spf1 include:p.example -all", p=WIDE)
    result = judge(audit, SUBJECT, domain(), tree)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "98304 IPv4 addresses are authorised"
    allowed = judge(audit, SUBJECT, domain(), tree, allowed_includes=("P.example.",))
    assert allowed.outcome is Outcome.PASS


def test_network_that_is_denied_counts_for_nothing() -> None:
    tree = spf("v=spf1 -ip4:10.0.0.0/8 ip4:192.0.2.1 -all")
    assert judge(audit, SUBJECT, domain(), tree).outcome is Outcome.PASS


def test_overlapping_networks_are_counted_once() -> None:
    tree = spf("v=spf1 ip4:10.0.0.0/16 ip4:10.0.0.0/17 ip4:10.0.128.0/17 -all")
    assert judge(audit, SUBJECT, domain(), tree).outcome is Outcome.PASS


def test_silent_include_is_unknown_unless_it_is_allowed() -> None:
    tree = spf("v=spf1 include:p.example -all", p=SILENT)
    assert judge(audit, SUBJECT, domain(), tree).outcome is Outcome.UNKNOWN
    allowed = judge(audit, SUBJECT, domain(), tree, allowed_includes=("p.example",))
    assert allowed.outcome is Outcome.PASS
