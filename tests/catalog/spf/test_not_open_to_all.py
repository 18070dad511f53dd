"""spf-not-open-to-all."""

import pytest

from audits.catalog.spf.not_open_to_all import evaluate
from audits.evaluate.result import Result
from audits.evaluate.verdict import Outcome, Severity
from audits.facts.dns import SpfTree
from audits.facts.fact import Reason
from tests.build import domain, judge, silent
from tests.catalog.spf.trees import SILENT, SUBJECT, spf


def of(tree: SpfTree) -> Result:
    return judge(evaluate, SUBJECT, domain(), tree)


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 -all",
        "v=spf1 mx ?all",
        "v=spf1 -all +all",
        "v=spf1 ip4:0.0.0.0/2 ip4:0.0.0.0/2 -all",
        "v=spf1 a/24 mx:x.example//64 -all",
        "v=spf1 -ip4:0.0.0.0/0 ~ip4:0.0.0.0/0 -all",
        "v=spf1 include:%{i}.x.example -all",
    ],
)
def test_record_that_authorises_less_than_half_passes(record: str) -> None:
    assert of(spf(record)).outcome is Outcome.PASS


@pytest.mark.parametrize("record", ["v=spf1 +all", "v=spf1 mx all", "v=spf1 ALL"])
def test_passing_all_fails(record: str) -> None:
    result = of(spf(record))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.CRITICAL
    assert result.violations[0].message.endswith("passes any address")


def test_passing_all_of_an_included_record_fails() -> None:
    tree = spf("v=spf1 include:a.example -all", a="v=spf1 redirect=b.example", b="v=spf1 +all")
    assert of(tree).violations[0].message == (
        "+all passes any address (by include:a.example, redirect=b.example)"
    )


def test_all_of_an_included_record_matches_only_where_it_passes() -> None:
    assert of(spf("v=spf1 include:a.example -all", a="v=spf1 ~all")).outcome is Outcome.PASS
    assert of(spf("v=spf1 ?include:a.example -all", a="v=spf1 +all")).outcome is Outcome.PASS


def test_redirect_beside_all_is_not_followed() -> None:
    assert of(spf("v=spf1 redirect=a.example -all", a="v=spf1 +all")).outcome is Outcome.PASS


def test_half_of_ipv4_in_several_records_fails() -> None:
    tree = spf("v=spf1 ip4:0.0.0.0/2 include:a.example -all", a="v=spf1 ip4:64.0.0.0/2 -all")
    result = of(tree)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == "2147483648 IPv4 addresses are authorised"


def test_half_of_ipv6_fails() -> None:
    assert of(spf("v=spf1 ip6:2000::/4 -all")).outcome is Outcome.FAIL
    assert of(spf("v=spf1 ip6:2000::/5 -all")).outcome is Outcome.PASS


@pytest.mark.parametrize("term", ["a/0", "mx/1", "a:x.example/0//64", "a//3"])
def test_short_prefix_on_any_address_fails(term: str) -> None:
    result = of(spf(f"v=spf1 {term} -all"))
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message == f"{term} passes half of the Internet or more"


def test_silent_include_is_unknown() -> None:
    result = of(spf("v=spf1 include:a.example -all", a=SILENT))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].detail == "a.example: SERVFAIL from 192.0.2.53"


def test_redirect_that_depends_on_the_message_is_unknown() -> None:
    result = of(spf("v=spf1 mx redirect=%{l}.x.example"))
    assert result.outcome is Outcome.UNKNOWN


def test_passing_all_outranks_silence() -> None:
    assert of(spf("v=spf1 include:a.example +all", a=SILENT)).outcome is Outcome.FAIL


def test_no_effective_record_is_not_applicable() -> None:
    assert of(spf()).outcome is Outcome.NOT_APPLICABLE
    two = of(spf("v=spf1 +all", "v=spf1 -all"))
    assert two.outcome is Outcome.NOT_APPLICABLE
    assert two.note == "2 SPF records, of which none takes effect"


def test_silent_look_up_is_unknown() -> None:
    unseen = silent(SpfTree, SUBJECT, Reason.DNS_TIMEOUT)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
