"""Policies as files: what they say, and how their mistakes are told."""

from pathlib import Path

import pytest

from audits.catalog import load
from audits.errors import PolicyError
from audits.evaluate.policy import Policy, check
from audits.evaluate.verdict import Severity
from audits.policy_file import builtin_policies, merge, read_policy
from audits.resources import folder as shipped
from audits.subject import Domain
from tests import build
from tests.written import write

pytestmark = pytest.mark.usefixtures("own_folder")


def policy(text: str, name: str = "ours.yaml") -> Policy:
    write(text, name)
    return read_policy(name, base=Path.cwd())


def policy_problems(text: str, name: str = "ours.yaml") -> list[str]:
    with pytest.raises(PolicyError) as raised:
        policy(text, name)
    return str(raised.value).splitlines()


def head(rest: str, name: str = "ours") -> str:
    return f"id: {name}\ntitle: Title\n{rest}\n"


def test_baseline_names_audits_of_the_catalogue_at_their_own_severity_or_for_information() -> None:
    baseline = read_policy("baseline", base=Path.cwd())
    assert len(baseline.audit_ids()) >= 43
    check(baseline, load())
    assert baseline.sources == ("core-safety", "baseline")
    assert baseline.gate is Severity.HIGH
    assert {rule.severity for rule in baseline.rules} == {None, Severity.INFO}


@pytest.mark.parametrize("name", builtin_policies())
def test_audits_of_a_built_in_policy_exist(name: str) -> None:
    built_in = read_policy(name, base=Path.cwd())
    check(built_in, load())
    assert all(rule.where.startswith("policies/") for rule in built_in.rules)


def test_shipped_policy_of_ours_is_read() -> None:
    text = (shipped("templates") / "init/ours.yaml").read_text(encoding="utf-8")
    assert policy(text).sources == ("core-safety", "baseline", "ours")


def test_audit_is_set_in_every_form() -> None:
    found = policy(
        head(
            "version: 3\ngate: medium\naudits:\n  a:\n  b: off\n  c: false\n  d: {severity: low}\n"
            "  e:\n  - {params: {x: [1, 2]}}\n  - {scope: 'group:customers', enabled: false}\n"
            "  f: on\n"
        )
    )
    assert (found.name, found.version, found.gate) == ("ours", "3", Severity.MEDIUM)
    assert [(r.audit, r.enabled, r.where) for r in found.rules] == [
        ("a", True, "ours.yaml:6"),
        ("b", False, "ours.yaml:7"),
        ("c", False, "ours.yaml:8"),
        ("d", True, "ours.yaml:9"),
        ("e", True, "ours.yaml:11"),
        ("e", False, "ours.yaml:12"),
        ("f", True, "ours.yaml:13"),
    ]
    assert found.rules[3].severity is Severity.LOW
    assert found.rules[4].params == {"x": [1, 2]}
    assert type(found.rules[4].params["x"]) is list
    assert found.rules[5].scope is not None
    assert found.audit_ids() == ("a", "d", "e", "f")


def test_extended_policies_come_first_and_count_once() -> None:
    write(head("audits: {a: , b: }", "core"), "core.yaml")
    write(head("extends: [core.yaml]\naudits: {b: off}", "one"), "one.yaml")
    write(head("extends: [../core.yaml]\ngate: low\naudits: {c: }", "two"), "sub/two.yaml")
    found = policy(head("extends: [one.yaml, sub/two.yaml]\naudits: {d: }"))
    assert found.sources == ("core", "one", "two", "ours")
    assert [rule.audit for rule in found.rules] == ["a", "b", "b", "c", "d"]
    assert found.audit_ids() == ("a", "c", "d")
    assert found.gate is Severity.LOW


def test_what_a_rule_leaves_unsaid_is_as_before() -> None:
    write(head("audits: {a: {severity: low, params: {x: 1, y: 2}}}", "core"), "core.yaml")
    found = policy(
        head("extends: [core.yaml]\naudits: {a: {params: {y: 3}, scope: 'domain:*.example'}}")
    )
    assert found.rules[1].params == {"x": 1, "y": 3}
    assert found.rules[1].severity is Severity.LOW
    declared = build.domain("a.example")
    governing = found.rule_for("a", declared.subject, declared, None)
    assert governing == found.rules[1]
    assert found.rule_for("a", Domain("b.test"), build.domain("b.test"), None) == found.rules[0]


def test_policies_are_merged_in_order() -> None:
    write(head("audits: {a: , b: }", "core"), "core.yaml")
    one = policy(head("extends: [core.yaml]\naudits: {b: off}", "one"), "one.yaml")
    two = policy(head("extends: [core.yaml]\ngate: low\naudits: {a: {severity: info}}"), "two.yaml")
    both = merge([one, two])
    assert both.name == "one+ours"
    assert both.sources == ("core", "one", "ours")
    assert both.gate is Severity.LOW
    assert both.audit_ids() == ("a",)
    assert merge([one]) == one


def test_circle_of_policies_is_told() -> None:
    write(head("extends: [ours.yaml]", "other"), "other.yaml")
    assert policy_problems(head("extends: [other.yaml]")) == [
        "other.yaml:3: extends[0]: found the circle ours.yaml > other.yaml > ours.yaml, expected "
        "none"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id: x\naudits: {}", "1: key 'title' is missing: found id, audits, expected it too"),
        (head("extend: [baseline]"), "3: found key 'extend', expected one of id, title, version"),
        (head("extends: [basline]"), "3: extends[0]: found 'basline', expected a path, or one of"),
        (head("gate: grave"), "3: gate: found 'grave', expected one of"),
        (head("audits:\n  a: {severty: low}"), "4: audits.a: found key 'severty', expected one of"),
        (head("audits:\n  a: {severity: 3}"), "4: audits.a.severity: found 3, expected one of"),
        (head("audits:\n  a: offf"), "4: audits.a: found 'offf', expected true or false or one"),
        (head("audits:\n  a: {scope: 'role:x'}"), "4: audits.a.scope: selector 'role:x': expec"),
        (head("audits:\n  a:\n  a: off"), "5: found key 'a' again, expected it once"),
        ("", "1: found nothing, expected a mapping with keys of id"),
    ],
)  # fmt: skip
def test_mistake_in_a_policy_is_told(text: str, message: str) -> None:
    assert policy_problems(text)[0].startswith(f"ours.yaml:{message}")


def test_unknown_policy_is_told_with_the_nearest() -> None:
    with pytest.raises(PolicyError) as raised:
        read_policy("basline", base=Path.cwd())
    assert str(raised.value) == (
        "policy 'basline': found 'basline', expected a path, or one of "
        f"{', '.join(builtin_policies())}; did you mean 'baseline'?"
    )


def test_unreadable_policy_is_told() -> None:
    with pytest.raises(PolicyError, match=r"^none\.yaml: can't be read: No such file"):
        read_policy("none.yaml", base=Path.cwd())
