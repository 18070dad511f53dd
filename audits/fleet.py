"""The fleet: the declared domains and hosts that a run is about, and its limits."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from audits.errors import InventoryError, UsageError
from audits.facts.declared import DeclaredDomain, DeclaredHost
from audits.facts.fact import F, Observed, Provenance
from audits.inventory.declaration import Declaration
from audits.inventory.entry import DefaultsEntry, HostEntry, Login
from audits.inventory.file import read_files
from audits.parse.located_yaml import Document, nearest
from audits.selector import Selection, unmatched
from audits.subject import Service


class Connections(Struct, frozen=True):
    """Nornir's side of the inventory: how to reach a host, by its normalised name."""

    hosts: dict[str, HostEntry]
    groups: dict[str, HostEntry]
    defaults: DefaultsEntry


class Fleet(Struct, frozen=True):
    """What a run is about.

    host_names: every host of the inventory, sorted, whatever the run is limited to.
    logins: by host name; a password is a reference, for `audits.secret`.
    """

    domains: tuple[Observed[DeclaredDomain], ...]
    hosts: tuple[Observed[DeclaredHost], ...]
    host_names: tuple[str, ...]
    logins: dict[str, Login]
    connections: Connections


def read_fleet(
    folder: Path,
    *,
    vantage: str,
    at: datetime,
    root: Path | None = None,
    plugin: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Fleet:
    """The fleet that `hosts.yaml`, `groups.yaml`, `defaults.yaml` and `domains.yaml` declare.

    root: the folder from which facts name these files; default, the one that `folder` is in.
    plugin: a Nornir inventory plugin to take the hosts from instead, with its options; hosts
    for which it has no `data.mail` are not part of the fleet.
    Raises InventoryError with a line for every problem.
    """
    files = read_files(folder, plugin, options or {})
    problems: list[str] = []
    declared = Declaration(files, problems, optional_mail=plugin is not None)
    declared.take_hosts()
    declared.take_domains()
    if problems:
        raise InventoryError("\n".join(problems))
    top = root if root is not None and folder.is_relative_to(root) else folder.parent
    return _fleet(
        declared,
        folder.relative_to(top),
        lambda source: Provenance("inventory", vantage, at, source),
    )


def _fleet(declared: Declaration, named: Path, provenance: Callable[[str], Provenance]) -> Fleet:
    """Everything that is declared, each fact with its line. named: the folder, as facts name it."""

    def observed(taken: Mapping[str, tuple[F, Document, str]], file: str) -> Iterator[Observed[F]]:
        for _, (fact, document, written) in sorted(taken.items()):
            line = document.line((written,))
            source = f"{(named / file).as_posix()}:{line}" if line else document.name
            yield Observed(fact, provenance(source))

    return Fleet(
        domains=tuple(observed(declared.domains, "domains.yaml")),
        hosts=tuple(observed(declared.hosts, "hosts.yaml")),
        host_names=tuple(sorted(declared.hosts)),
        logins=declared.logins,
        connections=Connections(declared.connections, declared.groups, declared.defaults),
    )


def limit(fleet: Fleet, selection: Selection) -> Fleet:
    """What the selection names; a term with a port keeps only that service of a host.

    `host_names` stays whole. Raises UsageError where a term names nothing.
    """
    domains = [domain.fact for domain in fleet.domains]
    hosts = [host.fact for host in fleet.hosts]
    strangers = unmatched(selection, domains, hosts)
    if strangers:
        known = [domain.subject.name for domain in domains] + [host.subject.name for host in hosts]
        known += sorted({group for domain in domains for group in domain.groups})
        known += sorted({group for host in hosts for group in host.groups})
        raise UsageError(
            "\n".join(
                f"limit {selection.text!r}: found {s.text!r}, which names nothing in the "
                f"inventory, expected a domain, host, group or role of it"
                f"{nearest(s.pattern, known)}"
                for s in strangers
            )
        )
    return msgspec.structs.replace(
        fleet,
        domains=tuple(d for d in fleet.domains if selection.covers(d.fact.subject, d.fact, None)),
        hosts=tuple(_limited(fleet.hosts, selection)),
    )


def _limited(
    hosts: Sequence[Observed[DeclaredHost]], selection: Selection
) -> Iterator[Observed[DeclaredHost]]:
    for host in hosts:
        name = host.fact.subject.name
        services = tuple(
            service
            for service in host.fact.services
            if selection.covers(Service(name, "", service.port), None, host.fact)
        )
        if services or selection.covers(host.fact.subject, None, host.fact):
            fact = msgspec.structs.replace(host.fact, services=services)
            yield Observed(fact, host.provenance)
