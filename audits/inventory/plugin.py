"""Hosts from a Nornir inventory plugin, as the documents that its files would be."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from nornir.core.exceptions import PluginNotRegistered
from nornir.core.inventory import Inventory
from nornir.core.plugins.inventory import InventoryPluginRegister

from audits.errors import InventoryError
from audits.inventory.entry import HostEntry
from audits.parse.located_yaml import Document, nearest


def plugin_documents(
    plugin: str, options: Mapping[str, Any]
) -> tuple[Document, Document, Document]:
    """Hosts, groups and defaults, without lines. Raises InventoryError where it can't be loaded."""
    inventory = _load_plugin(plugin, options)
    name = f"inventory plugin {plugin}"
    defaults = _plain(inventory.defaults.dict())
    return (
        Document(f"{name}: hosts", {n: _plain(h.dict()) for n, h in inventory.hosts.items()}),
        Document(f"{name}: groups", {n: _plain(g.dict()) for n, g in inventory.groups.items()}),
        Document(f"{name}: defaults", defaults),
    )


def _plain(element: Mapping[str, Any]) -> dict[str, Any]:
    """A Nornir element as its file would hold it; of its data, only ours."""
    data = element.get("data") or {}
    kept = {key: element[key] for key in HostEntry.__struct_fields__ if element.get(key)}
    kept.pop("data", None)
    return kept | ({"data": {"mail": data["mail"]}} if "mail" in data else {})


def _load_plugin(name: str, options: Mapping[str, Any]) -> Inventory:
    """The inventory of the one plugin that is named; others are not even imported.

    Nornir's own registration imports every plugin there is, and one that is broken stops all.
    """
    try:
        for entry in entry_points(group="nornir.plugins.inventory", name=name):
            InventoryPluginRegister.register(name, entry.load())
        return InventoryPluginRegister.get_plugin(name)(**options).load()
    except PluginNotRegistered as error:
        known = sorted(entry_points(group="nornir.plugins.inventory").names)
        raise InventoryError(
            f"inventory: plugin: found {name!r}, expected one that is installed: "
            f"{', '.join(known)}{nearest(name, known)}"
        ) from error
    except (OSError, ImportError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise InventoryError(
            f"inventory: plugin {name}: {type(error).__name__}: {error}"
        ) from error
