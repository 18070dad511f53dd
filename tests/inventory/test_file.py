"""The files of an inventory: what is there, what can be read."""

from pathlib import Path

import pytest

from audits.errors import InventoryError
from audits.fleet import read_fleet
from tests.inventory.written import AT, problems, write


def test_mistakes_of_all_files_are_told_at_once() -> None:
    found = problems(hosts="mx1.example.net: {prot: 22}", domains="example.net: {sends: yes}")
    assert [line.split(": ")[0] for line in found] == [
        "inventory/hosts.yaml:1",
        "inventory/domains.yaml:1",
        "inventory/domains.yaml:1",
    ]


def test_bad_syntax_is_told_with_file_and_line() -> None:
    (found,) = problems(hosts="mx1.example.net:\n  groups: [edge\nmx2: {}\n")
    assert found.startswith("inventory/hosts.yaml:3: not YAML")


def test_empty_folder_is_no_inventory(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match=r"nowhere: found neither hosts\.yaml nor domains"):
        read_fleet(tmp_path / "nowhere", vantage="here", at=AT)


def test_unreadable_file_is_told(tmp_path: Path) -> None:
    folder = write(domains=None)
    folder.joinpath("domains.yaml").mkdir()
    with pytest.raises(InventoryError, match=r"^inventory/domains\.yaml: can't be read: Is a dir"):
        read_fleet(folder, vantage="here", at=AT)


def test_other_encoding_is_told_with_its_line() -> None:
    folder = write()
    folder.joinpath("domains.yaml").write_bytes(b"a: 1\nb: \xfc\n")
    with pytest.raises(InventoryError, match=r"^inventory/domains\.yaml:2: found an octet"):
        read_fleet(folder, vantage="here", at=AT)
