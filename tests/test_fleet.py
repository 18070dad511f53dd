"""The inventory: what it declares, what it inherits, and how its mistakes are told."""

import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from time import process_time

import pytest
from nornir.core.inventory import Defaults, Groups, Host, Hosts, Inventory
from nornir.core.plugins.inventory import InventoryPluginRegister

from audits.errors import InventoryError, UsageError
from audits.facts.declared import DeclaredDomain, DeclaredHost, DeclaredSelector, DeclaredService
from audits.fleet import Fleet, limit, nornir_inventory, read_fleet
from audits.resources import folder as shipped
from audits.selector import read_selection
from audits.subject import Role

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
HOSTS = """\
mx1.example.net:
  hostname: 192.0.2.10
  groups: [edge]
  data:
    mail:
      roles: [mx, msa]
      addresses: [192.0.2.10, "2001:DB8:0:0::10"]
      domains: [example.net]
mx2.example.net:
  groups: [edge]
"""
GROUPS = """\
edge:
  port: 2222
  groups: [all]
  data: {mail: {roles: [mx], helo_name: HELO.example.net.}}
all:
  username: auditor
  data: {mail: {roles: [relay], sends_from: [192.0.2.99]}}
"""
DOMAINS = """\
example.net: {sends: true, receives: true, groups: [customers], senders: [mx1.example.net]}
example.org: {sends: false, receives: false}
"""


@pytest.fixture(autouse=True)
def _in_the_fleets_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(
    hosts: str | None = HOSTS,
    groups: str | None = GROUPS,
    defaults: str | None = None,
    domains: str | None = DOMAINS,
) -> Path:
    """An inventory in the working directory."""
    folder = Path.cwd() / "inventory"
    folder.mkdir(exist_ok=True)
    for name, text in (
        ("hosts", hosts), ("groups", groups), ("defaults", defaults), ("domains", domains),
    ):  # fmt: skip
        if text is not None:
            folder.joinpath(f"{name}.yaml").write_text(text)
    return folder


def read(**files: str | None) -> Fleet:
    return read_fleet(write(**files), vantage="here", at=AT)


def problems(**files: str | None) -> list[str]:
    with pytest.raises(InventoryError) as raised:
        read(**files)
    return str(raised.value).splitlines()


def host(fleet: Fleet, name: str = "mx1.example.net") -> DeclaredHost:
    return next(h.fact for h in fleet.hosts if h.fact.subject.name == name)


def domain(fleet: Fleet, name: str = "example.net") -> DeclaredDomain:
    return next(d.fact for d in fleet.domains if d.fact.subject.name == name)


def mail(text: str, *, name: str = "mx1.example.net") -> str:
    """hosts.yaml with one host whose mail data stands from line 4 on."""
    lines = "".join(f"      {line}\n" for line in text.splitlines())
    return f"{name}:\n  data:\n    mail:\n{lines}"


def attested(*more: str) -> str:
    """The mail data of a host with an attestation at its third line."""
    uri = "evidence_uri: 'https://wiki.example.net/mfa'"
    entry = ", ".join((uri, "by: Head of IT", "date: 2026-01-15", *more))
    return f"roles: [msa]\nattest:\n  submission_mfa: {{{entry}}}"


# --- what is declared ---


def test_shipped_inventory_is_read() -> None:
    fleet = read_fleet(shipped("inventory"), vantage="here", at=AT)
    assert fleet.host_names == ("mx1.example.net", "mx2.example.net", "out1.example.net")
    assert host(fleet, "mx2.example.net").roles == (Role.MX,)
    assert host(fleet, "out1.example.net").services == (DeclaredService(25, None),)
    assert domain(fleet).dkim == (DeclaredSelector("s2026", "self", date(2026, 1, 15), True),)
    assert domain(fleet, "example.com").parked


def test_facts_know_file_and_line() -> None:
    fleet = read()
    assert [h.provenance.source for h in fleet.hosts] == [
        "inventory/hosts.yaml:1",
        "inventory/hosts.yaml:9",
    ]
    where = fleet.domains[1].provenance
    assert (where.collector, where.vantage, where.at) == ("inventory", "here", AT)
    assert where.source == "inventory/domains.yaml:2"


def test_facts_name_files_from_the_top_of_the_fleet(tmp_path: Path) -> None:
    folder = tmp_path / "conf" / "inventory"
    folder.mkdir(parents=True)
    (folder / "domains.yaml").write_text("example.net: {sends: true, receives: false}\n")
    fleet = read_fleet(folder, vantage="here", at=AT, root=tmp_path)
    assert fleet.domains[0].provenance.source == "conf/inventory/domains.yaml:1"
    elsewhere = read_fleet(folder, vantage="here", at=AT, root=tmp_path / "other")
    assert elsewhere.domains[0].provenance.source == "inventory/domains.yaml:1"


def test_mail_data_is_inherited_key_by_key() -> None:
    fleet = read(defaults="data: {mail: {sends_from: [192.0.2.1], private_ca: ca.pem}}")
    first, second = host(fleet), host(fleet, "mx2.example.net")
    assert first.roles == (Role.MX, Role.MSA)
    assert second.roles == (Role.MX,)
    assert first.helo_name == second.helo_name == "helo.example.net"
    assert second.sends_from == ("192.0.2.99",)
    assert second.private_ca == "ca.pem"
    assert second.groups == ("edge", "all")


def test_null_says_that_nothing_is_inherited() -> None:
    fleet = read(hosts=mail("roles: [mx]\nprivate_ca: null"), domains=None,
                 defaults="data: {mail: {private_ca: ca.pem}}")  # fmt: skip
    assert host(fleet).private_ca is None


def test_first_group_wins() -> None:
    hosts = "a.example.net: {groups: [one, two]}\nb.example.net: {groups: [two, one]}\n"
    groups = "one: {data: {mail: {roles: [mx]}}}\ntwo: {data: {mail: {roles: [msa]}}}\n"
    fleet = read(hosts=hosts, groups=groups, domains=None)
    assert host(fleet, "a.example.net").roles == (Role.MX,)
    assert host(fleet, "b.example.net").roles == (Role.MSA,)


@pytest.mark.parametrize(
    ("roles", "ports"),
    [
        ("[mx]", (25,)),
        ("[msa]", (465, 587)),
        ("[relay]", (25,)),
        ("[mx, msa]", (25, 465, 587)),
        ("[mailstore]", ()),
        ("[none]", ()),
    ],
)
def test_services_follow_from_roles(roles: str, ports: tuple[int, ...]) -> None:
    fleet = read(hosts=mail(f"roles: {roles}"), domains=None)
    assert tuple(s.port for s in host(fleet).services) == ports


def test_declared_services_stand_alone() -> None:
    text = "roles: [msa]\nservices: [{port: 587, connect: '[::1]:2587'}, {port: 2525}]"
    fleet = read(hosts=mail(text), domains=None)
    assert host(fleet).services == (DeclaredService(587, "[::1]:2587"), DeclaredService(2525, None))


def test_names_and_addresses_are_canonical() -> None:
    fleet = read(
        hosts=mail("roles: [mx]\naddresses: ['2001:DB8::0:10']", name="MX1.Bücher.Example."),
        domains="BÜCHER.example: {sends: true, receives: true, senders: [mx1.bücher.example]}",
    )
    assert fleet.host_names == ("mx1.xn--bcher-kva.example",)
    assert fleet.hosts[0].fact.addresses == ("2001:db8::10",)
    assert fleet.domains[0].fact.senders == ("mx1.xn--bcher-kva.example",)


def test_senders_carry_their_outbound_addresses_even_into_a_limited_run() -> None:
    limited = limit(read(), read_selection("example.net"))
    (sender,) = domain(limited).sending
    assert (sender.host, sender.addresses) == ("mx1.example.net", ("192.0.2.99",))
    plain = domain(read(groups=None, hosts=mail("roles: [relay]\naddresses: [192.0.2.7]")))
    assert [s.addresses for s in plain.sending] == [("192.0.2.7",)]
    bare = domain(read(groups=None, hosts=mail("roles: [relay]")))
    assert [s.addresses for s in bare.sending] == [()]


def test_expected_mx_may_be_somebody_elses() -> None:
    fleet = read(domains="example.net: {sends: true, receives: true, mx: [mx.filter.example]}")
    assert domain(fleet).mx == ("mx.filter.example",)
    assert domain(read()).mx is None


def test_password_is_kept_as_a_reference_and_out_of_the_facts() -> None:
    text = "roles: [msa]\nlogin: {username: probe, password: 'env:PROBE'}"
    fleet = read(hosts=mail(text), domains=None)
    assert host(fleet).login == "probe"
    assert fleet.logins["mx1.example.net"].password == "env:PROBE"


def test_attestation_of_a_group_holds_for_its_hosts() -> None:
    text = (
        "edge:\n  data:\n    mail:\n      attest:\n        submission_mfa: {value: app-passwords, "
        "evidence_uri: 'https://wiki.example.net/mfa', by: Head of IT, date: 2026-01-15, "
        "expires: 2027-01-15}"
    )
    hosts = "mx1.example.net: {groups: [edge], data: {mail: {roles: [msa]}}}"
    fleet = read(groups=text, hosts=hosts, domains=None)
    (stated,) = host(fleet).attestations
    assert (stated.about, stated.value, stated.by) == (
        "submission_mfa",
        "app-passwords",
        "Head of IT",
    )
    assert (stated.on, stated.expires) == (date(2026, 1, 15), date(2027, 1, 15))


def test_login_takes_mailboxes_and_a_pinned_key() -> None:
    pin = "sha256:" + "ab" * 32
    text = (
        "roles: [msa]\nlogin: {username: probe, password: 'env:PROBE', "
        f"mailbox: probe@example.net, other_mailbox: boss@example.net, certificate: '{pin}'}}"
    )
    fleet = read(hosts=mail(text), domains=None)
    login = fleet.logins["mx1.example.net"]
    assert (login.mailbox, login.other_mailbox) == ("probe@example.net", "boss@example.net")
    assert login.certificate == pin


def test_fleet_without_hosts_is_a_fleet() -> None:
    fleet = read(hosts=None, groups=None, domains="example.net: {sends: true, receives: true}")
    assert fleet.hosts == ()
    assert len(fleet.domains) == 1


# --- mistakes ---


def test_misspelt_key_is_told_with_the_nearest() -> None:
    assert problems(domains="example.net:\n  sends: true\n  recieves: true\n")[0] == (
        "inventory/domains.yaml:3: example.net: found key 'recieves', expected one of sends, "
        "receives, groups, mx, submission, senders, dkim, class; did you mean 'receives'?"
    )
    assert problems(hosts=mail("roles: [mx]\nadresses: [192.0.2.1]"))[0].startswith(
        "inventory/hosts.yaml:5: mx1.example.net: data.mail: found key 'adresses', expected one of "
        "roles, addresses"
    )
    assert problems(groups="edge: {dta: {}}")[0].startswith(
        "inventory/groups.yaml:1: edge: found key 'dta'"
    )
    assert problems(defaults="usrname: x")[0] == (
        "inventory/defaults.yaml:1: found key 'usrname', expected one of hostname, port, username, "
        "password, platform, data, connection_options; did you mean 'username'?"
    )


def test_misspelt_mail_is_told_where_no_roles_are_left() -> None:
    found = problems(hosts="mx1.example.net:\n  data:\n    mial: {roles: [mx]}\n", domains=None)
    assert found == [
        "inventory/hosts.yaml:3: mx1.example.net: data.mail.roles: found nothing here, in its "
        "groups or in defaults.yaml, expected a list of mx, msa, relay, mailstore, none; did you "
        "mean 'mail' by 'mial'?"
    ]


def test_mail_that_is_spelt_right_is_no_misspelling() -> None:
    (found,) = problems(hosts="mx1.example.net: {data: {mail: {}}}\n", domains=None)
    assert found.endswith("expected a list of mx, msa, relay, mailstore, none")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("roles: [mx, mxx]", "4: mx1.example.net: data.mail.roles[1]: found 'mxx', expected one"),
        ("roles: []", "4: mx1.example.net: data.mail.roles: found a list, expected a list of mx"),
        ("roles: [mx, none]", "4: mx1.example.net: data.mail.roles: found 'none' beside others"),
        (
            "roles: [mx]\naddresses:\n- 192.0.2.1\n- 192.0.2.300",
            "7: mx1.example.net: data.mail.addresses[1]: found '192.0.2.300', expected an IPv4",
        ),
        (
            "roles: [mx]\nbehind_gateway: [192.0.2.1/24]",
            "5: mx1.example.net: data.mail.behind_gateway[0]: found '192.0.2.1/24', expected a pre",
        ),
        ("roles: [mx]\nservices: [{port: 0}]", "5: mx1.example.net: data.mail.services[0].port: "),
        (
            "roles: [mx]\nservices: [{port: 25}, {port: 25}]",
            "5: mx1.example.net: data.mail.services[1].port: found port 25 again, expected it once",
        ),
        (
            "roles: [mx]\nservices: [{port: 25, connect: localhost}]",
            "5: mx1.example.net: data.mail.services[0].connect: found 'localhost', expected addre",
        ),
        (
            "roles: [mx]\nhelo_name: mx1",
            "5: mx1.example.net: data.mail.helo_name: found 'mx1', expected a fully qualified name",
        ),
        ("roles: [mx]\ndomains: [a..b]", "5: mx1.example.net: data.mail.domains[0]: found 'a..b'"),
        (
            attested("value: hope", "expires: 2027-01-15"),
            "6: mx1.example.net: data.mail.attest.submission_mfa.value: found 'hope', expected one",
        ),
        (
            attested("value: tokens", "expires: soon"),
            "6: mx1.example.net: data.mail.attest.submission_mfa.expires: found 'soon', expected a",
        ),
        (
            attested("value: tokens", "expires: 2025-01-15"),
            "6: mx1.example.net: data.mail.attest.submission_mfa.expires: found 2025-01-15, expe",
        ),
        (
            attested("value: tokens"),
            "6: mx1.example.net: data.mail.attest.submission_mfa: key 'expires' is missing",
        ),
        (
            "roles: [msa]\nattest: {submision_mfa: {}}",
            "5: mx1.example.net: data.mail.attest: found key 'submision_mfa', expected one of",
        ),
    ],
)  # fmt: skip
def test_bad_value_is_told_with_file_line_and_key(text: str, message: str) -> None:
    found = problems(hosts=mail(text), domains=None)
    assert len(found) == 1
    assert found[0].startswith(f"inventory/hosts.yaml:{message}")


@pytest.mark.parametrize(
    ("hosts", "key"),
    [
        (mail("roles: [mx]\nlogin: {username: probe, password: hunter2}"), "login.password"),
        (mail("roles: [mx]\nlogin: hunter2"), "login"),
        (
            mail("roles: [mx]\nlogin: {username: a, password: 'env:A', certificate: hunter2}"),
            "login.certificate",
        ),
        ("mx1.example.net:\n  password: hunter2\n", "password"),
        (
            "mx1.example.net:\n  connection_options: {ssh: {password: hunter2}}\n",
            "connection_options.ssh.password",
        ),
    ],
)
def test_literal_secret_is_refused_and_not_shown(hosts: str, key: str) -> None:
    (found,) = problems(hosts=hosts, domains=None)
    assert f"{key}: found a value that is not shown, expected " in found
    assert "hunter2" not in found


def test_duplicate_host_is_told_with_both_lines() -> None:
    assert problems(hosts="a.example.net: {}\nb.example.net: {}\na.example.net: {}\n") == [
        "inventory/hosts.yaml:3: found key 'a.example.net' again, expected it once; it stands at "
        "line 1 already"
    ]
    found = problems(
        hosts=mail("roles: [mx]") + mail("roles: [mx]", name="MX1.example.net."), domains=None
    )
    assert found == [
        "inventory/hosts.yaml:5: found 'MX1.example.net.' again, expected it once; it stands at "
        "line 1 already, as 'mx1.example.net'"
    ]


def test_duplicate_domain_is_told_with_both_lines() -> None:
    entry = "{sends: true, receives: true}"
    found = problems(domains=f"bücher.example: {entry}\n# and\nxn--bcher-kva.example: {entry}\n")
    assert found == [
        "inventory/domains.yaml:3: found 'xn--bcher-kva.example' again, expected it once; it "
        "stands at line 1 already, as 'bücher.example'"
    ]


def test_sender_outside_the_inventory_is_told() -> None:
    senders = "  senders: [mx1.example.net, mx9.example.net]\n"
    text = f"example.net:\n  sends: true\n  receives: true\n{senders}"
    (found,) = problems(domains=text)
    assert found.startswith(
        "inventory/domains.yaml:4: example.net: senders[1]: found 'mx9.example.net', expected a "
        "host of the inventory; did you mean 'mx"
    )


def test_unknown_group_is_told() -> None:
    assert problems(hosts="mx1.example.net:\n  groups: [egde]\n  data: {mail: {roles: [mx]}}\n",
                    domains=None) == [
        "inventory/hosts.yaml:2: mx1.example.net: groups[0]: found 'egde', expected a group of "
        "groups.yaml; did you mean 'edge'?"
    ]  # fmt: skip


def test_circle_of_groups_is_told() -> None:
    groups = "edge: {groups: [all]}\nall: {groups: [edge], data: {mail: {roles: [mx]}}}\n"
    found = problems(groups=groups)
    assert found[0].startswith("inventory/groups.yaml:1: edge.groups: found the circle edge > all")


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


# --- limits ---


def names(fleet: Fleet) -> list[str]:
    return [str(seen.fact.subject) for seen in (*fleet.domains, *fleet.hosts)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mx1.example.net", ["mx1.example.net"]),
        ("example.net", ["example.net"]),
        ("*.example.net", ["mx1.example.net", "mx2.example.net"]),
        ("group:customers", ["example.net"]),
        ("group:edge", ["mx1.example.net", "mx2.example.net"]),
        ("role:msa", ["mx1.example.net"]),
        ("domain:example.*,!example.org", ["example.net"]),
        ("!role:msa", ["example.net", "example.org", "mx2.example.net"]),
    ],
)
def test_limit_keeps_what_is_named(text: str, expected: list[str]) -> None:
    limited = limit(read(), read_selection(text))
    assert names(limited) == expected
    assert limited.host_names == ("mx1.example.net", "mx2.example.net")


def test_limit_to_a_port_keeps_that_service_only() -> None:
    limited = limit(read(), read_selection("mx1.example.net:587"))
    assert host(limited).services == (DeclaredService(587, None),)
    without = limit(read(), read_selection("mx1.example.net,!mx1.example.net:25"))
    assert [s.port for s in host(without).services] == [465, 587]


def test_limit_that_names_nothing_is_an_error() -> None:
    with pytest.raises(UsageError) as raised:
        limit(read(), read_selection("mx1.example.net,group:custmers"))
    assert str(raised.value) == (
        "limit 'mx1.example.net,group:custmers': found 'group:custmers', which names nothing in "
        "the inventory, expected a domain, host, group or role of it; did you mean 'customers'?"
    )


# --- Nornir ---


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


def test_reading_a_fleet_does_not_import_nornir(tmp_path: Path) -> None:
    write()
    code = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path\n"
        "from audits.fleet import read_fleet\n"
        "read_fleet(Path('inventory'), vantage='x', at=datetime.now(UTC))\n"
        "sys.exit('nornir' in sys.modules)"
    )
    root = str(Path(__file__).parent.parent)
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": root})


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


def test_large_fleet_is_read_quickly() -> None:
    hosts = "".join(
        f"mx{n}.example.net:\n  data: {{mail: {{roles: [mx, msa], addresses: [192.0.2.{n}]}}}}\n"
        for n in range(100)
    )
    domains = "".join(
        f"d{n}.example.net:\n  groups: [customers]\n  sends: true\n  receives: true\n"
        f"  mx: [mx1.example.net]\n  senders: [mx1.example.net]\n"
        f"  dkim: [{{selector: s2026, owner: self, created: 2026-01-15}}]\n"
        for n in range(2000)
    )
    begin = process_time()
    fleet = read(hosts=hosts, groups=None, domains=domains)
    assert len(fleet.domains) == 2000
    # A third of a second with libyaml; three without, which is still no cause to fail elsewhere.
    assert process_time() - begin < 10
