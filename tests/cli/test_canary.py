"""`--data-abort`, `--canary` and `mailproof sink`, as a user has them."""

import json
import re
import shutil
import signal
import smtplib
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from audits.cli.exits import Exit
from tests.cli.command import COMMAND, environment, mailproof, run_directory

OPEN_RELAY = "open-relay.fleet.example"
MAILBOX = "canary@sink.example"
TOKEN = "0123456789abcdef0123"


def fleet_with(served_fleet: Path, tmp_path: Path, canary: dict[str, Any] | None) -> Path:
    """A copy of the demo's fleet repository whose configuration has this canary."""
    fleet = tmp_path / "fleet"
    shutil.copytree(served_fleet, fleet)
    yaml = YAML()
    path = fleet / "mailproof.yaml"
    settings = yaml.load(path.read_text())
    settings.setdefault("probe", {}).pop("canary", None)
    if canary is not None:
        settings["probe"]["canary"] = canary
    with path.open("w") as file:
        yaml.dump(settings, file)
    (tmp_path / "fleet/box/new").mkdir(parents=True)
    return fleet


IMAP = {"host": "imap.example", "username": "u", "password": "env:NO_SUCH_VARIABLE"}


@pytest.mark.parametrize(
    ("canary", "words"),
    [
        (None, "found no probe.canary"),
        ({"mailbox": MAILBOX, "maildir": "box"}, "put sink.example into domains.yaml, or say"),
        ({"mailbox": MAILBOX, "owned": True}, "expected either maildir"),
        ({"mailbox": MAILBOX, "owned": True, "maildir": "box", "imap": IMAP}, "expected either"),
        ({"mailbox": MAILBOX, "owned": True, "maildir": "none"}, "expected a Maildir"),
        ({"mailbox": MAILBOX, "owned": True, "imap": IMAP}, "the variable is not set"),
        ({"mailbox": "nobody", "maildir": "box"}, "expected a mailbox such as"),
    ],
)
def test_a_canary_that_is_not_ours_or_can_not_be_read_is_refused_before_anything_is_asked(
    served_fleet: Path, tmp_path: Path, canary: dict[str, Any] | None, words: str
) -> None:
    fleet = fleet_with(served_fleet, tmp_path, canary)
    for verb in ("run", "collect"):
        ended = mailproof(verb, "--canary", "--output", "runs", cwd=fleet)
        assert ended.returncode == Exit.USAGE, ended.stderr
        assert words in ended.stderr
        assert not (fleet / "runs").exists()


def test_a_mailbox_below_a_domain_of_the_inventory_is_ours(
    served_fleet: Path, tmp_path: Path
) -> None:
    canary = {"mailbox": "canary@sink.open-relay.example", "maildir": "box"}
    fleet = fleet_with(served_fleet, tmp_path, canary)
    ended = mailproof("run", "--canary", "--dry-run", cwd=fleet)
    assert ended.returncode == Exit.COMPLETE, ended.stderr
    assert "relay.backscatter" in ended.stdout


def manifest(fleet: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (run_directory(fleet / "runs") / "manifest.json").read_text()
    )
    return found


def test_the_manifest_says_what_was_asked_for(served_fleet: Path, tmp_path: Path) -> None:
    canary = {"mailbox": MAILBOX, "owned": True, "maildir": "box", "window_s": 0.2}
    fleet = fleet_with(served_fleet, tmp_path, canary)
    options = ("--data-abort", "--canary", "-l", OPEN_RELAY, "--output", "runs")
    ended = mailproof("run", *options, cwd=fleet)
    # The demo's relay accepts anything at RCPT, and refuses DATA: no proof, and no pass.
    assert ended.returncode in (Exit.INCOMPLETE, Exit.FINDINGS_INCOMPLETE), ended.stderr
    assert "accepted, but DATA was refused behind it" in ended.stderr
    assert manifest(fleet)["asked_for"] == ["canary", "data-abort"]


def test_the_manifest_of_a_run_without_options_says_that_nothing_was_asked_for(
    served_fleet: Path, tmp_path: Path
) -> None:
    fleet = fleet_with(served_fleet, tmp_path, None)
    mailproof("collect", "-l", OPEN_RELAY, "--output", "runs", cwd=fleet)
    assert manifest(fleet)["asked_for"] == []


def test_sink_tells_of_each_message_and_ends_well_when_it_is_told_to(tmp_path: Path) -> None:
    options = ["--listen", "127.0.0.1:0", "--store", "box", "--mailbox", MAILBOX]
    running = subprocess.Popen(
        [*COMMAND, "sink", *options],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stderr is not None
        listening = re.search(r"127\.0\.0\.1:(\d+)", running.stderr.readline())
        assert listening is not None
        with smtplib.SMTP("127.0.0.1", int(listening[1]), local_hostname="mx.example") as client:
            client.sendmail("a@example.net", [f"canary+{TOKEN}@sink.example"], "Subject: x\n\nhi")
        running.send_signal(signal.SIGTERM)
        told, _ = running.communicate(timeout=20)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == Exit.COMPLETE
    (kept,) = (tmp_path / "box/new").iterdir()
    (line,) = told.splitlines()
    assert line.startswith(f"<a@example.net> to canary+{TOKEN}@sink.example from mx.example ")
    assert kept.name in line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--listen", "nowhere"), "--listen: found 'nowhere'"),
        (("--listen", "127.0.0.1:0", "--tls", "none.pem"), "--tls: none.pem"),
        (("--listen", "127.0.0.1:0", "--mailbox", "nobody"), "--mailbox: found 'nobody'"),
    ],
)
def test_sink_that_can_not_be_is_a_usage_error(
    tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    ended = mailproof("sink", *options, cwd=tmp_path)
    assert ended.returncode == Exit.USAGE
    assert words in ended.stderr
