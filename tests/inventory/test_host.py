"""A host as declared: what it inherits, and what follows from its roles."""

from datetime import date

import pytest

from audits.facts.declared import DeclaredService
from audits.subject import Role
from tests.inventory.written import host, mail, read


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
