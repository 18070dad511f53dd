"""A stored run through the command: judged again, and reported."""

import json
import shutil
from hashlib import sha256
from pathlib import Path

from audits.cli.exits import Exit
from tests.cli.command import mailproof, results_of, run_directory


def test_stored_run_is_judged_again_to_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    again = mailproof("evaluate", str(whole), "--output", str(tmp_path / "again"), cwd=tmp_path)
    assert again.returncode == Exit.FINDINGS_INCOMPLETE, again.stderr
    first = (whole / "results.jsonl").read_bytes()
    assert (tmp_path / "again" / "results.jsonl").read_bytes() == first


def test_named_policy_gives_the_same_bytes_too(
    whole: Path, served_fleet: Path, tmp_path: Path
) -> None:
    policy = str(served_fleet / "policies" / "ours.yaml")
    output = str(tmp_path / "again")
    mailproof("evaluate", str(whole), "--policy", policy, "--output", output, cwd=tmp_path)
    first = (whole / "results.jsonl").read_bytes()
    assert (tmp_path / "again" / "results.jsonl").read_bytes() == first


def test_another_policy_judges_the_same_facts(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "dmarc.yaml").write_text(
        "id: dmarc\ntitle: DMARC alone\naudits:\n"
        "  dmarc-policy-enforced: {params: {min_policy: reject}, severity: low}\n"
    )
    output = str(tmp_path / "out")
    ended = mailproof(
        "evaluate", str(whole), "-p", "dmarc.yaml", "-o", output, "--max-unknown", "9", cwd=tmp_path
    )
    assert ended.returncode == Exit.COMPLETE, ended.stderr
    assert {r["audit"] for r in results_of(tmp_path / "out")} == {"dmarc-policy-enforced"}


def test_reports_of_a_stored_run_go_to_standard_output(whole: Path, tmp_path: Path) -> None:
    html = mailproof("report", str(whole), cwd=tmp_path).stdout
    assert html.startswith("<!doctype html>") or html.startswith("<!DOCTYPE html>")
    summary = json.loads(mailproof("report", str(whole), "-f", "json", cwd=tmp_path).stdout)
    assert summary["schema"] == "mailproof/summary/v1"
    assert "Not compliant" in mailproof("report", str(whole), "-f", "text", cwd=tmp_path).stdout


def test_waivers_of_the_whole_fleet_serve_a_limited_run_too(
    served_fleet: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "dmarc.yaml"
    policy.write_text("id: d\ntitle: D\naudits: {dmarc-published: , dmarc-policy-enforced: }\n")
    chosen = ("-p", str(policy), "-l", "domain:good.example")
    mailproof("collect", "-q", *chosen, "-o", str(tmp_path / "runs"), cwd=served_fleet)
    run = run_directory(tmp_path / "runs")
    manifest = json.loads((run / "manifest.json").read_text())
    ended = mailproof(
        "evaluate", "-q", str(run), "--waivers", "policies/waivers.yaml", cwd=served_fleet
    )
    assert ended.returncode == Exit.COMPLETE, ended.stderr
    renewed = json.loads((run / "manifest.json").read_text())
    assert renewed["files"] == {
        name: sha256((run / name).read_bytes()).hexdigest()
        for name in ("facts.jsonl", "policy.json", "report.html", "results.jsonl", "summary.json")
    }
    assert renewed | {"files": manifest["files"]} == manifest


def test_output_of_evaluate_that_cannot_be_made_ends_with_its_own_code(
    whole: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    output = str(tmp_path / "file" / "judged")
    ended = mailproof("evaluate", str(whole), "-o", output, cwd=tmp_path)
    assert ended.returncode == Exit.OUTPUT
    assert "judged: can't be made: Not a directory" in ended.stderr


def test_damaged_facts_are_named_by_file_and_line(whole: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(whole, damaged)
    lines = (damaged / "facts.jsonl").read_text().splitlines()
    lines[4] = "{}"
    (damaged / "facts.jsonl").write_text("\n".join(lines))
    ended = mailproof("evaluate", str(damaged), cwd=tmp_path)
    assert ended.returncode == Exit.USAGE
    assert "facts.jsonl:5" in ended.stderr
