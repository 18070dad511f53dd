"""The page of one audit, from its docstring, its declaration and a policy: Markdown."""

from collections.abc import Sequence
from pathlib import PurePath

from audits.evaluate.audit import Audit
from audits.evaluate.policy import Policy, Rule, in_force
from audits.facts.fact import kind_of


def page(audit: Audit, policy: Policy, *, places: bool = True) -> str:
    """The documentation of an audit, with its parameters under a policy.

    places: say on which line of which file the policy sets it.
    """
    said = audit.documentation
    rules = [rule for rule in policy.rules if rule.audit == audit.id]
    parts = [
        f"# {audit.id}\n\n{said.title}",
        f"- Severity: {audit.severity}\n"
        f"- About: {', '.join(audit.to)}\n"
        f"- Judges: {', '.join(sorted(map(kind_of, audit.facts())))}",
        f"## Rationale\n\n{said.rationale}",
        f"## Remediation\n\n{said.remediation}",
    ]
    if said.limits:
        parts.append(f"## Limits\n\n{said.limits}")
    if audit.parameters:
        parts.append("## Parameters\n\n" + _parameters(audit, rules))
    parts.append(f"## In policy {policy.name}\n\n" + _standing(audit, rules, places=places))
    if audit.references:
        parts.append("## References\n\n" + "\n".join(f"- {r}" for r in audit.references))
    if audit.frameworks:
        parts.append("## Frameworks\n\n" + "\n".join(f"- {d}" for d in audit.frameworks))
    return "\n\n".join(parts) + "\n"


def _parameters(audit: Audit, rules: list[Rule]) -> str:
    plain = [rule for rule in rules if rule.scope is None and rule.enabled]
    values = in_force(audit, plain[-1]) if plain else {}
    lines = []
    for name, (_, default) in audit.parameters.items():
        value = values.get(name, default)
        note = "" if value == default else f" (the audit's own default: `{_shown(default)}`)"
        lines.append(f"- `{name}` = `{_shown(value)}`{note}")
    return "\n".join(lines)


def _standing(audit: Audit, rules: list[Rule], *, places: bool) -> str:
    if not rules:
        return "Not in force."
    lines = []
    for rule in rules:
        scope = f"for `{rule.scope.text}`" if rule.scope else "for every subject"
        how = f"severity {rule.severity or audit.severity}" if rule.enabled else "switched off"
        place = f" ({PurePath(rule.where).name})" if places else ""
        lines.append(f"- {how} {scope}{place}")
    return "\n".join(lines)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(str, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def index(audits: Sequence[Audit]) -> str:
    """A table of audits that links their pages."""
    lines = [f"| [{a.id}]({a.id}.md) | {a.severity} | {a.documentation.title} |" for a in audits]
    head = "# Audits\n\n| audit | severity | what it asks |\n| --- | --- | --- |\n"
    return head + "\n".join(lines) + "\n"
