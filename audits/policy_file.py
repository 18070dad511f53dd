"""Policies as files: which audits each sets, what it extends, and several merged into one."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from audits.document import read_document
from audits.errors import ParseError, PolicyError, UsageError
from audits.evaluate.policy import Policy, Rule
from audits.evaluate.verdict import Severity
from audits.parse.located_yaml import Document, Key, decode, nearest
from audits.resources import folder
from audits.selector import Selection, read_selection
from audits.settings import Text


class Setting(Struct, frozen=True, forbid_unknown_fields=True):
    """An audit as a policy sets it; what is left out is as before.

    scope: a selector; without one it is set for every subject. enabled: false switches it off.
    """

    severity: Severity | None = None
    params: dict[str, Any] = field(default_factory=dict)
    scope: Text | None = None
    enabled: bool = True


Settable = bool | Literal["on", "off"] | Setting | tuple[Setting, ...] | None


class PolicyFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A policy: which audits are in force, how severe, with which parameters, for whom.

    extends: names of built-in policies, or paths from this file, applied before it. gate: the
    severity from which a failure makes the fleet not compliant. audits: by id; nothing after the
    colon puts an audit in force as it is, `off` puts it out of force.
    """

    id: Text
    title: Text
    version: int | Text = 1
    extends: tuple[Text, ...] = ()
    gate: Severity | None = None
    audits: dict[str, Settable] | None = None


def builtin_policies() -> tuple[str, ...]:
    """Names of the policies that come with mailproof, sorted."""
    return tuple(sorted(path.stem for path in folder("policies").glob("*.yaml")))


def read_policy(source: str, *, base: Path) -> Policy:
    """A policy by the name of a built-in one, or by its path from `base`, with all it extends.

    Each policy counts once, where it is first extended. Raises PolicyError with a line for every
    problem; whether its audits and parameters exist is for `evaluate.policy.check` to say.
    """
    read: dict[Path, PolicyFile] = {}
    rules: list[Rule] = []
    path = _policy_path(source, base, f"policy {source!r}")
    _collect(path, (), read, rules)
    file = read[path]
    gates = [extended.gate for extended in read.values() if extended.gate is not None]
    return Policy(
        name=file.id,
        version=str(file.version),
        title=file.title,
        gate=gates[-1] if gates else Severity.HIGH,
        sources=tuple(extended.id for extended in read.values()),
        rules=_layered(rules),
    )


def merge(policies: Sequence[Policy]) -> Policy:
    """One policy of several in order: later rules govern, and the last one's gate holds.

    A policy that several of them extend counts once, where it comes first.
    """
    if len(policies) == 1:
        return policies[0]
    rules: list[Rule] = []
    for policy in policies:
        rules += [rule for rule in policy.rules if rule not in rules]
    return Policy(
        name="+".join(policy.name for policy in policies),
        version="+".join(policy.version for policy in policies),
        title=", ".join(policy.title for policy in policies),
        gate=policies[-1].gate,
        sources=tuple(dict.fromkeys(source for policy in policies for source in policy.sources)),
        rules=_layered(rules),
    )


def _layered(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Each rule with what it leaves unsaid taken from the last one before it without a scope."""
    before: dict[str, Rule] = {}
    found: list[Rule] = []
    for rule in rules:
        below = before.get(rule.audit)
        if below is not None and below.enabled and rule.enabled:
            rule = msgspec.structs.replace(
                rule,
                severity=rule.severity or below.severity,
                params=below.params | rule.params,
            )
        if rule.scope is None:
            before[rule.audit] = rule
        found.append(rule)
    return tuple(found)


def _policy_path(source: str, base: Path, where: str) -> Path:
    if "/" in source or source.endswith((".yaml", ".yml")):
        return (base / source).resolve()
    known = builtin_policies()
    if source not in known:
        raise PolicyError(
            f"{where}: found {source!r}, expected a path, or one of {', '.join(known)}"
            f"{nearest(source, known)}"
        )
    return folder("policies") / f"{source}.yaml"


def _collect(
    path: Path, above: tuple[Path, ...], read: dict[Path, PolicyFile], rules: list[Rule]
) -> None:
    """Appends the rules of the policy at `path`, after those of all that it extends."""
    document = _policy_document(path)
    try:
        file: PolicyFile = decode(document, PolicyFile)
    except ParseError as error:
        raise PolicyError(str(error)) from error
    for place, source in enumerate(file.extends):
        where = f"{document.where(('extends', place))}: extends[{place}]"
        extended = _policy_path(source, path.parent, where)
        if extended in (*above, path):
            circle = " > ".join(p.name for p in (*above, path, extended))
            raise PolicyError(f"{where}: found the circle {circle}, expected none")
        if extended not in read:
            _collect(extended, (*above, path), read, rules)
    read[path] = file
    rules += _rules(document, file)


def _policy_document(path: Path) -> Document:
    document = read_document(path, PolicyError)
    if path.parent == folder("policies"):
        # Where mailproof is installed is no part of what a rule is.
        return Document(f"policies/{path.name}", document.root)
    return document


def _rules(document: Document, file: PolicyFile) -> list[Rule]:
    problems: list[str] = []
    rules: list[Rule] = []
    for audit, value in (file.audits or {}).items():
        path: tuple[Key, ...] = ("audits", audit)
        match value:
            case None | bool() | str():
                on = value not in (False, "off")
                rules.append(Rule(audit, on, None, {}, None, document.where(path)))
            case Setting():
                rules.append(_rule(document, audit, value, path, problems))
            case _:
                rules += [
                    _rule(document, audit, setting, (*path, place), problems)
                    for place, setting in enumerate(value)
                ]
    if problems:
        raise PolicyError("\n".join(problems))
    return rules


def _rule(
    document: Document, audit: str, setting: Setting, path: tuple[Key, ...], problems: list[str]
) -> Rule:
    scope = _selection(document, setting.scope, (*path, "scope"), problems)
    params: dict[str, Any] = msgspec.to_builtins(setting.params)
    where = document.where(path)
    return Rule(audit, setting.enabled, setting.severity, params, scope, where)


def _selection(
    document: Document, text: str | None, path: tuple[Key, ...], problems: list[str]
) -> Selection | None:
    if text is None:
        return None
    try:
        return read_selection(text)
    except UsageError as error:
        problems.append(document.problem(path, str(error)))
        return None
