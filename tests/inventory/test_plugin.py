"""Hosts from a Nornir inventory plugin."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from nornir.core.inventory import Defaults, Groups, Host, Hosts, Inventory
from nornir.core.plugins.inventory import InventoryPluginRegister

from audits.errors import InventoryError
from audits.fleet import Fleet, read_fleet
from tests.inventory.written import AT, read, write


class TwoHosts:
    """An inventory plugin: one host with mail data, one without."""

    def __init__(self, mail: Mapping[str, object]) -> None:
        self._mail = mail

    def load(self) -> Inventory:
        first = Host("mx1.example.net", hostname="192.0.2.1", data={"mail": self._mail, "x": 1})
        return Inventory(Hosts({first.name: first, "db": Host("db")}), Groups(), Defaults())


def from_plugin(mail: Mapping[str, object]) -> Fleet:
    InventoryPluginRegister.register("TwoHosts", TwoHosts)
    try:
        folder = write(hosts=None, groups=None)
        return read_fleet(folder, vantage="here", at=AT, plugin="TwoHosts", options={"mail": mail})
    finally:
        InventoryPluginRegister.deregister("TwoHosts")


def test_hosts_can_come_from_a_plugin(tmp_path: Path) -> None:
    files = write()
    options = {
        "host_file": str(files / "hosts.yaml"),
        "group_file": str(files / "groups.yaml"),
        "defaults_file": str(files / "none.yaml"),
    }
    fleet = read_fleet(files, vantage="here", at=AT, plugin="SimpleInventory", options=options)
    assert [h.fact for h in fleet.hosts] == [h.fact for h in read().hosts]
    assert fleet.hosts[0].provenance.source == "inventory plugin SimpleInventory: hosts"


def test_mistakes_of_a_plugin_are_told_without_lines() -> None:
    with pytest.raises(InventoryError) as raised:
        from_plugin({"roles": ["mxx"]})
    assert str(raised.value).startswith(
        "inventory plugin TwoHosts: hosts: mx1.example.net: data.mail.roles[0]: "
        "found 'mxx', expected one of mx"
    )


def test_host_without_mail_data_of_a_plugin_is_left_out() -> None:
    assert from_plugin({"roles": ["mx"]}).host_names == ("mx1.example.net",)


def test_unknown_plugin_is_told() -> None:
    with pytest.raises(InventoryError, match="found 'SimpelInventory', expected one that is inst"):
        read_fleet(write(), vantage="here", at=AT, plugin="SimpelInventory")
