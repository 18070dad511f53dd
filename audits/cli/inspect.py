"""The verbs that look things up and touch no network: validate, list, schema."""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from audits.catalog import load
from audits.cli.exits import Exit
from audits.cli.options import ConfigFile, Limit, NoWaivers, Policies, WaiverFile, stdout
from audits.cli.workspace import Workspace, checked_policy, configuration, read_workspace
from audits.evaluate.policy import Policy
from audits.facts.declared import DeclaredDomain
from audits.policy_file import builtin_policies
from audits.report.words import counted
from audits.schema import schema as schema_of

_WIDE = 2000


class Listed(StrEnum):
    """What can be listed."""

    AUDITS = "audits"
    HOSTS = "hosts"
    DOMAINS = "domains"
    POLICIES = "policies"
    WAIVERS = "waivers"


class SchemaName(StrEnum):
    """What has a JSON Schema."""

    INVENTORY = "inventory"
    POLICY = "policy"
    WAIVERS = "waivers"
    CONFIG = "config"
    RESULTS = "results"


def register(app: typer.Typer) -> None:
    app.command()(validate)
    app.command("list")(listing)
    app.command()(schema)


def validate(
    config: ConfigFile = None,
    limit: Limit = None,
    policy: Policies = None,
    waivers: WaiverFile = None,
    no_waivers: NoWaivers = False,
) -> Exit:
    """Checks configuration, inventory, policies, waivers and candidate files, without a packet.

    Ends with 0 where a run could start, and every file under `candidate` can be read; with 2, and
    file, line, key, found and expected, where not.
    """
    workspace = read_workspace(config, policy, waivers, limit, no_waivers=no_waivers)
    if workspace.settings.ssh is not None:
        from audits.cli.job import access  # much to load, and seldom needed

        access(workspace)
    if workspace.config.candidate.zones or workspace.config.candidate.hosts:
        from audits.cli.candidate import check_candidate

        check_candidate(workspace)
    domains = counted(len(workspace.fleet.domains), "domain")
    hosts = counted(len(workspace.fleet.hosts), "host")
    audits = counted(len(workspace.policy.audit_ids()), "audit")
    waived = counted(len(workspace.waivers), "waiver")
    policy_name = escape(workspace.policy.name)
    stdout().print(f"valid: {domains}, {hosts}, {audits} in policy {policy_name}, {waived}")
    return Exit.NOTHING if workspace.empty else Exit.COMPLETE


def listing(
    what: Annotated[Listed, typer.Argument(help="What to list.")],
    config: ConfigFile = None,
    limit: Limit = None,
    policy: Policies = None,
) -> Exit:
    """Lists audits, policies, or what the inventory and the waivers hold."""
    match what:
        case Listed.POLICIES:
            rows = _rows(["policy"], [[name] for name in builtin_policies()])
        case Listed.AUDITS:
            rows = _audits(checked_policy(configuration(config), policy))
        case _:
            workspace = read_workspace(config, policy, None, limit, no_waivers=False)
            rows = _declared(what, workspace)
    console = stdout()
    # In a file or a pipe a row stays in one line, so that it can be searched for.
    if not console.is_terminal:
        console.width = _WIDE
    console.print(rows)
    return Exit.COMPLETE


def _audits(policy: Policy) -> Table:
    in_force = set(policy.audit_ids())
    return _rows(
        ["audit", "severity", "in force", "what it asks"],
        [
            [a.id, a.severity, "yes" if a.id in in_force else "no", a.documentation.title]
            for a in load().values()
        ],
    )


def _declared(what: Listed, workspace: Workspace) -> Table:
    if what is Listed.HOSTS:
        hosts = [host.fact for host in workspace.fleet.hosts]
        return _rows(
            ["host", "roles", "groups", "addresses", "ports"],
            [
                [h.subject, h.roles, h.groups, h.addresses, [s.port for s in h.services]]
                for h in hosts
            ],
        )
    if what is Listed.DOMAINS:
        domains = [domain.fact for domain in workspace.fleet.domains]
        return _rows(
            ["domain", "mail", "groups", "selectors"],
            [[d.subject, _mail(d), d.groups, [s.selector for s in d.dkim]] for d in domains],
        )
    return _rows(
        ["waiver", "audit", "scope", "owner", "approved by", "expires"],
        [
            [w.id, w.audit, w.scope.text, w.owner, w.approved_by, w.expires]
            for w in workspace.waivers
        ],
    )


def _mail(domain: DeclaredDomain) -> str:
    if domain.parked:
        return "parked"
    ways = [("sends", domain.sends), ("receives", domain.receives)]
    return ", ".join(word for word, is_so in ways if is_so)


def _rows(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(escape(_cell(cell)) for cell in row))
    return table


def _cell(cell: object) -> str:
    return ", ".join(map(str, cell)) if isinstance(cell, list | tuple) else str(cell)


def schema(
    name: Annotated[SchemaName, typer.Argument(help="Whose schema.")],
) -> Exit:
    """Prints the JSON Schema of a file of the fleet, or of results.jsonl, for editors and tests."""
    typer.echo(json.dumps(schema_of(name.value), indent=2, sort_keys=True))
    return Exit.COMPLETE
