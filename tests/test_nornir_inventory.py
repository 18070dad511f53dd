"""The fleet's hosts as Nornir sees them."""

import pytest

from audits.nornir_inventory import nornir_inventory
from tests.inventory.written import HOSTS, read

pytestmark = pytest.mark.usefixtures("own_folder")


def test_nornir_sees_the_same_hosts() -> None:
    hosts = HOSTS.replace("  hostname:", "  connection_options: {ssh: {port: 22}}\n  hostname:")
    inventory = nornir_inventory(read(hosts=hosts, defaults="password: env:SSH\nport: 22"))
    first, second = inventory.hosts["mx1.example.net"], inventory.hosts["mx2.example.net"]
    assert first.hostname == "192.0.2.10"
    assert second.port == 2222
    assert second.username == "auditor"
    assert second.password == "env:SSH"
    assert first.get_connection_parameters("ssh").port == 22
    assert inventory.children_of_group("edge") == {first, second}
