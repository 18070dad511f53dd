"""Logins with a declared account at real servers: Postfix, Exim, OpenSMTPD and Dovecot."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from audits.demo.certificates import Authority, Credentials
from audits.parse.sasl import disguises
from tests.lab.lab import Lab, Machine, running_lab
from tests.lab.servers.dovecot import BACKEND, DovecotSettings
from tests.lab.servers.exim import TLS_ON_SUBMISSION, EximSettings
from tests.lab.servers.opensmtpd import OpenSmtpdSettings
from tests.lab.servers.postfix import SUBMISSION, SUBMISSIONS, PostfixSettings
from tests.lab.servers.server import Software
from tests.lab.test_outcomes import Run, perform

pytestmark = pytest.mark.lab

PASSWORD, ANOTHER = "correct horse", "battery staple"
ALL = "PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256"
_OWN_ONLY = {"smtpd_sender_restrictions": "reject_sender_login_mismatch"}


def _postfix(domain: str, *, own_only: bool = False, mechanisms: str = ALL) -> tuple[Software, ...]:
    """Postfix for submission; own_only: with addresses mapped to logins, and no other allowed."""
    owners = {"smtpd_sender_login_maps": f"inline:{{ alice@{domain}=alice@{domain} }}"}
    more = _OWN_ONLY if own_only else {}
    services = {25: {}, 465: {**SUBMISSIONS, **more}, 587: {**SUBMISSION, **more}}
    return (PostfixSettings(owners if own_only else {}, services, mechanisms),)


def _stranger(authority: Authority, host: str) -> Credentials:
    """A certificate of an authority that nobody trusts."""
    return Authority("Nobody's").issue(host)


MACHINES = (
    Machine("owned", 10, "owned.example.org", _postfix("owned.example.org", own_only=True)),
    Machine(
        "plain",
        11,
        "plain.example.org",
        _postfix("plain.example.org", own_only=True, mechanisms="PLAIN"),
    ),
    Machine("lax", 12, "lax.example.org", _postfix("lax.example.org", mechanisms="PLAIN CRAM-MD5")),
    Machine("forgotten", 13, "forgotten.example.org", _postfix("forgotten.example.org")),
    Machine(
        "untrusted",
        14,
        "untrusted.example.org",
        _postfix("untrusted.example.org"),
        certificate=_stranger,
    ),
    Machine("exim", 15, "exim.example.org", (EximSettings(mail_acl=TLS_ON_SUBMISSION),)),
    Machine("opensmtpd", 16, "opensmtpd.example.org", (OpenSmtpdSettings(),)),
    Machine(
        "dovecot",
        17,
        "dovecot.example.org",
        (PostfixSettings(services={25: {}, BACKEND: {}}), DovecotSettings()),
    ),
)
WORKING = ("owned", "plain", "lax", "exim", "opensmtpd", "dovecot")


def _declare(folder: Path, machines: Mapping[str, Machine]) -> None:
    """Puts an account of each host into the inventory, and its password beside it."""
    yaml = YAML()
    path = folder / "inventory/hosts.yaml"
    hosts = yaml.load(path.read_text())
    for label, machine in machines.items():
        secret = folder / f"{label}.password"
        secret.touch(mode=0o600)
        secret.write_text(f"{ANOTHER if label == 'forgotten' else PASSWORD}\n")
        mail = hosts[machine.host]["data"]["mail"]
        mail["login"] = {
            "username": f"alice@{machine.domain}",
            "password": f"file:{secret}",
            "other_mailbox": f"postmaster@{machine.domain}",
        }
    with path.open("w") as file:
        yaml.dump(hosts, file)
    settings = folder / "mailproof.yaml"
    # After a failure Dovecot lets an address wait, for some seconds already at the second.
    settings.write_text(settings.read_text().replace("reply_s: 5.0", "reply_s: 20.0"))


@pytest.fixture(scope="module")
def lab(buildable: None) -> Iterator[Lab]:
    with running_lab(MACHINES, "l") as running:
        yield running


@pytest.fixture(scope="module")
def done(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run with the account of every host."""
    folder = lab.write_fleet(tmp_path_factory.mktemp("login") / "fleet")
    _declare(folder, {machine.label: machine for machine in MACHINES})
    return perform(lab, folder)


def host(label: str) -> str:
    return f"mx1.{label}.example.org"


def facts(run: Run, kind: str, label: str) -> dict[int, Any]:
    """What was observed of one kind at a host, by port."""
    found = {}
    for line in (run.directory / "facts.jsonl").read_text().splitlines()[1:]:
        fact = json.loads(line).get("fact", {})
        if fact.get("kind") == kind and fact["subject"]["host"] == host(label):
            found[fact["subject"]["port"]] = fact
    return found


@pytest.mark.parametrize("label", WORKING)
def test_login_works_on_both_ports_of_every_server(done: Run, label: str) -> None:
    for port in (465, 587):
        assert done.outcomes(host(label), "submission-login-works", port=port) == {"pass"}


def test_cyrus_sasl_proves_itself_in_scram(done: Run) -> None:
    for login in facts(done, "login.account", "owned").values():
        assert login["exchange"]["mechanism"] == "SCRAM-SHA-256"
        assert (login["server"], login["iterations"]) == ("proved", 4096)


@pytest.mark.parametrize("label", WORKING)
def test_wrong_password_is_refused_like_an_unknown_user(done: Run, label: str) -> None:
    for audit in ("submission-wrong-password-refused", "submission-login-failure-silent"):
        assert done.outcomes(host(label), audit, port=465) == {"pass"}, audit
        assert done.outcomes(host(label), audit, port=587) == {"not-applicable"}, audit


@pytest.mark.parametrize(
    ("label", "outcome"),
    [("owned", "pass"), ("plain", "pass"), ("lax", "fail"), ("exim", "fail"), ("dovecot", "fail")],
)
def test_sending_as_another_user_is_judged_at_rcpt(done: Run, label: str, outcome: str) -> None:
    (result,) = done.about(host(label), "mta-sender-matches-login")
    assert result["outcome"] == outcome
    assert result["step"] == "rcpt"


def test_postfix_says_at_rcpt_who_does_not_own_the_sender(done: Run) -> None:
    (result,) = done.about(host("owned"), "mta-sender-matches-login")
    quotes = [evidence["quote"] for evidence in result["evidence"]]
    assert len(quotes) == 2
    assert all("not owned by user alice@owned.example.org" in quote for quote in quotes)


def test_mechanisms_of_real_servers_are_judged(done: Run) -> None:
    allowed = "submission-mechanisms-allowed"
    assert done.outcomes(host("plain"), allowed) == {"pass", "not-applicable"}
    (first, *_) = done.about(host("lax"), allowed, port=465)
    assert (first["outcome"], first["severity"]) == ("fail", "medium")
    (first, *_) = done.about(host("owned"), allowed, port=465)
    assert (first["outcome"], first["severity"]) == ("fail", "low")
    assert done.outcomes(host("owned"), "submission-scram-offered", port=587) == {"pass"}
    assert done.outcomes(host("plain"), "submission-scram-offered", port=587) == {"fail"}


def test_refused_password_is_tried_once_and_never_again(lab: Lab, done: Run) -> None:
    outcomes = [
        done.outcomes(host("forgotten"), "submission-login-works", port=port) for port in (465, 587)
    ]
    assert sorted(map(tuple, outcomes)) == [("fail",), ("unknown",)]
    log = lab.postfix("forgotten").log.read_text()
    assert log.count("authentication failed") == 1


def test_account_sees_two_failures_in_the_servers_own_log(lab: Lab, done: Run) -> None:
    assert done.results
    log = lab.postfix("owned").log.read_text().splitlines()
    assert sum("authentication failed" in line for line in log) == 2
    assert not lab.postfix("owned").annoyance()


def test_untrusted_server_never_sees_the_password(lab: Lab, done: Run) -> None:
    audit = "submission-login-works"
    assert done.outcomes(host("untrusted"), audit) == {"unknown", "not-applicable"}
    for reason, detail in done.silences(host("untrusted"), audit):
        assert reason == "tls"
        assert "no password is sent: its certificate is not trusted" in detail
    assert "sasl" not in lab.postfix("untrusted").log.read_text().lower()


def test_nothing_was_sent_and_no_file_of_the_run_holds_a_password(lab: Lab, done: Run) -> None:
    assert lab.queued() == {}
    forms = {
        form
        for machine in MACHINES
        for password in (PASSWORD, ANOTHER)
        for form in disguises(f"alice@{machine.domain}", password)
    }
    for path in done.directory.rglob("*"):
        text = path.read_bytes() if path.is_file() else b""
        assert not [form for form in forms if form.encode() in text], path.name
