"""The verb `explain`: what an audit asks, why, how it is tuned, and how to mend what it finds."""

from pathlib import Path
from typing import Annotated

import typer

from audits.catalog import load
from audits.cli.exits import Exit
from audits.cli.options import ConfigFile, Policies, stdout
from audits.cli.workspace import checked_policy, configuration
from audits.errors import UsageError
from audits.evaluate.audit import Audit
from audits.evaluate.policy import Policy, Rule, in_force
from audits.facts.fact import kind_of


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Look up")(explain)


def explain(
    audit: Annotated[
        str | None, typer.Argument(help="An audit, such as relay-refused.", show_default=False)
    ] = None,
    config: ConfigFile = None,
    policy: Policies = None,
    every: Annotated[bool, typer.Option("--all", help="Every audit of the catalogue.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A folder for one page an audit.", show_default=False),
    ] = None,
) -> Exit:
    """Explains an audit: what it asks of whom, why, the parameters in force, and the remedy."""
    audits = load()
    if audit is not None and audit not in audits:
        raise UsageError(f"found audit {audit!r}, expected one of: {', '.join(audits)}")
    if audit is None and not every:
        raise UsageError("which audit? name one, or say --all; `mailproof list audits` has them")
    chosen = list(audits.values()) if audit is None else [audits[audit]]
    in_policy = checked_policy(configuration(config), policy)
    if output is None:
        for one in chosen:
            stdout().print(page(one, in_policy), markup=False)
        return Exit.COMPLETE
    output.mkdir(parents=True, exist_ok=True)
    for one in chosen:
        (output / f"{one.id}.md").write_text(page(one, in_policy))
    (output / "README.md").write_text(_index(chosen))
    return Exit.COMPLETE


def page(audit: Audit, policy: Policy) -> str:
    """The documentation of an audit as Markdown, with its parameters under a policy."""
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
    parts.append(f"## In policy {policy.name}\n\n" + _standing(audit, rules))
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


def _standing(audit: Audit, rules: list[Rule]) -> str:
    if not rules:
        return "Not in force."
    lines = []
    for rule in rules:
        scope = f"for `{rule.scope.text}`" if rule.scope else "for every subject"
        how = f"severity {rule.severity or audit.severity}" if rule.enabled else "switched off"
        lines.append(f"- {how} {scope} ({rule.where})")
    return "\n".join(lines)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(str, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _index(audits: list[Audit]) -> str:
    lines = [f"| [{a.id}]({a.id}.md) | {a.severity} | {a.documentation.title} |" for a in audits]
    head = "# Audits\n\n| audit | severity | what it asks |\n| --- | --- | --- |\n"
    return head + "\n".join(lines) + "\n"
