"""Inventories as text, written into the working directory and read as a fleet."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from audits.errors import InventoryError
from audits.facts.declared import DeclaredDomain, DeclaredHost
from audits.fleet import Fleet, read_fleet

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
