"""Files under review through the command, in a git repository: offline, and against their base."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audits.cli.exits import Exit
from tests.cli.command import environment, mailproof, run_directory

CONFIG = """\
policies: [policies/ours.yaml]
waivers: policies/waivers.yaml
candidate:
  zones: {example.net: dns/example.net.zone}
  hosts: {mx1.example.net: {postfix: {path: hosts/mx1/postfix, version: 3.7.11}}}
"""
POLICY = """\
id: ours
title: Ours
audits:
  mta-relay-rule-safe:
  mta-config-valid:
  zone-file-valid:
  dmarc-policy-enforced: {severity: medium}
  spf-single-record:
  mx-target-resolves:
  ptr-published:
  relay-refused:
"""
HOSTS = """\
mx1.example.net:
  hostname: 192.0.2.10
  data: {mail: {roles: [mx, msa, relay], addresses: [192.0.2.10]}}
"""
DOMAINS = "example.net: {sends: true, receives: true}\n"
ZONE = """\
$TTL 3600
@ IN SOA ns1 host 1 7200 1800 604800 300
  NS ns1
  MX 10 mx1
  TXT "v=spf1 mx -all"
ns1 A 9.9.9.10
mx1 A 9.9.9.9
_dmarc TXT "v=DMARC1; p=quarantine"
"""
MAIN_CF = """\
compatibility_level = 3.6
myhostname = mx1.example.net
mydestination = example.net
mynetworks = 127.0.0.0/8
smtpd_tls_chain_files = /etc/ssl/private/mx1.pem
smtpd_tls_security_level = may
"""
MASTER_CF = "smtp inet n - y - - smtpd\n"
FILES = {
    "mailproof.yaml": CONFIG,
    "policies/ours.yaml": POLICY,
    "policies/waivers.yaml": "[]\n",
    "inventory/hosts.yaml": HOSTS,
    "inventory/domains.yaml": DOMAINS,
    "dns/example.net.zone": ZONE,
    "hosts/mx1/postfix/main.cf": MAIN_CF,
    "hosts/mx1/postfix/master.cf": MASTER_CF,
    ".gitignore": "runs/\n",
}
WAIVER = """\
- id: ours-to-bear
  audit: mta-relay-rule-safe
  scope: mx1.example.net
  reason: Because.
  risk: Spam.
  owner: Platform team
  approved_by: Head of security
  approved_on: {on}
  expires: {until}
"""


def git(folder: Path, *arguments: str) -> None:
    name = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    subprocess.run(
        ["git", *name, "-C", str(folder), *arguments], check=True, capture_output=True, timeout=30
    )


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "a change")


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A sound fleet on main, and a branch for a change checked out."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main", ".")
    write(folder, FILES)
    commit(folder)
    git(folder, "checkout", "-q", "-b", "change")
    return folder


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return mailproof("run", "--candidate", *options, cwd=folder)


def results(folder: Path) -> dict[str, dict[str, Any]]:
    lines = (run_directory(folder / "runs") / "results.jsonl").read_text().splitlines()
    return {result["audit"]: result for result in map(json.loads, lines)}


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (run_directory(folder / "runs") / "summary.json").read_text()
    )
    return found


def open_relay(folder: Path) -> None:
    text = MAIN_CF.replace("127.0.0.0/8", "127.0.0.0/8 0.0.0.0/0")
    write(folder, {"hosts/mx1/postfix/main.cf": text})


def test_sound_files_pass_and_what_they_can_not_show_is_listed_first(repository: Path) -> None:
    ended = run(repository)
    assert ended.returncode == Exit.COMPLETE, ended.stderr
    assert set(results(repository)) == {
        "mta-relay-rule-safe",
        "mta-config-valid",
        "zone-file-valid",
        "dmarc-policy-enforced",
        "spf-single-record",
        "mx-target-resolves",
    }
    gaps = {
        gap["why"]: (gap["audits"], gap["results"]) for gap in summary(repository)["not_covered"]
    }
    assert gaps == {
        "only a running server shows it": (["relay-refused"], 0),
        "10.2.0.192.in-addr.arpa is in no zone under review": (["ptr-published"], 1),
    }
    open_relay(repository)
    said = mailproof("run", "--candidate", "-o", "other", cwd=repository).stderr
    assert said.index("Not covered by these files") < said.index("Findings")
    report = next((repository / "other").glob("*/report.html")).read_text()
    assert report.index("Not covered by these files") < report.index('id="findings"')


def test_open_relay_is_found_at_its_line_in_one_sentence(repository: Path) -> None:
    open_relay(repository)
    ended = run(repository)
    assert ended.returncode == Exit.FINDINGS
    (violation,) = results(repository)["mta-relay-rule-safe"]["violations"]
    place = violation["evidence"][0]["place"]
    assert (place["file"], place["line"]) == ("hosts/mx1/postfix/main.cf", 4)
    assert violation["message"] == (
        "smtp inet of postfix relays for strangers: `permit_mynetworks` trusts 0.0.0.0/0, "
        "so everybody"
    )
    assert f"{violation['message']} (hosts/mx1/postfix/main.cf:4)" in ended.stderr


def test_finding_of_dns_points_at_the_line_of_its_record(repository: Path) -> None:
    write(repository, {"dns/example.net.zone": ZONE + '@ TXT "v=spf1 -all"\n'})
    ended = run(repository)
    assert ended.returncode == Exit.FINDINGS, ended.stderr
    (violation,) = results(repository)["spf-single-record"]["violations"]
    places = [piece["place"]["line"] for piece in violation["evidence"]]
    assert sorted(places) == [5, 9]


def test_broken_zone_has_line_column_and_what_was_expected_and_the_rest_is_judged(
    repository: Path,
) -> None:
    write(repository, {"dns/example.net.zone": ZONE + "mx2 MX ten mx1\n"})
    open_relay(repository)
    ended = run(repository)
    assert ended.returncode == Exit.FINDINGS, ended.stderr
    found = results(repository)
    (violation,) = found["zone-file-valid"]["violations"]
    assert violation["evidence"][0]["place"] == {
        "file": "dns/example.net.zone",
        "line": 9,
        "column": 8,
    }
    assert violation["expected"] == "data of MX at dns/example.net.zone:9:8"
    assert found["mta-relay-rule-safe"]["outcome"] == "fail"
    assert found["dmarc-policy-enforced"]["outcome"] == "pass"


def test_record_that_can_not_be_read_leaves_open_what_stands_on_it(repository: Path) -> None:
    write(repository, {"dns/example.net.zone": ZONE.replace('quarantine"', "quarantine")})
    ended = run(repository)
    assert ended.returncode == Exit.FINDINGS_INCOMPLETE, ended.stderr
    assert "dns/example.net.zone:8:12" in ended.stderr


def test_included_file_is_read_below_the_repository_alone(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret TXT hidden\n")
    write(repository, {
        "dns/example.net.zone": ZONE + "$INCLUDE more.inc\n$INCLUDE ../../outside\n",
        "dns/more.inc": "x MX 10 gone\n",
    })  # fmt: skip
    run(repository)
    (violation,) = results(repository)["zone-file-valid"]["violations"]
    assert "out of the repository" in violation["message"]
    facts = (run_directory(repository / "runs") / "facts.jsonl").read_text()
    assert "hidden" not in facts
    assert '"dns/more.inc"' in facts


def test_candidate_that_is_not_there_is_an_error_with_its_line(repository: Path) -> None:
    (repository / "dns/example.net.zone").unlink()
    write(repository, {"mailproof.yaml": CONFIG.replace("hosts: {mx1", "hosts: {mx2")})
    ended = run(repository)
    assert ended.returncode == Exit.USAGE
    assert "mailproof.yaml:4: candidate.zones.example.net: found 'dns/example.net.zone'" in (
        ended.stderr
    )
    assert "found 'mx2.example.net', expected a host of the inventory; did you mean" in ended.stderr


@pytest.mark.parametrize("verb", [("validate",), ("run", "--candidate")])
def test_path_that_is_not_there_is_told_by_validate_and_run(
    repository: Path, verb: tuple[str, ...]
) -> None:
    write(repository, {"mailproof.yaml": CONFIG.replace("hosts/mx1/postfix", "hosts/mx9/postfix")})
    ended = mailproof(*verb, cwd=repository)
    assert ended.returncode == Exit.USAGE
    assert "mailproof.yaml:5" in ended.stderr
    assert "found 'hosts/mx9/postfix', which is not there, expected a file" in ended.stderr


def test_validate_reads_the_candidate_files(repository: Path) -> None:
    assert mailproof("validate", cwd=repository).returncode == Exit.COMPLETE
    broken = {
        "dns/example.net.zone": f"{ZONE}mx2 AA 9.9.9.9\n",
        "hosts/mx1/postfix/main.cf": f"{MAIN_CF}smtpd_banner\n",
        "hosts/mx1/postfix/master.cf": "smtp inet n - y - -\n",
    }
    write(repository, broken)
    ended = mailproof("validate", cwd=repository)
    assert ended.returncode == Exit.USAGE
    told = ended.stderr.removeprefix("mailproof: ").splitlines()
    assert [line.partition(": ")[0] for line in told] == [
        "dns/example.net.zone:9:5",
        "hosts/mx1/postfix/main.cf:7:1",
        "hosts/mx1/postfix/master.cf:1:20",
    ]
    assert all(", expected " in line for line in told)


def test_validate_tells_of_a_folder_without_its_configuration(repository: Path) -> None:
    (repository / "hosts/mx1/postfix/main.cf").unlink()
    ended = mailproof("validate", cwd=repository)
    assert ended.returncode == Exit.USAGE
    assert "postfix of mx1.example.net: " in ended.stderr
    assert "main.cf" in ended.stderr


def test_options_that_need_each_other_say_so(repository: Path) -> None:
    for options, said in [
        (["--base", "main"], "--base: expected --candidate"),
        (["--live"], "--live: expected --candidate"),
        (["--candidate", "--fail-on-new"], "--fail-on-new: expected --base"),
        (["--candidate", "--deep"], "--candidate: found an option that asks hosts"),
    ]:
        ended = mailproof("run", *options, cwd=repository)
        assert (ended.returncode, said in ended.stderr) == (Exit.USAGE, True), ended.stderr


# --- no socket ----------------------------------------------------------------------------------

# Runs the command where every socket but those that asyncio wakes itself with is an error.
GUARDED = """\
import socket, sys
def refuse(*args, **kwargs):
    raise SystemExit("a socket was used: %r" % (args,))
for name in ("connect", "connect_ex", "bind", "sendto"):
    setattr(socket.socket, name, refuse)
socket.getaddrinfo = socket.gethostbyname = refuse
from audits.cli import main
main()
"""


def test_no_socket_is_opened_and_no_name_is_looked_up(repository: Path) -> None:
    write(repository, {"dns/example.net.zone": ZONE + '@ TXT "v=spf1 include:example.org ~all"\n'})
    ended = subprocess.run(
        [sys.executable, "-c", GUARDED, "run", "--candidate", "-p", "baseline", "--base", "main"],
        cwd=repository,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "a socket was used" not in ended.stderr + ended.stdout
    assert ended.returncode == Exit.FINDINGS, ended.stderr


@pytest.fixture
def silent_resolver() -> Iterator[socket.socket]:
    """A socket on which anybody who asks would be heard."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        yield listener


def test_resolver_of_the_configuration_is_never_asked(
    repository: Path, silent_resolver: socket.socket
) -> None:
    port = silent_resolver.getsockname()[1]
    resolver = f"resolver: {{addresses: [127.0.0.1], port: {port}}}\n"
    write(repository, {"mailproof.yaml": CONFIG + resolver})
    assert run(repository).returncode == Exit.COMPLETE
    with pytest.raises(BlockingIOError):
        silent_resolver.recv(512)


# --- the base -----------------------------------------------------------------------------------


def test_change_introduces_mends_and_leaves(repository: Path) -> None:
    git(repository, "checkout", "-q", "main")
    zone = ZONE.replace("p=quarantine", "p=none") + '@ TXT "v=spf1 -all"\n'
    write(repository, {"dns/example.net.zone": zone})
    commit(repository)
    git(repository, "checkout", "-q", "-B", "change")
    write(repository, {"dns/example.net.zone": zone.replace("p=none", "p=reject")})
    open_relay(repository)
    commit(repository)
    ended = run(repository, "--base", "main", "--fail-on-new")
    assert ended.returncode == Exit.REGRESSIONS, ended.stderr
    change = summary(repository)["change"]
    assert [each["audit"] for each in change["introduced"]] == ["mta-relay-rule-safe"]
    assert change["introduced"][0]["place"] == "hosts/mx1/postfix/main.cf:4"
    assert [each["audit"] for each in change["mended"]] == ["dmarc-policy-enforced"]
    assert [each["audit"] for each in change["left"]] == ["spf-single-record"]
    found = results(repository)
    assert found["mta-relay-rule-safe"]["change"] == "introduced"
    assert found["spf-single-record"]["change"] == "left"
    assert "change" not in found["dmarc-policy-enforced"]
    assert "The change introduces 1 failure, mends 1 failure and leaves 1 failure" in ended.stderr
    report = (run_directory(repository / "runs") / "report.html").read_text()
    assert "The change since" in report


def test_old_failure_alone_does_not_end_a_change_with_13(repository: Path) -> None:
    git(repository, "checkout", "-q", "main")
    open_relay(repository)
    commit(repository)
    git(repository, "checkout", "-q", "-B", "change")
    write(repository, {"inventory/domains.yaml": DOMAINS + "# a word more\n"})
    commit(repository)
    assert run(repository, "--base", "main", "--fail-on-new").returncode == Exit.COMPLETE
    assert (
        mailproof("run", "--candidate", "--base", "main", "-o", "other", cwd=repository).returncode
        == Exit.FINDINGS
    )


def test_base_is_where_the_change_began_and_not_what_others_did_since(repository: Path) -> None:
    open_relay(repository)
    commit(repository)
    git(repository, "checkout", "-q", "main")
    open_relay(repository)
    write(repository, {"notes": "another commit than that of the change\n"})
    commit(repository)
    git(repository, "checkout", "-q", "change")
    assert run(repository, "--base", "main", "--fail-on-new").returncode == Exit.REGRESSIONS


def test_waiver_of_the_change_does_not_govern_it(repository: Path) -> None:
    from audits.cli.clock import now

    day = now().date()
    until = day.replace(year=day.year + 1, day=1)
    open_relay(repository)
    write(repository, {"policies/waivers.yaml": WAIVER.format(on=day, until=until)})
    commit(repository)
    assert run(repository).returncode == Exit.COMPLETE
    ended = mailproof(
        "run", "--candidate", "--base", "main", "--fail-on-new", "-o", "other", cwd=repository
    )
    assert ended.returncode == Exit.REGRESSIONS, ended.stderr


def test_policy_of_the_change_does_not_govern_it(repository: Path) -> None:
    open_relay(repository)
    policy = POLICY.replace("mta-relay-rule-safe:", "mta-relay-rule-safe: off")
    write(repository, {"policies/ours.yaml": policy})
    ended = run(repository, "--base", "main", "--fail-on-new")
    assert ended.returncode == Exit.REGRESSIONS, ended.stderr


def test_repository_is_left_as_it_was(repository: Path) -> None:
    open_relay(repository)
    run(repository, "--base", "main")
    status = subprocess.check_output(
        ["git", "-C", str(repository), "status", "--porcelain"], text=True, timeout=30
    )
    assert status == " M hosts/mx1/postfix/main.cf\n"
    worktrees = subprocess.check_output(
        ["git", "-C", str(repository), "worktree", "list"], text=True, timeout=30
    )
    assert len(worktrees.splitlines()) == 1


def test_stored_review_is_judged_again_to_the_same_bytes(repository: Path) -> None:
    open_relay(repository)
    run(repository, "--base", "main")
    stored = run_directory(repository / "runs")
    again = mailproof("evaluate", str(stored), "-o", "again", cwd=repository)
    assert again.returncode == Exit.FINDINGS, again.stderr
    first, second = stored / "results.jsonl", repository / "again/results.jsonl"
    assert first.read_bytes() == second.read_bytes()
    text = mailproof("report", str(stored), "-f", "text", cwd=repository).stdout
    assert "Not covered by these files" in text
    assert "introduced: critical mx1.example.net" in text


def test_nightly_run_is_not_compared_with_a_review(repository: Path) -> None:
    run(repository)
    manifest = json.loads((run_directory(repository / "runs") / "manifest.json").read_text())
    assert manifest["vantage"] == "files under review"


@pytest.mark.parametrize("ref", ["gone", "--upload-pack=x", "main:dns"])
def test_revision_that_is_not_there_is_an_error(repository: Path, ref: str) -> None:
    ended = run(repository, f"--base={ref}")
    assert ended.returncode == Exit.USAGE
    assert f"--base: found {ref!r}, expected a branch, tag or commit" in ended.stderr


def test_folder_without_repository_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    ended = run(tmp_path, "--base", "main")
    assert ended.returncode == Exit.USAGE
    assert "--base: git rev-parse" in ended.stderr
    assert "not a git repository" in ended.stderr


def test_shallow_clone_says_what_to_do(repository: Path, tmp_path: Path) -> None:
    open_relay(repository)
    commit(repository)
    clone = tmp_path / "clone"
    url = repository.as_uri()
    subprocess.run(
        ["git", "clone", "-q", "--depth", "1", "--branch", "change", url, str(clone)],
        check=True,
        capture_output=True,
        timeout=30,
    )
    ended = run(clone, "--base", "origin/main")
    assert ended.returncode == Exit.USAGE
    assert "this clone is shallow: fetch all of it" in ended.stderr


def test_repository_that_begins_with_the_change_has_no_waivers(
    repository: Path,
) -> None:
    git(repository, "checkout", "-q", "--orphan", "fresh")
    git(repository, "rm", "-rq", "--cached", ".")
    (repository / "mailproof.yaml").unlink()
    commit(repository)
    git(repository, "branch", "old")
    write(repository, {"mailproof.yaml": CONFIG})
    open_relay(repository)
    commit(repository)
    ended = run(repository, "--base", "old", "--fail-on-new")
    assert ended.returncode == Exit.REGRESSIONS, ended.stderr
