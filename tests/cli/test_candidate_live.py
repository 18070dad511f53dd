"""Files under review in front of what is live, on the demo's fleet."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

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


MAIN_CF = """\
compatibility_level = 3.6
myhostname = good.fleet.example
mydestination = good.example
mynetworks = 127.0.0.0/8
smtpd_tls_chain_files = /etc/ssl/private/mx1.pem
smtpd_tls_security_level = may
"""


def commit(folder: Path) -> None:
    name = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    for words in (("add", "-A"), ("commit", "-q", "-m", "a change")):
        subprocess.run(["git", *name, "-C", folder, *words], check=True, timeout=30)


def test_base_is_judged_by_the_same_live_facts_with_its_own_files_in_front(
    served_fleet: Path, tmp_path: Path
) -> None:
    fleet = tmp_path / "fleet"
    shutil.copytree(served_fleet, fleet)
    config = fleet / "mailproof.yaml"
    config.write_text(
        config.read_text()
        + "candidate:\n  zones: {good.example: dns/good.zone}\n"
        + "  hosts: {good.fleet.example: {postfix: hosts/good}}\n"
    )
    for folder in ("dns", "hosts/good"):
        (fleet / folder).mkdir(parents=True)
    (fleet / "dns/good.zone").write_text(ZONE.replace("v=spf1 -all", "v=spf1 +all"))
    (fleet / "hosts/good/main.cf").write_text(MAIN_CF)
    (fleet / "hosts/good/master.cf").write_text("smtp inet n - n - - smtpd\n")
    (fleet / ".gitignore").write_text("runs/\n")
    subprocess.run(["git", "-C", fleet, "init", "-q", "-b", "main"], check=True, timeout=30)
    commit(fleet)
    subprocess.run(["git", "-C", fleet, "switch", "-qc", "change"], check=True, timeout=30)
    (fleet / "dns/good.zone").write_text(ZONE)
    (fleet / "hosts/good/main.cf").write_text(
        MAIN_CF.replace("127.0.0.0/8", "127.0.0.0/8 0.0.0.0/0")
    )
    commit(fleet)
    runs = tmp_path / "runs"
    options = ("--candidate", "--live", "--base", "main", "--fail-on-new")
    only = "good.example,good.fleet.example,expired.fleet.example"
    ended = mailproof("run", *options, "-l", only, "-o", str(runs), cwd=fleet)
    assert ended.returncode == Exit.REGRESSIONS, ended.stderr
    directory = run_directory(runs)
    every = list(map(json.loads, (directory / "results.jsonl").read_text().splitlines()))
    change = {(r["audit"], about(r["subject"])): r["change"] for r in every if r.get("change")}
    assert change["mta-relay-rule-safe", "good.fleet.example"] == "introduced"
    assert change["dmarc-policy-enforced", "good.example"] == "left"
    # What was seen live is the same on both sides, and was asked once.
    assert change["cert-in-validity", "expired.fleet.example"] == "left"
    assert set(change.values()) == {"introduced", "left"}
    assert {audit for (audit, _), what in change.items() if what == "introduced"} == {
        "mta-relay-rule-safe",
        "mta-trusted-networks-narrow",
    }
    assert "introduces 2 failures, mends 2 failures and leaves" in " ".join(ended.stderr.split())
    services = {"smtp.ehlo", "tls.chain", "relay.probes", "tcp.port"}
    assert seen(directory / "facts.jsonl", services) == seen(directory / "base.jsonl", services)
    assert seen(directory / "facts.jsonl", {"dns.spf"}) != seen(
        directory / "base.jsonl", {"dns.spf"}
    )


def about(subject: dict[str, Any]) -> str:
    return str(subject.get("name") or subject["host"])


def seen(file: Path, kinds: set[str]) -> list[str]:
    """The observations of those kinds, with the time at which each was made."""
    lines = file.read_text().splitlines()[1:]
    return [line for line in lines if any(f'"{kind}"' in line[:400] for kind in kinds)]
