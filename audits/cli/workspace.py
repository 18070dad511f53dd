"""What a verb works on: configuration, inventory, policy and waivers, read and checked together."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path

from msgspec.structs import replace

from audits.catalog import load
from audits.cli.clock import now
from audits.config import Config, find_config, read_config
from audits.errors import PolicyError, UsageError
from audits.evaluate.policy import Policy, check
from audits.evaluate.waiver import Waiver
from audits.facts.declared import DeclaredDomain, DeclaredHost, FleetScope
from audits.facts.snapshot import Snapshot
from audits.fleet import Fleet, limit, read_fleet
from audits.policy_file import merge, read_policy
from audits.selector import read_selection, unmatched
from audits.settings import Settings
from audits.waiver_file import read_waivers


@dataclass(frozen=True)
class Workspace:
    """Everything that a run is told. fleet: what it is limited to; whole_fleet: the inventory."""

    config: Config
    fleet: Fleet
    whole_fleet: Fleet
    policy: Policy
    waivers: tuple[Waiver, ...]
    limited_to: str | None

    @property
    def settings(self) -> Settings:
        return self.config.settings

    @property
    def empty(self) -> bool:
        return not self.fleet.domains and not self.fleet.hosts

    @property
    def deep(self) -> "Workspace":
        """The same, told to find out everything that services accept."""
        settings = self.config.settings
        probe = replace(settings.probe, relay_forms="all", tls="all")
        config = replace(self.config, settings=replace(settings, probe=probe))
        return dataclasses.replace(self, config=config)

    @property
    def smuggling(self) -> "Workspace":
        """The same, told to send messages that do not end as they should.

        Raises UsageError where no mailbox for them is declared.
        """
        settings = self.config.settings
        if not settings.probe.own_mailboxes:
            raise UsageError(
                "--smuggling: found no probe.own_mailboxes in the configuration, expected "
                "mailboxes of yours at domains that the audited hosts serve"
            )
        probe = replace(settings.probe, smuggling="on")
        config = replace(self.config, settings=replace(settings, probe=probe))
        return dataclasses.replace(self, config=config)

    @property
    def title(self) -> str:
        """What the fleet is called in reports: the name of the folder that it is kept in."""
        return self.config.root.name

    @property
    def folder(self) -> str:
        """Where in its repository the fleet is kept; empty at the top, or where there is none."""
        return below_top(self.config.root)[1]

    @property
    def own_templates(self) -> Path | None:
        """The fleet's own report templates, where it has any."""
        folder = self.config.root / "templates"
        return folder if folder.is_dir() else None


def below_top(folder: Path) -> tuple[Path, str]:
    """The top of the repository that a folder is in, and the way from there, empty at the top.

    Where there is no repository, the folder itself counts as one.
    """
    here = folder.resolve()
    for top in (here, *here.parents):
        if (top / ".git").exists():
            return top, "" if top == here else here.relative_to(top).as_posix()
    return here, ""


def read_workspace(
    config: Path | None,
    policies: Sequence[str] | None,
    waivers: Path | None,
    limited_to: str | None,
    *,
    no_waivers: bool,
) -> Workspace:
    """All that a verb needs, from the options that it was given.

    Raises UsageError or a leaf of it, with file and line; nothing has been asked of anybody then.
    """
    read = configuration(config)
    policy = _checked_policy(read, policies)
    whole = inventory(read)
    domains = [domain.fact for domain in whole.domains]
    hosts = [host.fact for host in whole.hosts]
    _check_scopes(policy, domains, hosts)
    return Workspace(
        config=read,
        fleet=whole if limited_to is None else limit(whole, read_selection(limited_to)),
        whole_fleet=whole,
        policy=_policy_from_top(policy, read.root),
        waivers=() if no_waivers else checked_waivers(read, waivers, domains, hosts),
        limited_to=limited_to,
    )


def _check_scopes(
    policy: Policy, domains: Sequence[DeclaredDomain], hosts: Sequence[DeclaredHost]
) -> None:
    """A rule for a misspelt name would silently govern nobody. A role may well have no host.

    Raises PolicyError.
    """
    found = [
        f"{rule.where}: {rule.audit}: scope: found {term.text!r}, which names nothing in the "
        "inventory, expected a domain, host or group of it"
        for rule in policy.rules
        if rule.scope is not None
        for term in unmatched(rule.scope, domains, hosts)
        if term.kind != "role"
    ]
    if found:
        raise PolicyError("\n".join(found))


def configuration(path: Path | None) -> Config:
    """The configuration in that file, or the one found from here upwards, or all defaults.

    Raises UsageError.
    """
    here = Path.cwd()
    return read_config(path or find_config(here), start=here)


def inventory(config: Config) -> Fleet:
    """The fleet that the configuration leads to. Raises InventoryError."""
    return read_fleet(
        config.inventory,
        vantage=config.settings.vantage.name,
        at=now(),
        root=config.root,
        plugin=config.plugin,
        options=config.options,
    )


def checked_policy(config: Config, named: Sequence[str] | None) -> Policy:
    """The policies of the command line, from the working directory, or the configuration's.

    Raises PolicyError; what it names then exists, with parameters of the right types.
    """
    return _policy_from_top(_checked_policy(config, named), config.root)


def _checked_policy(config: Config, named: Sequence[str] | None) -> Policy:
    """The same, its rules with their places from the working directory, as messages say them."""
    base = Path.cwd() if named else config.root
    policy = merge([read_policy(name, base=base) for name in named or config.policies])
    check(policy, load())
    return policy


def checked_waivers(
    config: Config,
    path: Path | None,
    domains: Sequence[DeclaredDomain],
    hosts: Sequence[DeclaredHost],
) -> tuple[Waiver, ...]:
    """The waivers in that file, or in the configuration's, or none. Raises PolicyError."""
    chosen = path or config.waivers
    if chosen is None:
        return ()
    read = read_waivers(chosen, audits=load(), domains=domains, hosts=hosts)
    return tuple(replace(w, where=_from_top(w.where, config.root)) for w in read)


def _policy_from_top(policy: Policy, root: Path) -> Policy:
    rules = tuple(replace(rule, where=_from_top(rule.where, root)) for rule in policy.rules)
    return replace(policy, rules=rules)


def _from_top(where: str, root: Path) -> str:
    """`file:line` from the top of the fleet: what is stored and reported is the same wherever the
    command was typed. A place in a built-in policy stays as it is.
    """
    file, _, line = where.rpartition(":")
    path = Path.cwd() / file
    return f"{Path(relpath(path, root)).as_posix()}:{line}" if path.is_file() else where


def waivers_for(config: Config, path: Path | None, snapshot: Snapshot) -> tuple[Waiver, ...]:
    """The same, for the inventory that a stored run declares, or the configuration's if the run
    was limited: it declares a part then.
    """
    scope = snapshot.fact(FleetScope, snapshot.vantage)
    if scope is not None and scope.limit is not None:
        whole = inventory(config)
        snapshot = Snapshot(snapshot.header, [*whole.domains, *whole.hosts])
    domains = list(snapshot.facts(DeclaredDomain))
    hosts = list(snapshot.facts(DeclaredHost))
    return checked_waivers(config, path, domains, hosts)
