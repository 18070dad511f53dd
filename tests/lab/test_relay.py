"""Open relays proved by one message, closed ones left in peace: real servers and a real sink."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.lab.lab import AUDITOR, IPV4_NETWORK, PROBE, Lab, Machine, running_lab
from tests.lab.network import HAS_IPV6
from tests.lab.servers.exim import RCPT_ACL, EximSettings
from tests.lab.servers.opensmtpd import OpenSmtpdSettings
from tests.lab.servers.postfix import SUBMISSION, PostfixSettings
from tests.lab.test_outcomes import Run, perform

pytestmark = pytest.mark.lab

SINK = f"{IPV4_NETWORK}.{AUDITOR}"
DELIVERS = {"delivers_to": SINK}
# Without `localhost` it looks for that domain elsewhere, finds itself, and puts senders there off.
_DEBIAN_EXIM = EximSettings({"domainlist local_domains": "@ : localhost : {domain}"})
MACHINES = (
    Machine("closed", 10, "closed.example.org", (PostfixSettings(**DELIVERS),)),
    Machine(
        "open",
        11,
        "open.example.org",
        (PostfixSettings({"mynetworks": "0.0.0.0/0 [::]/0"}, **DELIVERS),),
    ),
    Machine(
        "tls-open",
        12,
        "tls-open.example.org",
        (EximSettings(rcpt_acl=f"accept encrypted = *\n{RCPT_ACL}", ports=(25,)),),
    ),
    # Takes mail for anybody at its own domain, and sends back what it finds nobody for.
    Machine(
        "bouncing",
        13,
        "bouncing.example.org",
        (PostfixSettings({"local_recipient_maps": ""}, **DELIVERS),),
    ),
    Machine(
        "late-no",
        14,
        "late-no.example.org",
        (
            PostfixSettings(
                {
                    "mynetworks": "0.0.0.0/0 [::]/0",
                    "smtpd_data_restrictions": "check_client_access static:{554 5.7.1 No}",
                },
                **DELIVERS,
            ),
        ),
    ),
    # Whoever wrote its networks thought of IPv4 alone.
    Machine(
        "ipv6-open",
        17,
        "ipv6-open.example.org",
        (PostfixSettings({"mynetworks": "127.0.0.0/8 [::]/0"}, **DELIVERS),),
        ipv6=True,
    ),
    Machine(
        "submits",
        18,
        "submits.example.org",
        (PostfixSettings(services={25: {}, 587: SUBMISSION}, **DELIVERS),),
    ),
    Machine("exim", 15, "exim.example.org", (_DEBIAN_EXIM,)),
    Machine("opensmtpd", 16, "opensmtpd.example.org", (OpenSmtpdSettings(),)),
)
STOCK = ("closed", "exim", "opensmtpd")
HOSTS = {machine.label: machine.host for machine in MACHINES}


@pytest.fixture(scope="module")
def relays(buildable: None) -> Iterator[Lab]:
    with running_lab(MACHINES, "r") as running:
        yield running


@pytest.fixture
def fleet(relays: Lab, tmp_path: Path) -> Path:
    """The lab's fleet repository, with a canary whose mailbox is the store of a sink."""
    folder = relays.write_fleet(tmp_path / "fleet")
    yaml = YAML()
    path = folder / "mailproof.yaml"
    settings = yaml.load(path.read_text())
    settings["probe"]["canary"] = {
        "mailbox": PROBE["recipient"],
        "owned": True,
        "maildir": "box",
        "window_s": 15,
    }
    with path.open("w") as file:
        yaml.dump(settings, file)
    return folder


@pytest.fixture
def sink(relays: Lab, fleet: Path) -> Iterator[Path]:
    """The store of a `mailproof sink` on port 25 of the auditor's machine."""
    store, log = fleet / "box", fleet / "sink.log"
    options = ("--listen", f"{SINK}:25", "--store", str(store), "--mailbox", PROBE["recipient"])
    program = "from audits.cli import main; main()"
    running = relays.auditor.start(sys.executable, "-c", program, "sink", *options, log=log)
    try:
        deadline = time.monotonic() + 20
        while 25 not in relays.auditor.listening():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield store
    finally:
        running.kill()
        running.wait(10)


def probes(run: Run, label: str, kind: str = "relay.probes") -> dict[str, Any]:
    lines = (run.directory / "facts.jsonl").read_text().splitlines()[1:]
    facts = [json.loads(line).get("fact") or {} for line in lines]
    (found,) = [
        fact
        for fact in facts
        if fact.get("kind") == kind and fact["subject"]["host"] == HOSTS[label]
    ]
    return found


def verdict(run: Run, label: str) -> tuple[str, str]:
    """Outcome, and the first message or what stayed unknown."""
    (result,) = run.about(HOSTS[label], "relay-refused")
    if result["violations"]:
        return result["outcome"], result["violations"][0]["message"]
    unknown = result["unknown"] or [{"detail": ""}]
    return result["outcome"], unknown[0]["detail"]


def kept(store: Path) -> list[str]:
    return [path.read_text() for path in sorted((store / "new").iterdir())]


def data_sessions(lab: Lab, label: str) -> list[str]:
    """Sessions of the auditor in which Postfix saw DATA."""
    log = lab.postfix(label).log.read_text().splitlines()
    return [line for line in log if f"disconnect from {PROBE['ehlo']}[" in line and "data=" in line]


def test_default_run_suspects_and_sends_nothing(relays: Lab, fleet: Path, sink: Path) -> None:
    run = perform(relays, fleet)
    assert verdict(run, "closed")[0] == "pass"
    for label in ("open", "late-no", "tls-open"):
        outcome, message = verdict(run, label)
        assert outcome == "fail", (label, message)
        assert "accepted at RCPT" in message
    assert kept(sink) == []
    assert relays.queued() == {}
    for label in ("closed", "open", "late-no", "bouncing"):
        assert data_sessions(relays, label) == []
        # That a sender speaks too early is another probe's question.
        annoyed = relays.postfix(label).annoyance()
        assert [line for line in annoyed if "pipelining" not in line] == []
    manifest = json.loads((run.directory / "manifest.json").read_text())
    assert manifest["asked_for"] == []


def test_relay_inside_tls_alone_is_seen(relays: Lab, fleet: Path) -> None:
    run = perform(relays, fleet, "--limit", HOSTS["tls-open"])
    outcome, message = verdict(run, "tls-open")
    assert outcome == "fail"
    assert "inside TLS got 250" in message
    forms = probes(run, "tls-open")["forms"]
    assert {form["outcome"] for form in forms if not form["encrypted"]} <= {"denied", "syntax"}


@pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")
def test_relay_over_ipv6_alone_is_seen(relays: Lab, fleet: Path) -> None:
    run = perform(relays, fleet, "--limit", HOSTS["ipv6-open"])
    results = run.about(HOSTS["ipv6-open"], "relay-refused")
    outcomes = {":" in result["subject"]["address"]: result["outcome"] for result in results}
    assert outcomes == {False: "pass", True: "fail"}
    (compared,) = run.about(HOSTS["ipv6-open"], "port-address-families-agree")
    assert compared["outcome"] == "fail"
    assert "IPv6" in compared["violations"][0]["message"]


def test_sent_message_is_shown_as_it_arrived_through_a_real_server(
    relays: Lab, fleet: Path, sink: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse")
    secret.chmod(0o600)
    login = f"alice@submits.example.org=file:{secret}"
    via = ("--via", f"{HOSTS['submits']}:587", "--login", login)
    done = relays.mailproof("trace", PROBE["recipient"], *via, "--send", "--json", cwd=fleet)
    found = json.loads(done.stdout)
    assert (done.returncode, found["result"]) == (0, "through"), found["sentence"]
    assert found["arrival"]["arrived"] is True
    # One field for each server: ours to Postfix inside TLS with a login, and Postfix to the sink.
    last, first = found["arrival"]["received"]
    assert f"by {HOSTS['submits']} (Postfix) with ESMTPSA" in first
    assert f"from {HOSTS['submits']}" in last
    assert len(kept(sink)) == 1
    assert relays.postfix("submits").queued() == 0


def test_closed_servers_answer_every_form_and_relay_none(relays: Lab, tmp_path: Path) -> None:
    folder = relays.write_fleet(tmp_path / "all", relay_forms="all")
    run = perform(relays, folder, "--limit", ",".join(HOSTS[label] for label in STOCK))
    for label in STOCK:
        results = run.about(HOSTS[label], "relay-refused")
        told = [(r["subject"]["port"], r["outcome"], r["unknown"]) for r in results]
        assert {outcome for _, outcome, _ in told} == {"pass"}, (label, told)
        for result in results:
            forms = 31 if result["subject"]["port"] == 25 else 23
            assert len(result["evidence"]) == forms
        # No connection holds so many errors that the server hangs up or slows down.
        assert [server.annoyance() for server in relays.servers[label]] == [[]]
    assert relays.queued() == {}


def test_data_abort_leaves_nothing_in_a_queue(relays: Lab, fleet: Path, sink: Path) -> None:
    hosts = ",".join(HOSTS[label] for label in ("closed", "open", "late-no"))
    run = perform(relays, fleet, "--data-abort", "--limit", hosts)
    assert verdict(run, "closed")[0] == "pass"
    assert verdict(run, "open")[0] == "fail"
    assert [data["reply"]["code"] for data in probes(run, "open")["data"]] == [354]
    outcome, detail = verdict(run, "late-no")
    assert outcome == "unknown"
    assert "DATA was refused behind it" in detail
    assert probes(run, "closed")["data"] == []
    assert kept(sink) == []
    assert relays.queued() == {}


def test_canary_confirms_the_open_relay_and_spares_the_closed_one(
    relays: Lab, fleet: Path, sink: Path
) -> None:
    hosts = ",".join(HOSTS[label] for label in ("closed", "open", "bouncing"))
    run = perform(relays, fleet, "--canary", "--limit", hosts)
    outcome, message = verdict(run, "open")
    assert outcome == "fail"
    assert message.startswith("confirmed: relays mail for strangers")
    delivery = probes(run, "open")["delivery"]
    assert any(HOSTS["open"] in field for field in delivery["received"])

    assert verdict(run, "closed")[0] == "pass"
    assert probes(run, "closed")["delivery"] is None
    assert data_sessions(relays, "closed") == []

    bounce = probes(run, "bouncing", "relay.backscatter")["bounce"]
    assert bounce["received"], bounce
    (judged,) = run.about(HOSTS["bouncing"], "smtp-unknown-recipient-rejected")
    assert "what it accepts comes back" in judged["violations"][1]["message"]
    closed = probes(run, "closed", "relay.backscatter")
    assert (closed["control"]["outcome"], closed["bounce"]) == ("denied", None)

    messages = kept(sink)
    assert len(messages) == 2
    assert sum(delivery["token"] in text for text in messages) == 1
    assert sum(bounce["token"] in text for text in messages) == 1
    assert "Message-ID" in messages[0]
    manifest = json.loads((run.directory / "manifest.json").read_text())
    assert manifest["asked_for"] == ["canary"]


def test_canary_of_somebody_else_is_refused_before_a_connection(relays: Lab, fleet: Path) -> None:
    path = fleet / "mailproof.yaml"
    path.write_text(path.read_text().replace("owned: true", "owned: false"))
    before = relays.postfix("open").log.read_text()
    done = relays.mailproof("run", "--canary", cwd=fleet)
    assert done.returncode == 2
    assert "expected a mailbox of yours" in done.stderr
    assert relays.postfix("open").log.read_text() == before
