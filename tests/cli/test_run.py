"""The main job through the command: collected, judged, reported, gone on with."""

import json
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from audits.cli.exits import Exit
from tests.cli.command import COMMAND, environment, mailproof, results_of, run_directory


def test_run_leaves_a_complete_directory(whole: Path) -> None:
    names = {path.name for path in whole.iterdir()}
    assert names == {
        "facts.jsonl",
        "results.jsonl",
        "summary.json",
        "report.html",
        "policy.json",
        "manifest.json",
    }
    manifest = json.loads((whole / "manifest.json").read_text())
    assert manifest["complete"] is True
    assert set(manifest["files"]) == names - {"manifest.json"}


def test_line_of_results_follows_the_data_contract(whole: Path) -> None:
    for result in results_of(whole):
        assert {"audit", "subject", "outcome", "severity", "violations", "step", "expected"} <= set(
            result
        )
        assert result["outcome"] in (
            "pass", "fail", "unknown", "error", "waived", "not-applicable"
        )  # fmt: skip
        assert (result["unknown"] is not None) == (result["outcome"] == "unknown")
        for violation in result["violations"]:
            assert violation["message"]
            assert violation["evidence"][0]["pointer"].startswith("/")


def test_no_audit_breaks_on_the_demo(whole: Path) -> None:
    assert [r for r in results_of(whole) if r["outcome"] == "error"] == []


def test_limit_asks_only_for_what_it_names(served_fleet: Path, tmp_path: Path) -> None:
    ended = mailproof("run", "-l", "good.example", "-o", str(tmp_path), cwd=served_fleet)
    assert ended.returncode == Exit.COMPLETE, ended.stderr
    subjects = {
        r["subject"].get("name") or r["subject"]["host"]
        for r in results_of(run_directory(tmp_path))
    }
    assert subjects == {"good.example", "good.fleet.example"}


def test_policy_of_dns_audits_opens_no_connection(served_fleet: Path, tmp_path: Path) -> None:
    (tmp_path / "dmarc.yaml").write_text("id: d\ntitle: D\naudits:\n  dmarc-published:\n")
    policy = str(tmp_path / "dmarc.yaml")
    mailproof("run", "-p", policy, "--no-waivers", "-o", str(tmp_path / "r"), cwd=served_fleet)
    facts = (run_directory(tmp_path / "r") / "facts.jsonl").read_text()
    kinds = {json.loads(line).get("fact", {}).get("kind") for line in facts.splitlines()[1:]}
    assert kinds - {None} == {
        "declared.domain",
        "declared.host",
        "dns.dmarc",
        "dns.resolver",
        "fleet.scope",
    }


def test_dry_run_asks_nothing(served_fleet: Path) -> None:
    ended = mailproof("run", "--dry-run", cwd=served_fleet)
    assert ended.returncode == Exit.COMPLETE
    assert "smtp.greeting" in ended.stdout


def test_dry_run_counts_what_would_be_asked(served_fleet: Path) -> None:
    names = ("open-relay.fleet.example", "good.example,open-relay.fleet.example")
    said = [
        mailproof("run", "--dry-run", "-l", limit, cwd=served_fleet).stdout.splitlines()[0]
        for limit in names
    ]
    assert said == [
        "0 domains, 1 host, and the MX hosts they name",
        "1 domain, 1 host, and the MX hosts they name",
    ]


def test_quiet_run_says_nothing(served_fleet: Path, tmp_path: Path) -> None:
    ended = mailproof("run", "-q", "-l", "good.example", "-o", str(tmp_path), cwd=served_fleet)
    assert (ended.stdout, ended.stderr) == ("", "")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)]
)
def test_interrupted_run_is_resumed_and_asks_nothing_twice(
    served_fleet: Path, tmp_path: Path, number: signal.Signals, code: Exit
) -> None:
    process = subprocess.Popen(
        [*COMMAND, "run", "-o", str(tmp_path)],
        cwd=served_fleet,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    # the silent host holds the run for two seconds: cut it off once something is kept
    deadline = time.monotonic() + 30
    while not _kept(tmp_path, "smtp.greeting") and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    _, words = process.communicate(timeout=30)
    assert process.returncode == code, words
    run = run_directory(tmp_path)
    assert (run / "INCOMPLETE").exists()
    assert not (run / "results.jsonl").exists()
    before = (run / "facts.partial.jsonl").read_text().splitlines()
    resumed = mailproof("run", "--resume", str(run), cwd=served_fleet)
    assert resumed.returncode == Exit.FINDINGS_INCOMPLETE, resumed.stderr
    assert not (run / "INCOMPLETE").exists()
    after = set((run / "facts.jsonl").read_text().splitlines())
    kept = {line for line in before if '"dns.mx"' in line or '"smtp.greeting"' in line}
    assert kept
    assert kept <= after


def _kept(parent: Path, kind: str) -> bool:
    return any(kind in path.read_text() for path in parent.glob("*/facts.partial.jsonl"))


def test_run_in_the_background_heeds_sigterm(served_fleet: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "run", "-o", str(tmp_path)],
        cwd=served_fleet,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    deadline = time.monotonic() + 30
    while not _kept(tmp_path, "smtp.greeting") and time.monotonic() < deadline:
        time.sleep(0.02)
    process.terminate()
    _, words = process.communicate(timeout=30)
    assert process.returncode == Exit.TERMINATED, words
    assert words == "interrupted: what was seen so far is kept\n"
    assert (run_directory(tmp_path) / "INCOMPLETE").exists()


def _cut_off(run: Path, kinds: tuple[str, ...]) -> None:
    """Makes of a complete run what is left when it is killed after those kinds of fact."""
    lines = _lines(run / "facts.jsonl")
    kept = [x for x in lines[1:] if any(f'"kind":"{kind}"' in x for kind in kinds)]
    (run / "facts.partial.jsonl").write_text("\n".join([lines[0], *kept, ""]))
    for path in run.iterdir():
        if path.name not in ("facts.partial.jsonl", "policy.json"):
            path.unlink()
    (run / "INCOMPLETE").touch()


DECLARED = ("declared.domain", "declared.host", "fleet.scope")


def test_resumed_run_keeps_the_policy_and_the_limit_that_it_was_begun_with(
    served_fleet: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "dmarc.yaml"
    policy.write_text("id: d\ntitle: D\naudits: {dmarc-published: , mx-starttls-offered: }\n")
    chosen = ("-p", str(policy), "--no-waivers", "-l", "good.example,good.fleet.example")
    mailproof("run", "-q", *chosen, "-o", str(tmp_path / "runs"), cwd=served_fleet)
    run = run_directory(tmp_path / "runs")
    whole = _lines(run / "results.jsonl")
    _cut_off(run, DECLARED)
    refused = mailproof("run", "--resume", str(run), "-l", "busy.example", cwd=served_fleet)
    assert refused.returncode == Exit.USAGE
    assert "--resume: a run that goes on keeps its policy" in refused.stderr
    resumed = mailproof("run", "-q", "--resume", str(run), cwd=served_fleet)
    assert resumed.returncode == Exit.COMPLETE, resumed.stderr
    subjects = {json.dumps(result["subject"]) for result in results_of(run)}
    assert subjects == {json.dumps(json.loads(line)["subject"]) for line in whole}
    assert {result["audit"] for result in results_of(run)} == {
        "dmarc-published",
        "mx-starttls-offered",
    }
    mailproof("evaluate", str(run), "-o", str(tmp_path / "again"), cwd=tmp_path)
    assert _lines(tmp_path / "again" / "results.jsonl") == _lines(run / "results.jsonl")


def test_report_of_a_run_that_was_cut_off_says_so(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "run")
    _cut_off(tmp_path / "run", (*DECLARED, "dns.mx"))
    output = tmp_path / "judged"
    ended = mailproof("evaluate", str(tmp_path / "run"), "-o", str(output), cwd=tmp_path)
    assert ended.returncode == Exit.FINDINGS_INCOMPLETE, ended.stderr
    assert json.loads((output / "summary.json").read_text())["run"]["complete"] is False
    assert "The run was cut off before it was complete." in ended.stderr


def test_complete_run_is_not_resumed(whole: Path, served_fleet: Path) -> None:
    ended = mailproof("run", "--resume", str(whole), cwd=served_fleet)
    assert ended.returncode == Exit.USAGE
    assert "complete" in ended.stderr


def test_output_that_cannot_be_written_ends_with_its_own_code(
    served_fleet: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    ended = mailproof("run", "-o", str(tmp_path / "file"), cwd=served_fleet)
    assert ended.returncode == Exit.OUTPUT
    assert "can't be made" in ended.stderr


def test_disk_that_fills_up_ends_the_run_at_once_and_it_can_be_resumed(
    served_fleet: Path, tmp_path: Path
) -> None:
    full = "ulimit -f 60; " + shlex.join([*COMMAND, "run", "-o", str(tmp_path)])
    ended = subprocess.run(
        ["bash", "-c", full],
        cwd=served_fleet,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == Exit.OUTPUT, ended.stderr
    assert "facts.partial.jsonl: can't be written" in ended.stderr
    run = run_directory(tmp_path)
    assert {path.name for path in run.iterdir()} == {
        "INCOMPLETE",
        "facts.partial.jsonl",
        "policy.json",
    }
    resumed = mailproof("run", "-q", "--resume", str(run), cwd=served_fleet)
    assert resumed.returncode == Exit.FINDINGS_INCOMPLETE, resumed.stderr


def test_run_is_compared_with_the_one_before_and_judged_again_by_itself(
    served_fleet: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "history.yaml"
    policy.write_text("id: history\ntitle: History\naudits: {mta-sts-id-follows-policy: }\n")
    runs = tmp_path / "runs"
    chosen = ("run", "-p", str(policy), "-l", "domain:good.example", "-o", str(runs))
    first = mailproof(*chosen, cwd=served_fleet)
    assert first.returncode == Exit.INCOMPLETE, first.stderr
    earlier = run_directory(runs)
    assert not (earlier / "previous.jsonl").exists()
    second = mailproof(*chosen, cwd=served_fleet)
    assert second.returncode == Exit.COMPLETE, second.stderr
    (later,) = set(runs.iterdir()) - {earlier}
    kinds = {json.loads(line)["fact"]["kind"] for line in _lines(later / "previous.jsonl")[1:]}
    assert kinds == {"dns.mta-sts", "https.mta-sts", "fleet.scope"}
    shutil.rmtree(earlier)
    again = mailproof("evaluate", str(later), "-o", str(tmp_path / "again"), cwd=tmp_path)
    assert again.returncode == Exit.COMPLETE, again.stderr
    assert _lines(tmp_path / "again" / "results.jsonl") == _lines(later / "results.jsonl")


def test_run_is_not_compared_with_one_that_looked_at_others(
    served_fleet: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "history.yaml"
    policy.write_text("id: history\ntitle: History\naudits: {mta-sts-id-follows-policy: }\n")
    runs = tmp_path / "runs"
    chosen = ("collect", "-p", str(policy), "-o", str(runs))
    limited = mailproof(*chosen, "-l", "domain:good.example", cwd=served_fleet)
    assert limited.returncode == Exit.COMPLETE, limited.stderr
    before = run_directory(runs)
    whole = mailproof(*chosen, cwd=served_fleet)
    assert whole.returncode == Exit.COMPLETE, whole.stderr
    (later,) = set(runs.iterdir()) - {before}
    assert not (later / "previous.jsonl").exists()


def test_stored_policy_and_waivers_name_their_files_from_the_top_of_the_fleet(
    served_fleet: Path, tmp_path: Path
) -> None:
    arguments = ("collect", "-l", "domain:good.example", "-o", str(tmp_path / "runs"))
    ended = mailproof(*arguments, "-c", str(served_fleet / "mailproof.yaml"), cwd=tmp_path)
    assert ended.returncode == Exit.COMPLETE, ended.stderr
    stored = json.loads((run_directory(tmp_path / "runs") / "policy.json").read_text())
    places = [found["where"] for found in (*stored["policy"]["rules"], *stored["waivers"])]
    files = {place.partition(":")[0] for place in places}
    assert {"policies/baseline.yaml", "policies/ours.yaml", "policies/waivers.yaml"} <= files
    assert all(file.startswith("policies/") for file in files)


def test_previous_run_that_is_none_ends_before_anything_is_asked(
    served_fleet: Path, tmp_path: Path
) -> None:
    ended = mailproof("run", "--previous", str(tmp_path), "-o", str(tmp_path), cwd=served_fleet)
    assert ended.returncode != Exit.COMPLETE
    assert "expected the directory of a run" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_result_of_a_run_is_explained_with_the_tree_behind_it(whole: Path) -> None:
    arguments = ("dmarc-twice.example", "dmarc-policy-enforced", "--run", whole.name)
    ended = mailproof("explain", *arguments, cwd=whole.parent)
    assert ended.returncode == Exit.COMPLETE, ended.stderr
    assert "_dmarc.dmarc-twice.example  2 records, all of them discarded" in ended.stdout
    assert "min_policy = quarantine" in ended.stdout


def test_latest_run_is_explained_where_none_is_named(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "runs" / whole.name)
    ended = mailproof("explain", "good.fleet.example", "mx-starttls-offered", cwd=tmp_path)
    assert ended.returncode == Exit.COMPLETE, ended.stderr
    assert "good.fleet.example:25" in ended.stdout
    assert "not applicable" not in ended.stdout


def test_subject_without_a_result_is_a_usage_error_that_names_others(whole: Path) -> None:
    arguments = ("absent.example", "spf-published", "--run", whole.name)
    ended = mailproof("explain", *arguments, cwd=whole.parent)
    assert ended.returncode == Exit.USAGE
    assert "busy.example" in ended.stderr
    nowhere = mailproof("explain", "absent.example", "spf-published", cwd=whole)
    assert nowhere.returncode == Exit.USAGE
    assert "--run" in nowhere.stderr
