"""The four files of an inventory, decoded; a plugin may stand in for all but `domains.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audits.document import read_document, shown
from audits.errors import InventoryError, ParseError
from audits.inventory.entry import DefaultsFile, DomainFile, GroupFile, HostFile
from audits.parse.located_yaml import Document, decode


class File:
    """A decoded file beside the document that knows its lines; empty where there is no file."""

    def __init__(self, document: Document | None, kind: Any, problems: list[str]) -> None:
        self.document = document or Document("", None)
        self.entries: Any = None
        if self.document.root is not None:
            try:
                self.entries = decode(self.document, kind)
            except ParseError as error:
                problems.append(str(error))


@dataclass(frozen=True)
class Files:
    """Hosts, groups and defaults as Nornir has them, and our domains."""

    hosts: File
    groups: File
    defaults: File
    domains: File


def read_files(folder: Path, plugin: str | None, options: Mapping[str, Any]) -> Files:
    """The files of a folder; with a plugin, only `domains.yaml` is taken from there.

    Raises InventoryError with a line for every problem.
    """
    hosts, groups, defaults = _host_documents(folder, plugin, options)
    domains = _document(folder, "domains.yaml")
    if hosts is None and domains is None:
        raise InventoryError(
            f"{shown(folder)}: found neither hosts.yaml nor domains.yaml, expected an inventory"
        )
    problems: list[str] = []
    files = Files(
        hosts=File(hosts, HostFile, problems),
        groups=File(groups, GroupFile, problems),
        defaults=File(defaults, DefaultsFile, problems),
        domains=File(domains, DomainFile, problems),
    )
    if problems:
        raise InventoryError("\n".join(problems))
    return files


def _host_documents(
    folder: Path, plugin: str | None, options: Mapping[str, Any]
) -> tuple[Document | None, Document | None, Document | None]:
    if plugin is not None:
        from audits.inventory.plugin import plugin_documents  # it imports Nornir

        return plugin_documents(plugin, options)
    return (
        _document(folder, "hosts.yaml"),
        _document(folder, "groups.yaml"),
        _document(folder, "defaults.yaml"),
    )


def _document(folder: Path, name: str) -> Document | None:
    path = folder / name
    return read_document(path, InventoryError) if path.exists() else None
