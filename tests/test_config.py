"""The configuration, policies and waivers: what they say, and how their mistakes are told."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from audits.catalog import load
from audits.config import (
    builtin_policies,
    find_config,
    merge,
    read_config,
    read_policy,
    read_waivers,
)
from audits.errors import PolicyError, UsageError
from audits.evaluate.policy import Policy, check
from audits.evaluate.verdict import Severity
from audits.evaluate.waiver import Waiver
from audits.resources import folder as shipped
from audits.settings import Settings
from audits.subject import Domain
from tests import build


@pytest.fixture(autouse=True)
def _in_the_fleets_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str) -> Path:
    path = Path.cwd() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


# --- mailproof.yaml ---


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


# --- policies ---


def policy(text: str, name: str = "ours.yaml") -> Policy:
    write(text, name)
    return read_policy(name, base=Path.cwd())


def policy_problems(text: str, name: str = "ours.yaml") -> list[str]:
    with pytest.raises(PolicyError) as raised:
        policy(text, name)
    return str(raised.value).splitlines()


def head(rest: str, name: str = "ours") -> str:
    return f"id: {name}\ntitle: Title\n{rest}\n"


def test_baseline_names_audits_of_the_catalogue_at_their_own_severity_or_for_information() -> None:
    baseline = read_policy("baseline", base=Path.cwd())
    assert len(baseline.audit_ids()) >= 43
    check(baseline, load())
    assert baseline.sources == ("core-safety", "baseline")
    assert baseline.gate is Severity.HIGH
    assert {rule.severity for rule in baseline.rules} == {None, Severity.INFO}


@pytest.mark.parametrize("name", builtin_policies())
def test_audits_of_a_built_in_policy_exist(name: str) -> None:
    built_in = read_policy(name, base=Path.cwd())
    check(built_in, load())
    assert all(rule.where.startswith("policies/") for rule in built_in.rules)


def test_shipped_policy_of_ours_is_read() -> None:
    text = (shipped("templates") / "init/ours.yaml").read_text(encoding="utf-8")
    assert policy(text).sources == ("core-safety", "baseline", "ours")


def test_audit_is_set_in_every_form() -> None:
    found = policy(
        head(
            "version: 3\ngate: medium\naudits:\n  a:\n  b: off\n  c: false\n  d: {severity: low}\n"
            "  e:\n  - {params: {x: [1, 2]}}\n  - {scope: 'group:customers', enabled: false}\n"
            "  f: on\n"
        )
    )
    assert (found.name, found.version, found.gate) == ("ours", "3", Severity.MEDIUM)
    assert [(r.audit, r.enabled, r.where) for r in found.rules] == [
        ("a", True, "ours.yaml:6"),
        ("b", False, "ours.yaml:7"),
        ("c", False, "ours.yaml:8"),
        ("d", True, "ours.yaml:9"),
        ("e", True, "ours.yaml:11"),
        ("e", False, "ours.yaml:12"),
        ("f", True, "ours.yaml:13"),
    ]
    assert found.rules[3].severity is Severity.LOW
    assert found.rules[4].params == {"x": [1, 2]}
    assert type(found.rules[4].params["x"]) is list
    assert found.rules[5].scope is not None
    assert found.audit_ids() == ("a", "d", "e", "f")


def test_extended_policies_come_first_and_count_once() -> None:
    write(head("audits: {a: , b: }", "core"), "core.yaml")
    write(head("extends: [core.yaml]\naudits: {b: off}", "one"), "one.yaml")
    write(head("extends: [../core.yaml]\ngate: low\naudits: {c: }", "two"), "sub/two.yaml")
    found = policy(head("extends: [one.yaml, sub/two.yaml]\naudits: {d: }"))
    assert found.sources == ("core", "one", "two", "ours")
    assert [rule.audit for rule in found.rules] == ["a", "b", "b", "c", "d"]
    assert found.audit_ids() == ("a", "c", "d")
    assert found.gate is Severity.LOW


def test_what_a_rule_leaves_unsaid_is_as_before() -> None:
    write(head("audits: {a: {severity: low, params: {x: 1, y: 2}}}", "core"), "core.yaml")
    found = policy(
        head("extends: [core.yaml]\naudits: {a: {params: {y: 3}, scope: 'domain:*.example'}}")
    )
    assert found.rules[1].params == {"x": 1, "y": 3}
    assert found.rules[1].severity is Severity.LOW
    declared = build.domain("a.example")
    governing = found.rule_for("a", declared.subject, declared, None)
    assert governing == found.rules[1]
    assert found.rule_for("a", Domain("b.test"), build.domain("b.test"), None) == found.rules[0]


def test_policies_are_merged_in_order() -> None:
    write(head("audits: {a: , b: }", "core"), "core.yaml")
    one = policy(head("extends: [core.yaml]\naudits: {b: off}", "one"), "one.yaml")
    two = policy(head("extends: [core.yaml]\ngate: low\naudits: {a: {severity: info}}"), "two.yaml")
    both = merge([one, two])
    assert both.name == "one+ours"
    assert both.sources == ("core", "one", "ours")
    assert both.gate is Severity.LOW
    assert both.audit_ids() == ("a",)
    assert merge([one]) == one


def test_circle_of_policies_is_told() -> None:
    write(head("extends: [ours.yaml]", "other"), "other.yaml")
    assert policy_problems(head("extends: [other.yaml]")) == [
        "other.yaml:3: extends[0]: found the circle ours.yaml > other.yaml > ours.yaml, expected "
        "none"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id: x\naudits: {}", "1: key 'title' is missing: found id, audits, expected it too"),
        (head("extend: [baseline]"), "3: found key 'extend', expected one of id, title, version"),
        (head("extends: [basline]"), "3: extends[0]: found 'basline', expected a path, or one of"),
        (head("gate: grave"), "3: gate: found 'grave', expected one of"),
        (head("audits:\n  a: {severty: low}"), "4: audits.a: found key 'severty', expected one of"),
        (head("audits:\n  a: {severity: 3}"), "4: audits.a.severity: found 3, expected one of"),
        (head("audits:\n  a: offf"), "4: audits.a: found 'offf', expected true or false or one"),
        (head("audits:\n  a: {scope: 'role:x'}"), "4: audits.a.scope: selector 'role:x': expec"),
        (head("audits:\n  a:\n  a: off"), "5: found key 'a' again, expected it once"),
        ("", "1: found nothing, expected a mapping with keys of id"),
    ],
)  # fmt: skip
def test_mistake_in_a_policy_is_told(text: str, message: str) -> None:
    assert policy_problems(text)[0].startswith(f"ours.yaml:{message}")


def test_unknown_policy_is_told_with_the_nearest() -> None:
    with pytest.raises(PolicyError) as raised:
        read_policy("basline", base=Path.cwd())
    assert str(raised.value) == (
        "policy 'basline': found 'basline', expected a path, or one of "
        f"{', '.join(builtin_policies())}; did you mean 'baseline'?"
    )


def test_unreadable_policy_is_told() -> None:
    with pytest.raises(PolicyError, match=r"^none\.yaml: can't be read: No such file"):
        read_policy("none.yaml", base=Path.cwd())


# --- waivers ---

AUDITS = ("spf-published", "dmarc-published")
WAIVER = """\
- id: w1
  audit: spf-published
  scope: example.net
  reason: it moves
  risk: spoofing
  owner: platform team
  approved_by: head of security
  approved_on: 2026-11-01
  expires: 2027-02-28
  ticket: 42
"""


def waivers(text: str) -> tuple[Waiver, ...]:
    return read_waivers(
        write(text, "waivers.yaml"),
        audits=AUDITS,
        domains=[build.domain("example.net", groups=("customers",))],
        hosts=[build.host("mx1.example.net")],
    )


def waiver_problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as raised:
        waivers(text)
    return str(raised.value).splitlines()


def test_waiver_is_read() -> None:
    (found,) = waivers(WAIVER)
    assert (found.id, found.audit, found.where) == ("w1", "spf-published", "waivers.yaml:1")
    assert (found.approved_on, found.expires) == (date(2026, 11, 1), date(2027, 2, 28))
    assert found.ticket == "42"
    assert found.scope.covers(Domain("example.net"), build.domain(), None)


def test_file_of_comments_holds_no_waiver() -> None:
    assert waivers("# none yet\n") == ()
    assert waivers("[]") == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  approved_by: head of security\n", "", "1: [0]: key 'approved_by' is missing: found id"),
        ("  expires: 2027-02-28\n", "", "1: [0]: key 'expires' is missing: found id, audit, scope"),
        ("head of security", "''", "7: [0].approved_by: found '', expected text"),
        ("approved_by:", "aproved_by:", "7: [0]: found key 'aproved_by', expected one of id, au"),
        ("head of security", "Platform Team", "7: [0].approved_by: found the owner"),
        ("spf-published", "spf-publishd", "2: [0].audit: found 'spf-publishd', expected an audit "
         "that exists; did you mean 'spf-published'?"),
        ("example.net", "example.nt", "3: [0].scope: found 'example.nt', which names nothing in "
         "the inventory, expected a domain, host, group or role of it; did you mean 'example.net'"),
        ("example.net", "role:boss", "3: [0].scope: selector 'role:boss': expected a role of mx"),
        ("2027-02-28", "28.2.2027", "9: [0].expires: found '28.2.2027', expected a date such as"),
        ("2027-02-28", "2027-02-29", "9: [0].expires: found '2027-02-29', expected a date such"),
        ("2027-02-28", "20270228", "9: [0].expires: found 20270228, expected a date such as"),
        ("2027-02-28", "2027-11-02", "9: [0].expires: found 2027-11-02, expected a day from the "
         "approval on 2026-11-01 to 365 days after it"),
        ("2027-02-28", "2026-10-31", "9: [0].expires: found 2026-10-31, expected a day from the"),
    ],
)  # fmt: skip
def test_mistake_in_a_waiver_is_told(old: str, new: str, message: str) -> None:
    assert waiver_problems(WAIVER.replace(old, new))[0].startswith(f"waivers.yaml:{message}")


def test_waiver_may_last_a_year_from_its_approval() -> None:
    (found,) = waivers(WAIVER.replace("2027-02-28", "2027-11-01"))
    assert (found.expires - found.approved_on).days == 365


def test_duplicate_waiver_is_told_with_both_lines() -> None:
    assert waiver_problems(WAIVER + WAIVER) == [
        "waivers.yaml:11: [1].id: found 'w1' again, expected it once; it stands at line 1 already"
    ]


def test_mistakes_of_all_waivers_are_told_at_once() -> None:
    second = WAIVER.replace("w1", "w2").replace("spf-published", "nothing")
    found = waiver_problems(WAIVER.replace("  risk: spoofing\n", "") + second)
    assert [line.split(": ")[0] for line in found] == ["waivers.yaml:1", "waivers.yaml:11"]


def test_waivers_are_a_list() -> None:
    assert waiver_problems("id: w1") == [
        "waivers.yaml:1: found no list, expected a list of waivers"
    ]


def test_unreadable_waivers_are_told() -> None:
    with pytest.raises(PolicyError, match=r"^none\.yaml: can't be read: No such file"):
        read_waivers(Path.cwd() / "none.yaml", audits=AUDITS, domains=[], hosts=[])
