"""The configuration: what it says, and how its mistakes are told."""

from pathlib import Path
from typing import Any

import pytest

from audits.config import find_config, read_config
from audits.errors import UsageError
from audits.resources import folder as shipped
from audits.settings import Settings
from tests.written import write

pytestmark = pytest.mark.usefixtures("own_folder")


def config(text: str) -> Any:
    return read_config(write(text, "mailproof.yaml"), start=Path.cwd())


def config_problems(text: str) -> list[str]:
    with pytest.raises(UsageError) as raised:
        config(text)
    return str(raised.value).splitlines()


def test_config_is_found_from_below() -> None:
    path = write("", "mailproof.yaml")
    below = Path("a/b")
    below.mkdir(parents=True)
    assert find_config(below) == path.resolve()


def test_missing_config_is_all_defaults(tmp_path: Path) -> None:
    found = read_config(None, start=tmp_path)
    assert found.settings == Settings()
    assert found.policies == ("baseline",)
    assert found.inventory == tmp_path / "inventory"
    assert found.waivers is None
    assert found.path is None


def test_empty_config_is_all_defaults(tmp_path: Path) -> None:
    found = config("# nothing yet\n")
    assert found.settings == Settings()
    assert found.root == tmp_path
    assert found.path == tmp_path / "mailproof.yaml"


def test_config_is_read_with_paths_from_its_folder(tmp_path: Path) -> None:
    write("", "ca.pem")
    found = config(
        "inventory: fleet\npolicies: [ours.yaml]\nwaivers: w.yaml\nruns: /var/runs\n"
        "trust: {ca_file: ca.pem}\nresolver: {addresses: ['::0001'], timeout_s: 1}\n"
        "redirect: {'192.0.2.1:25': '127.0.0.1:2525'}\n"
        "candidate: {zones: {example.net: dns/zone}, hosts: {mx1.example.net: {postfix: pf}}}\n"
    )
    assert found.inventory == tmp_path / "fleet"
    assert found.waivers == tmp_path / "w.yaml"
    assert found.runs == Path("/var/runs")
    assert found.settings.trust.ca_file == str(tmp_path / "ca.pem")
    assert found.settings.resolver.addresses == ("::1",)
    assert found.settings.resolver.timeout_s == 1.0
    assert found.settings.redirect == {"192.0.2.1:25": "127.0.0.1:2525"}
    assert found.candidate.zones == {"example.net": "dns/zone"}
    assert found.candidate.hosts["mx1.example.net"].postfix == "pf"


def test_every_setting_of_the_config_reaches_the_run(tmp_path: Path) -> None:
    text = """
resolver: {timeout_s: 1}
trust: {ca_file: ca.pem}
vantage: {name: office}
probe: {ehlo: audit.example.net}
limits: {concurrency: 7}
reputation: {zones: [list.example.org]}
rpki: {origins: {192.0.2.0/24: 64500}}
ssh: {known_hosts: ssh/known_hosts, key: ssh/key}
redirect: {"192.0.2.1:25": "127.0.0.1:2525"}
"""
    write("", "ca.pem")
    settings = read_config(write(text, "mailproof.yaml"), start=tmp_path).settings
    default = Settings()
    untouched = [
        name
        for name in Settings.__struct_fields__
        if getattr(settings, name) == getattr(default, name)
    ]
    assert untouched == []
    assert settings.ssh is not None
    assert settings.ssh.known_hosts == str(tmp_path / "ssh" / "known_hosts")
    assert settings.ssh.key == str(tmp_path / "ssh" / "key")


def test_ssh_without_known_hosts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="known_hosts"):
        config("ssh: {user: audit}\n")


def test_plugin_of_the_inventory_is_read(tmp_path: Path) -> None:
    found = config("inventory: {plugin: NetBoxInventory2, options: {nb_url: 'http://x'}}")
    assert (found.plugin, found.options) == ("NetBoxInventory2", {"nb_url": "http://x"})
    assert found.inventory == tmp_path / "inventory"


def test_second_resolver_is_read_in_one_form_of_its_address() -> None:
    found = config(
        "resolver: {addresses: [127.0.0.1], second: {addresses: ['::0001'], port: 5353}}"
    )
    second = found.settings.resolver.second
    assert second is not None
    assert (second.addresses, second.port) == (("::1",), 5353)
    assert config("resolver: {port: 53}").settings.resolver.second is None


def test_shipped_config_is_read() -> None:
    text = (shipped("templates") / "init/mailproof.yaml").read_text(encoding="utf-8")
    found = config(text)
    assert found.policies == ("policies/ours.yaml",)
    assert found.settings.probe.ehlo == "audit.example.net"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("polcies: [x]", "1: found key 'polcies', expected one of resolver"),
        ("runs: r\nlimits: {connect_s: -1}", "2: limits.connect_s: found -1, expected a number of"),
        ("limits: {gap_s: .inf}", "1: limits.gap_s: found '.inf', expected a number of seconds"),
        ("limits:\n  per_address: 0", "2: limits.per_address: found 0, expected a whole number f"),
        ("limits: {conect_s: 1}", "1: limits: found key 'conect_s', expected one of concurrency"),
        ("probe: {ehlo: my_host}", "1: probe.ehlo: found 'my_host', expected a host name such as"),
        ("probe: {recipient: root}", "1: probe.recipient: found 'root', expected a mailbox such"),
        ("resolver: {port: 70000}", "1: resolver.port: found 70000, expected a port from 1 to"),
        (
            "resolver:\n  addresses:\n  - 127.0.0.1\n  - localhost",
            "4: resolver.addresses[1]: found 'localhost', expected an IPv4 or IPv6 address",
        ),
        (
            "resolver:\n  second: {addresses: [localhost]}",
            "2: resolver.second.addresses[0]: found 'localhost', expected an IPv4 or IPv6 address",
        ),
        (
            "resolver:\n  addresses: [127.0.0.1]\n  second: {addresses: [127.0.0.1]}",
            "3: resolver.second.addresses[0]: found '127.0.0.1' again, expected a resolver that",
        ),
        ("resolver: {second: {addresses: []}}", "1: resolver.second.addresses: "),
        ("redirect:\n  '192.0.2.1:25': here", "2: redirect.192.0.2.1:25: found 'here', expected "),
        ("trust: {ca_file: none.pem}", "1: trust.ca_file: found 'none.pem', which is no file"),
        ("policies: []", "1: policies: found a list, expected a list of policies"),
        ("policies: baseline", "1: policies: found 'baseline', expected a list of policies"),
        ("inventory: {plugn: x}", "1: inventory: found key 'plugn', expected one of plugin, opt"),
        ("- a", "1: found a list, expected a mapping with keys of resolver"),
        ("just text", "1: found 'just text', expected a mapping with keys of resolver"),
        ("a: [", "1: not YAML"),
    ],
)
def test_mistake_in_the_config_is_told(text: str, message: str) -> None:
    assert config_problems(text)[0].startswith(f"mailproof.yaml:{message}")


def test_unreadable_config_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^none\.yaml: can't be read: No such file"):
        read_config(tmp_path / "none.yaml", start=tmp_path)
