"""JSON Schemas of the files that people write and of the results, from the types that read them."""

import inspect
from collections.abc import Callable
from typing import Any

import msgspec

from audits.config import ConfigFile
from audits.errors import UsageError
from audits.evaluate.result import Result
from audits.inventory.entry import DefaultsFile, DomainFile, GroupFile, HostFile
from audits.policy_file import PolicyFile
from audits.waiver_file import WaiverEntry

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_INVENTORY: dict[str, Any] = {
    "hosts": HostFile,
    "groups": GroupFile,
    "defaults": DefaultsFile,
    "domains": DomainFile,
}


def schema(name: str) -> dict[str, Any]:
    """The schema of that name, one of `NAMES`; `inventory` is that of any of its four files.

    Raises UsageError on another name.
    """
    if name not in _SCHEMAS:
        raise UsageError(f"schema: found {name!r}, expected one of {', '.join(NAMES)}")
    found = {"$schema": _DIALECT, "title": f"mailproof {name}", **_SCHEMAS[name]()}
    _unindent(found)
    return found


def _unindent(found: Any) -> None:
    """Takes the source's indentation out of the descriptions, which are docstrings."""
    for key, value in found.items() if isinstance(found, dict) else enumerate(found):
        if key == "description" and isinstance(value, str):
            found[key] = inspect.cleandoc(value)
        elif isinstance(value, dict | list):
            _unindent(value)


def _of(kind: Any) -> Callable[[], dict[str, Any]]:
    return lambda: msgspec.json.schema(kind)


def _inventory() -> dict[str, Any]:
    (*files,), components = msgspec.json.schema_components(
        _INVENTORY.values(), ref_template="#/$defs/{name}"
    )
    named = [
        {"title": f"{name}.yaml", **file} for name, file in zip(_INVENTORY, files, strict=True)
    ]
    return {"anyOf": named, "$defs": components}


def _results() -> dict[str, Any]:
    """One line of `results.jsonl`, which has null where nothing stayed unknown."""
    found = msgspec.json.schema(Result)
    fields = found["$defs"]["Result"]["properties"]
    fields["unknown"] = {"anyOf": [fields["unknown"], {"type": "null"}]}
    return found


_SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "inventory": _inventory,
    **{name: _of(kind) for name, kind in _INVENTORY.items()},
    "policy": _of(PolicyFile),
    "waivers": _of(list[WaiverEntry] | None),
    "config": _of(ConfigFile | None),
    "results": _results,
}
NAMES = tuple(_SCHEMAS)
