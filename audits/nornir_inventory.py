"""Nornir's inventory of a fleet's hosts, for connections to them."""

from typing import Any

from nornir.core.inventory import (
    ConnectionOptions,
    Defaults,
    Group,
    Groups,
    Host,
    Hosts,
    Inventory,
    ParentGroups,
)

from audits.fleet import Fleet
from audits.inventory.entry import ConnectionEntry, DefaultsEntry


def nornir_inventory(fleet: Fleet) -> Inventory:
    """Nornir's inventory of the fleet's hosts, for connections to them.

    Passwords in it are references still, for whoever opens a connection to resolve; free data is
    left out, so that what is sent to workers stays small.
    """
    top = fleet.connections.defaults
    defaults = Defaults(**_attributes(top), connection_options=_options(top))
    groups = Groups()
    for name, entry in fleet.connections.groups.items():
        groups[name] = Group(
            name=name, **_attributes(entry), connection_options=_options(entry), defaults=defaults
        )
    for name, entry in fleet.connections.groups.items():
        groups[name].groups = ParentGroups([groups[parent] for parent in entry.groups or ()])
    hosts = Hosts()
    for declared in fleet.hosts:
        name = declared.fact.subject.name
        entry = fleet.connections.hosts[name]
        hosts[name] = Host(
            name=name,
            **_attributes(entry),
            groups=ParentGroups([groups[group] for group in entry.groups or ()]),
            connection_options=_options(entry),
            defaults=defaults,
        )
    return Inventory(hosts=hosts, groups=groups, defaults=defaults)


def _attributes(entry: DefaultsEntry | ConnectionEntry) -> dict[str, Any]:
    return {
        "hostname": entry.hostname,
        "port": entry.port,
        "username": entry.username,
        "password": entry.password,
        "platform": entry.platform,
    }


def _options(entry: DefaultsEntry) -> dict[str, ConnectionOptions]:
    return {
        name: ConnectionOptions(**_attributes(option), extras=option.extras)
        for name, option in (entry.connection_options or {}).items()
    }
