"""Which rule of a policy governs a subject, and what is wrong with one."""

from typing import Any

import pytest

from audits.catalog.mx.null_stands_alone import evaluate as null_stands_alone
from audits.catalog.spf.all_strict_enough import evaluate as all_strict_enough
from audits.errors import PolicyError
from audits.evaluate.policy import Policy, Rule, bind, check, in_force
from audits.evaluate.verdict import Severity
from audits.selector import read_selection
from tests import build

AUDITS = {audit.id: audit for audit in (null_stands_alone, all_strict_enough)}
SPF = "spf-all-strict-enough"


def rule(
    audit: str = SPF,
    *,
    scope: str | None = None,
    enabled: bool = True,
    severity: Severity | None = None,
    **params: Any,
) -> Rule:
    selection = read_selection(scope) if scope else None
    return Rule(audit, enabled, severity, params, selection, "ours.yaml:7")


def policy(*rules: Rule) -> Policy:
    return Policy("ours", "1", "Ours", Severity.HIGH, ("ours",), rules)


def test_last_rule_that_covers_the_subject_governs() -> None:
    wide = rule()
    narrow = rule(scope="group:customers", severity=Severity.LOW)
    found = policy(wide, narrow)
    customer = build.domain("a.example", groups=("customers",))
    other = build.domain("b.example")
    assert found.rule_for(SPF, customer.subject, customer, None) == narrow
    assert found.rule_for(SPF, other.subject, other, None) == wide
    assert found.rule_for("mx-published", other.subject, other, None) is None


def test_audit_can_be_off_for_some() -> None:
    found = policy(rule(), rule(scope="b.example", enabled=False))
    first, second = build.domain("a.example"), build.domain("b.example")
    assert found.rule_for(SPF, first.subject, first, None) is not None
    assert found.rule_for(SPF, second.subject, second, None) is None
    assert found.audit_ids() == (SPF,)


def test_audit_that_is_off_for_all_is_not_in_force() -> None:
    assert policy(rule(), rule(enabled=False)).audit_ids() == ()
    assert policy(rule(), rule(enabled=False), rule(scope="a.example")).audit_ids() == (SPF,)
    assert policy(rule(scope="a.example", enabled=False)).audit_ids() == ()


def test_unknown_audit_is_told_with_the_nearest() -> None:
    with pytest.raises(PolicyError) as raised:
        check(policy(rule("spf-all-strict-enouhg")), AUDITS)
    assert str(raised.value) == (
        "ours.yaml:7: found audit 'spf-all-strict-enouhg', expected one that exists; did you "
        "mean 'spf-all-strict-enough'?"
    )


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(PolicyError) as raised:
        check(policy(rule("nothing"), rule(), rule(x=1)), AUDITS)
    assert len(str(raised.value).splitlines()) == 2


def test_unknown_parameter_is_told() -> None:
    with pytest.raises(PolicyError) as raised:
        check(policy(rule(min_al="fail")), AUDITS)
    message = str(raised.value)
    assert message.startswith(f"ours.yaml:7: {SPF}: found parameter 'min_al', expected one of ")
    assert "min_all" in message


def test_parameter_of_an_audit_that_has_none_is_told() -> None:
    with pytest.raises(PolicyError, match="found parameter 'x', expected "):
        check(policy(rule(null_stands_alone.id, x=1)), AUDITS)


def test_value_of_a_wrong_type_is_told() -> None:
    with pytest.raises(PolicyError) as raised:
        bind(all_strict_enough, rule(min_all=["fail"]))
    assert str(raised.value).startswith(
        f"ours.yaml:7: {SPF}: parameter 'min_all': found ['fail'], expected one of "
    )


def test_defaults_hold_where_a_rule_says_nothing() -> None:
    defaults = in_force(all_strict_enough, rule())
    changed = in_force(all_strict_enough, rule(min_all="fail"))
    assert defaults.keys() == changed.keys() == all_strict_enough.parameters.keys()
    assert changed["min_all"] == "fail" != defaults["min_all"]
