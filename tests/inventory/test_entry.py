"""What files may say: keys, secrets, logins."""

import pytest

from tests.inventory.written import mail, problems, read


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
