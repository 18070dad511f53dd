"""How each host of an inventory is logged in to."""

from pathlib import Path
from typing import Any

import pytest
from nornir.core.inventory import (
    ConnectionOptions,
    Defaults,
    Group,
    Host,
    Hosts,
    ParentGroups,
)

from audits.collect.live.ssh_login import Login, SshAccess, ssh_access
from audits.errors import UsageError
from audits.facts.fact import Reason, Silence
from audits.settings import SshSettings

BASE = Path("/fleet")
SETTINGS = SshSettings(known_hosts="/fleet/known_hosts", user="audit", key="/fleet/key")
PIN = "SHA256:" + "A" * 43


def hosts(group: dict[str, Any] | None = None, **each: dict[str, Any]) -> Hosts:
    """Hosts of one group; what is said of each is Nornir's, `extras` those of SSH."""

    def fields(said: dict[str, Any]) -> dict[str, Any]:
        known = {k: v for k, v in said.items() if k != "extras"}
        extras = said.get("extras")
        options = {} if extras is None else {"ssh": ConnectionOptions(extras=extras)}
        return known | {"connection_options": options}

    shared = Group(name="edge", **fields(group or {}))
    return Hosts(
        {
            name: Host(
                name=name, groups=ParentGroups([shared]), defaults=Defaults(), **fields(said)
            )
            for name, said in each.items()
        }
    )


def access(found: Hosts, settings: SshSettings = SETTINGS) -> SshAccess:
    return ssh_access(found, settings, BASE, str)


def login(found: Hosts, name: str, settings: SshSettings = SETTINGS) -> Login:
    made = access(found, settings).logins[name]
    assert isinstance(made, Login)
    return made


def test_host_has_its_own_settings_then_its_groups_then_those_of_the_run() -> None:
    found = hosts(
        {"username": "group", "extras": {"key": "ssh/group", "agent": False}},
        mx1={"hostname": "192.0.2.10", "port": 2222, "username": "own"},
        mx2={"extras": {"key": "ssh/own"}},
        mx3={},
    )
    first, second, third = (login(found, name) for name in ("mx1", "mx2", "mx3"))
    assert (first.hostname, first.port, first.username) == ("192.0.2.10", 2222, "own")
    assert (first.key, first.agent) == ("/fleet/ssh/group", False)
    assert (second.hostname, second.port, second.username) == ("mx2", 22, "group")
    assert second.key == "/fleet/ssh/own"
    assert third.key == "/fleet/ssh/group"


def test_hosts_of_one_group_never_see_each_others_settings() -> None:
    found = hosts(
        {"extras": {"agent": False}},
        mx1={
            "username": "first",
            "password": "env:FIRST",
            "port": 2201,
            "extras": {"key": "one", "key_passphrase": "env:ONE", "fingerprint": PIN},
        },
        mx2={"username": "second", "port": 2202},
    )
    for order in (("mx1", "mx2"), ("mx2", "mx1")):
        made = {name: login(found, name) for name in order}
        first, second = made["mx1"], made["mx2"]
        assert (first.username, first.password, first.port) == ("first", "env:FIRST", 2201)
        assert (first.key, first.key_passphrase) == ("/fleet/one", "env:ONE")
        assert (second.username, second.password, second.port) == ("second", None, 2202)
        assert (second.key, second.key_passphrase) == ("/fleet/key", None)
        assert (first.fingerprint, second.fingerprint) == (PIN, None)


def test_passphrase_of_the_run_is_not_tried_on_a_key_of_the_host() -> None:
    settings = SshSettings(
        known_hosts="k", user="audit", key="/fleet/key", key_passphrase="env:RUN"
    )
    found = hosts(mx1={"extras": {"key": "own"}}, mx2={})
    assert login(found, "mx1", settings).key_passphrase is None
    assert login(found, "mx2", settings).key_passphrase == "env:RUN"


def test_host_without_a_user_is_not_logged_in_to() -> None:
    found = access(hosts(mx1={}), SshSettings(known_hosts="k")).logins["mx1"]
    assert isinstance(found, Silence)
    assert found.reason is Reason.NOT_DECLARED


def test_free_data_named_like_an_attribute_changes_nothing() -> None:
    found = hosts(mx1={"data": {"port": 99, "username": "data", "password": "data"}})
    made = login(found, "mx1")
    assert (made.port, made.username, made.password) == (22, "audit", None)


def test_pinned_key_is_that_of_its_host_alone() -> None:
    settings = SshSettings(known_hosts="k", user="audit", fingerprints={"mx1": PIN})
    found = hosts(mx1={}, mx2={})
    assert login(found, "mx1", settings).fingerprint == PIN
    assert login(found, "mx2", settings).fingerprint is None


def test_pin_of_an_unknown_host_is_refused() -> None:
    settings = SshSettings(known_hosts="k", fingerprints={"mx9": PIN})
    with pytest.raises(UsageError, match="mx9"):
        access(hosts(mx1={}), settings)


def test_unknown_extra_is_refused_with_its_place() -> None:
    with pytest.raises(UsageError, match=r"mx1: connection_options: ssh: extras.*look_for_keys"):
        access(hosts(mx1={"extras": {"look_for_keys": True}}))


def test_jump_host_of_the_inventory_has_its_own_settings() -> None:
    settings = SshSettings(known_hosts="k", user="audit", key="/fleet/key", jump="bastion")
    found = hosts(
        bastion={"hostname": "192.0.2.1", "username": "jumper", "password": "env:BASTION"},
        mx1={"password": "env:MX1"},
    )
    made = login(found, "mx1", settings)
    assert made.via is not None
    assert (made.via.hostname, made.via.username) == ("192.0.2.1", "jumper")
    assert (made.password, made.via.password) == ("env:MX1", "env:BASTION")
    assert login(found, "bastion", settings).via is None


def test_other_jump_host_never_gets_the_password_of_the_host_behind_it() -> None:
    settings = SshSettings(known_hosts="k", user="audit", jump="jumper@gate.example.net:2222")
    made = login(hosts(mx1={"password": "env:MX1"}), "mx1", settings)
    assert made.via is not None
    assert (made.via.username, made.via.hostname, made.via.port) == (
        "jumper",
        "gate.example.net",
        2222,
    )
    assert made.via.password is None


def test_jump_that_is_no_host_is_refused() -> None:
    settings = SshSettings(known_hosts="k", user="audit", jump="a b")
    with pytest.raises(UsageError, match="user@host:port"):
        access(hosts(mx1={}), settings)
