"""The forms that `run` and `report` write, and where they go."""

import json
import os
import subprocess
import threading
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from audits.cli.exits import Exit
from tests.cli.command import COMMAND, environment, mailproof, run_directory

HOSTS = ("-l", "open-relay.fleet.example,expired.fleet.example")
KEPT = ("sarif", "junit", "gitlab", "markdown", "csv", "text")


@pytest.fixture(scope="module")
def judged(served_fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over two hosts with findings, that wrote everything it can."""
    output = tmp_path_factory.mktemp("runs")
    forms = [f"--format={form}" for form in KEPT]
    ended = mailproof("run", *HOSTS, "--output", str(output), *forms, cwd=served_fleet)
    assert ended.returncode == Exit.FINDINGS, ended.stderr
    assert ended.stdout == ""
    return run_directory(output)


def on_github(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment() | {"GITHUB_ACTIONS": "true"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_forms_without_a_file_are_part_of_the_run(judged: Path) -> None:
    names = {
        "report.sarif", "junit.xml", "code-quality.json", "summary.md", "results.csv", "report.txt"
    }  # fmt: skip
    assert names <= {path.name for path in judged.iterdir()}
    assert names <= set(json.loads((judged / "manifest.json").read_text())["files"])


def test_report_writes_the_same_offline(judged: Path, tmp_path: Path) -> None:
    for form, name in (("junit", "junit.xml"), ("gitlab", "code-quality.json")):
        file = tmp_path / name
        again = mailproof("report", str(judged), "-f", form, "-o", str(file), cwd=tmp_path)
        assert again.returncode == Exit.COMPLETE, again.stderr
        assert file.read_bytes() == (judged / name).read_bytes()


def test_run_judged_again_is_written_in_the_same_forms(judged: Path, tmp_path: Path) -> None:
    again, file = tmp_path / "again", tmp_path / "quality.json"
    ended = mailproof(
        "evaluate", str(judged), "--output", str(again), "--format", "junit",
        "--format", f"gitlab={file}", "--format", "csv=-", "--quiet", cwd=tmp_path,
    )  # fmt: skip
    assert ended.returncode == Exit.FINDINGS, ended.stderr
    assert (again / "junit.xml").read_bytes() == (judged / "junit.xml").read_bytes()
    assert file.read_bytes() == (judged / "code-quality.json").read_bytes()
    assert ended.stdout == (judged / "results.csv").read_bytes().decode().replace("\r\n", "\n")


def test_form_has_no_place_in_a_run_that_was_judged_before(judged: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in judged.iterdir()}
    ended = mailproof("evaluate", str(judged), "--format", "sarif", cwd=tmp_path)
    assert ended.returncode == Exit.USAGE
    assert "expected sarif=FILE, or --output beside it" in " ".join(ended.stderr.split())
    assert {path.name: path.read_bytes() for path in judged.iterdir()} == before


def test_help_says_what_new_failures_mean_to_each_verb(tmp_path: Path) -> None:
    run, report = (mailproof(verb, "--help", cwd=tmp_path).stdout for verb in ("run", "report"))
    assert "exit code 13" in run
    assert "exit code 13" not in report


def test_finding_stands_at_the_line_that_declares_the_host(
    judged: Path, served_fleet: Path
) -> None:
    hosts = (served_fleet / "inventory" / "hosts.yaml").read_text().splitlines()
    issues = json.loads((judged / "code-quality.json").read_text())
    (relay,) = [issue for issue in issues if issue["check_name"] == "relay-refused"]
    assert relay["location"]["path"] == "inventory/hosts.yaml"
    assert hosts[relay["location"]["lines"]["begin"] - 1] == "open-relay.fleet.example:"


def test_form_can_be_sent_to_a_file_a_pipe_and_standard_output(
    served_fleet: Path, tmp_path: Path
) -> None:
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    ended = mailproof(
        "run", *HOSTS, "--quiet", "--output", str(tmp_path / "runs"),
        "--format", f"sarif={tmp_path / 'mail.sarif'}",
        "--format", f"markdown={pipe}",
        "--format", "junit=-",
        cwd=served_fleet,
    )  # fmt: skip
    assert ended.returncode == Exit.FINDINGS, ended.stderr
    reader.join(10)
    assert pipe.is_fifo()
    assert read[0].startswith("## ❌ mailproof: Not compliant\n")
    assert json.loads((tmp_path / "mail.sarif").read_text())["version"] == "2.1.0"
    assert ET.fromstring(ended.stdout).tag == "testsuites"


def test_form_never_changes_the_exit_code(served_fleet: Path, tmp_path: Path) -> None:
    passed = ("-l", "spf-open.example", "--max-unknown", "1000", "--fail-on", "critical")
    for form in ("github", "sarif"):
        ended = mailproof(
            "run", *passed, "-q", "--output", str(tmp_path / form), "--format", f"{form}=-",
            cwd=served_fleet,
        )  # fmt: skip
        assert ended.returncode == Exit.FINDINGS, (form, ended.stderr)
        assert ended.stdout


def test_unknown_form_is_named_before_anything_is_asked(tmp_path: Path) -> None:
    for said in ("pdf", "sarif="):
        ended = mailproof("run", "--format", said, cwd=tmp_path)
        assert ended.returncode == Exit.USAGE
        assert f"--format: found '{said}', expected " in ended.stderr


def test_file_that_can_not_be_written_is_told(served_fleet: Path, tmp_path: Path) -> None:
    ended = mailproof(
        "run", "-l", "spf-open.example", "-q", "--output", str(tmp_path),
        "--format", f"sarif={tmp_path / 'nowhere' / 'x.sarif'}",
        cwd=served_fleet,
    )  # fmt: skip
    assert ended.returncode == Exit.OUTPUT
    assert "x.sarif: can't be written: No such file or directory" in ended.stderr
    assert not (run_directory(tmp_path) / "INCOMPLETE").exists()


def test_github_gets_annotations_by_itself(served_fleet: Path, tmp_path: Path) -> None:
    ended = on_github("run", *HOSTS, "--output", str(tmp_path), cwd=served_fleet)
    assert ended.returncode == Exit.FINDINGS, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("::error file=inventory/hosts.yaml,line=")
    assert "title=relay-refused (critical)::open-relay.fleet.example:25" in ended.stdout
    assert len([line for line in lines if line.startswith("::error ")]) <= 10
    assert "Not compliant" in ended.stderr


def test_github_gets_nothing_where_another_form_or_silence_is_asked_for(
    served_fleet: Path, tmp_path: Path
) -> None:
    limited = ("run", "-l", "spf-open.example", "--output", str(tmp_path))
    assert on_github(*limited, "--quiet", cwd=served_fleet).stdout == ""
    assert on_github(*limited, "--format", "csv", cwd=served_fleet).stdout == ""


def test_files_are_named_from_the_top_of_the_repository(served_fleet: Path, tmp_path: Path) -> None:
    fleet = tmp_path / "mail" / "fleet"
    fleet.parent.mkdir()
    (tmp_path / ".git").mkdir()
    subprocess.run(["cp", "-r", str(served_fleet), str(fleet)], check=True)
    ended = mailproof(
        "run", "-l", "open-relay.fleet.example", "-q", "--output", str(tmp_path / "runs"),
        "--format", "github",
        cwd=fleet,
    )  # fmt: skip
    assert ended.stdout.startswith("::error file=mail/fleet/inventory/hosts.yaml,line="), ended
    stored = run_directory(tmp_path / "runs")
    again = mailproof("report", str(stored), "-f", "github", cwd=tmp_path)
    assert again.stdout == ended.stdout


def opened_relay(top: Path) -> Path:
    """A repository whose last commit lets everybody relay, by one line of `main.cf`."""
    fleet = top / "mail"
    postfix = fleet / "hosts" / "mx1" / "postfix"
    postfix.mkdir(parents=True)
    (fleet / "inventory").mkdir()
    (fleet / "mailproof.yaml").write_text(
        "policies: [policies/relay.yaml]\n"
        "candidate: {hosts: {mx1.example.net: {postfix: hosts/mx1/postfix}}}\n"
    )
    (fleet / "inventory" / "hosts.yaml").write_text(
        "mx1.example.net: {data: {mail: {roles: [mx], addresses: [192.0.2.1]}}}\n"
    )
    (fleet / "policies").mkdir()
    (fleet / "policies" / "relay.yaml").write_text(
        "id: relay\ntitle: No open relays\naudits:\n  mta-relay-rule-safe:\n"
    )
    (postfix / "master.cf").write_text("smtp inet n - y - - smtpd\n")
    rules = "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n"
    (postfix / "main.cf").write_text(f"{rules}mydestination = example.net\nmynetworks = 10.1.2.3\n")
    git(top, "init", "-q", "-b", "main")
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "as it was")
    git(top, "checkout", "-q", "-b", "change")
    text = (postfix / "main.cf").read_text()
    (postfix / "main.cf").write_text(text.replace("10.1.2.3", "10.1.2.3, 0.0.0.0/0"))
    git(top, "commit", "-q", "-a", "-m", "open to all")
    return fleet


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.net")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, timeout=30)


def test_relay_opened_by_one_line_is_annotated_at_that_line(tmp_path: Path) -> None:
    fleet = opened_relay(tmp_path / "repository")
    ended = on_github(
        "run", "--candidate", "--base", "main", "--fail-on-new",
        "--format", "github", "--format", "sarif=x.sarif", "--format", "markdown=x.md",
        cwd=fleet,
    )  # fmt: skip
    assert ended.returncode == Exit.REGRESSIONS, ended.stderr
    (annotation,) = ended.stdout.splitlines()
    assert annotation.startswith(
        "::error file=mail/hosts/mx1/postfix/main.cf,line=3,col=24,"
        "title=mta-relay-rule-safe (critical)::mx1.example.net: smtp inet of postfix relays for "
        "strangers"
    )
    (run,) = json.loads((fleet / "x.sarif").read_text())["runs"]
    (result,) = run["results"]
    physical = result["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == "mail/hosts/mx1/postfix/main.cf"
    assert (physical["region"]["startLine"], result["baselineState"]) == (3, "new")
    text = (fleet / "x.md").read_text()
    assert "### Introduced by this change (1)" in text
    assert "| critical | 1 | 0 | 1 | 0 |" in text
    stored = run_directory(fleet / "runs")
    again = mailproof("report", str(stored), "-f", "github", "--fail-on-new", cwd=tmp_path)
    assert again.stdout == ended.stdout
