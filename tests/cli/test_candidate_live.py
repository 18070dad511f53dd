"""Files under review in front of what is live, on the demo's fleet."""

import json
import shutil
from pathlib import Path

from audits.cli.exits import Exit
from tests.cli.command import mailproof, run_directory

ZONE = """\
$TTL 300
@ IN SOA ns1 host 1 7200 1800 604800 300
  NS ns1.fleet.example.
  MX 10 good.fleet.example.
  TXT "v=spf1 -all"
_dmarc TXT "v=DMARC1; p=none"
"""


def test_zone_under_review_stands_in_front_and_all_else_is_live(
    served_fleet: Path, tmp_path: Path
) -> None:
    fleet = tmp_path / "fleet"
    shutil.copytree(served_fleet, fleet)
    config = fleet / "mailproof.yaml"
    config.write_text(config.read_text() + "candidate: {zones: {good.example: dns/good.zone}}\n")
    (fleet / "dns").mkdir()
    (fleet / "dns/good.zone").write_text(ZONE)
    runs = tmp_path / "runs"
    ended = mailproof(
        "run", "--candidate", "--live", "-l", "good.example", "-o", str(runs), cwd=fleet
    )
    assert ended.returncode == Exit.FINDINGS, ended.stderr
    lines = (run_directory(runs) / "results.jsonl").read_text().splitlines()
    every = [json.loads(line) for line in lines]
    results = {(r["audit"], r["subject"].get("name", "")): r for r in every}
    policy = results["dmarc-policy-enforced", "good.example"]
    assert policy["outcome"] == "fail"
    place = policy["violations"][0]["evidence"][0]["place"]
    assert (place["file"], place["line"]) == ("dns/good.zone", 6)
    assert results["mx-target-resolves", "good.example"]["outcome"] == "pass"
    assert "pass" in [r["outcome"] for r in every if r["audit"] == "mx-starttls-offered"]
    assert "Under review: 1 zone, in front of what is live" in ended.stderr
    manifest = json.loads((run_directory(runs) / "manifest.json").read_text())
    assert manifest["vantage"].endswith(", with files under review")
