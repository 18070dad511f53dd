"""spf-syntax-valid."""

import pytest

from audits.catalog.spf.syntax_valid import evaluate
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
        "v=SpF1 ~all",
        "v=spf1 mx -all exp=explain._spf.%{d}",
        "v=spf1 include:%{ir}.macro.example -all",
        "v=spf1 foo=bar -all",
    ],
)
def test_sound_record_passes(record: str) -> None:
    assert of(spf(record)).outcome is Outcome.PASS


def test_sound_tree_passes_and_each_record_is_cited() -> None:
    tree = spf("v=spf1 include:a.example -all", a="v=spf1 redirect=b.example", b="v=spf1 ~all")
    assert len(of(tree).evidence) == 3


def test_malformed_term_fails_and_is_quoted() -> None:
    result = of(spf("v=spf1 ip4:192.0.2.0/33 -all"))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.HIGH
    assert result.violations[0].message == '"ip4:192.0.2.0/33": prefix length 33 is over 32'


def test_malformed_term_after_all_fails() -> None:
    assert of(spf("v=spf1 -all ip6")).severity is Severity.HIGH


def test_malformed_included_record_fails_with_the_way_to_it() -> None:
    tree = spf("v=spf1 include:a.example -all", a="v=spf1 include:b.example", b="v=spf1 ipv4:1")
    result = of(tree)
    assert result.outcome is Outcome.FAIL
    assert result.violations[0].message.startswith(
        "b.example (by include:a.example, include:b.example): "
    )


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("NXDOMAIN", "does not exist (NXDOMAIN)"),
        ("NOERROR", "publishes no SPF record"),
        (("v=spf1 -all", "v=spf1 mx"), "publishes 2 SPF records"),
    ],
)
@pytest.mark.parametrize("term", ["include:a.example", "redirect=a.example"])
def test_target_without_exactly_one_record_fails(
    term: str, target: str | tuple[str, ...], fault: str
) -> None:
    result = of(spf(f"v=spf1 {term}", a=target))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.HIGH
    assert result.violations[0].message == f"a.example (by {term}) {fault}"


def test_name_that_is_included_twice_is_told_once() -> None:
    tree = spf(
        "v=spf1 include:a.example include:b.example",
        a="v=spf1 include:b.example -all",
        b="NXDOMAIN",
    )
    assert len(of(tree).violations) == 1


def test_mechanism_after_all_is_low() -> None:
    result = of(spf("v=spf1 -all ip4:192.0.2.1"))
    assert result.outcome is Outcome.FAIL
    assert result.severity is Severity.LOW
    assert result.violations[0].message == "ip4:192.0.2.1 stands after -all and is never reached"


def test_redirect_beside_all_is_low_and_its_target_does_not_matter() -> None:
    result = of(spf("v=spf1 redirect=a.example -all", a="NXDOMAIN"))
    assert result.severity is Severity.LOW
    assert [v.message for v in result.violations] == ["redirect=a.example is ignored beside -all"]


def test_silent_target_is_unknown() -> None:
    result = of(spf("v=spf1 include:a.example -all", a=SILENT))
    assert result.outcome is Outcome.UNKNOWN
    assert result.unknown[0].reason is Reason.SERVFAIL
    assert result.unknown[0].detail == "a.example: SERVFAIL from 192.0.2.53"


def test_fault_outranks_silence() -> None:
    tree = spf("v=spf1 include:a.example include:b.example -all", a=SILENT, b="NXDOMAIN")
    assert of(tree).outcome is Outcome.FAIL


def test_no_record_is_not_applicable() -> None:
    assert of(spf()).outcome is Outcome.NOT_APPLICABLE


def test_silent_look_up_is_unknown() -> None:
    unseen = silent(SpfTree, SUBJECT, Reason.DNS_TIMEOUT)
    assert judge(evaluate, SUBJECT, domain(), unseen).outcome is Outcome.UNKNOWN
