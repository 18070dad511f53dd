"""Hosts and domains together: senders, groups, names that stand twice."""

from audits.fleet import limit
from audits.selector import read_selection
from tests.inventory.written import domain, mail, problems, read


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
