"""The fleet: what it holds, where that was declared, and what it is limited to."""

import subprocess
import sys
from datetime import date
from pathlib import Path
from time import process_time

import pytest

from audits.errors import UsageError
from audits.facts.declared import DeclaredSelector, DeclaredService
from audits.fleet import Fleet, limit, read_fleet
from audits.resources import folder as shipped
from audits.selector import read_selection
from audits.subject import Role
from tests.inventory.written import AT, domain, host, mail, read, write

pytestmark = pytest.mark.usefixtures("own_folder")


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


def test_password_is_kept_as_a_reference_and_out_of_the_facts() -> None:
    text = "roles: [msa]\nlogin: {username: probe, password: 'env:PROBE'}"
    fleet = read(hosts=mail(text), domains=None)
    assert host(fleet).login == "probe"
    assert fleet.logins["mx1.example.net"].password == "env:PROBE"


def test_fleet_without_hosts_is_a_fleet() -> None:
    fleet = read(hosts=None, groups=None, domains="example.net: {sends: true, receives: true}")
    assert fleet.hosts == ()
    assert len(fleet.domains) == 1


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


# --- cost ---


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
