"""The demo end to end: the real job finds every planted fault, and nothing that is not there."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from audits.demo.fleet import DOMAINS, HOSTS
from audits.parse.sasl import disguises

ROOT = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-c", "from audits.cli import main; main()"]

# subject, as `name` or `host:port`, and the audits that fail there
FAILS: Mapping[str, set[str]] = {
    "no-mx.example": {"mx-published", "path-delivers"},
    "no-mx.example:25": {"port-mx-reachable"},
    "parked-without-null-mx.example": {"mx-null-on-parked-domain"},
    "mx-alias.example": {"mx-target-not-alias", "mx-host-in-inventory"},
    "mx-dangling.example": {"mx-target-resolves", "mx-host-in-inventory"},
    "spf-twice.example": {"spf-single-record"},
    "spf-open.example": {"spf-not-open-to-all", "spf-all-strict-enough"},
    "spf-misspelt.example": {"spf-syntax-valid"},
    "dkim-short.example": {"dkim-key-long-enough"},
    "dkim-revoked.example": {"dkim-selectors-published", "dmarc-reject-backed-by-dkim"},
    "dmarc-none.example": {"dmarc-policy-enforced", "dmarc-subdomain-policy-enforced"},
    "dmarc-missing.example": {"dmarc-published", "dmarc-policy-enforced"},
    "dmarc-twice.example": {"dmarc-published", "dmarc-record-valid", "dmarc-policy-enforced"},
    "mta-sts-redirected.example": {"mta-sts-policy-served"},
    "no-mta-sts.example": {"mta-sts-published", "tlsrpt-published"},
    "waiver-expired.example": {"dmarc-policy-enforced"},
    "no-starttls.example": {"mta-sts-covers-every-mx"},
    "expired.example": {"mta-sts-covers-every-mx"},
    "dead.example": {"path-delivers"},
    "dead.fleet.example:25": {"port-mx-reachable"},
    "open-relay.fleet.example": {"port-only-declared-open"},
    "open-relay.fleet.example:25": {
        "relay-refused",
        "tls-ciphers-allowed",
        "smtp-unknown-recipient-rejected",
    },
    "injectable.fleet.example:25": {"smtp-starttls-not-injectable", "smtp-version-not-disclosed"},
    "no-starttls.fleet.example:25": {"mx-starttls-offered", "dane-tlsa-matches-certificate"},
    "no-starttls.fleet.example": {"ptr-published"},
    "expired.fleet.example:25": {"cert-in-validity", "cert-not-expiring-soon"},
    "wrong-name.fleet.example:465": {"cert-name-matches"},
    "wrong-name.fleet.example:587": {"cert-name-matches"},
    "wrong-name.fleet.example": {"ptr-forward-confirmed"},
    "lax-login.fleet.example": {"mta-sender-matches-login"},
    "lax-login.fleet.example:465": {"submission-login-failure-silent"},
    "auth-in-clear.fleet.example:587": {
        "submission-auth-offered-only-after-tls",
        "submission-auth-refused-in-clear",
    },
    "no-auth.fleet.example:587": {
        "relay-refused",
        "submission-auth-offered",
        "submission-auth-required",
        "submission-auth-required-for-local",
        "submission-plaintext-session-refused",
    },
}
# subject and the reason why nothing can be said of it, for every audit that is not of somebody else
UNKNOWN = {
    "servfail.example": "servfail",
    "silent.example": "timeout",
    "silent.fleet.example:25": "timeout",
    "busy.example": "throttled",
    "busy.fleet.example:25": "throttled",
    "greylisting.example": "deferred",
    "greylisting.fleet.example:25": "deferred",
}


@dataclass(frozen=True)
class Demo:
    """What the command left behind."""

    run: Path
    results: list[dict[str, Any]]

    def of(self, outcome: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for result in self.results:
            if result["outcome"] == outcome:
                found.setdefault(named(result["subject"]), set()).add(result["audit"])
        return found


def named(subject: Mapping[str, Any]) -> str:
    return f"{subject['host']}:{subject['port']}" if "port" in subject else subject["name"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    output = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [*COMMAND, "demo", "--output", str(output)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (run,) = (output / "runs").iterdir()
    lines = (run / "results.jsonl").read_text(encoding="utf-8").splitlines()
    assert str(run / "report.html") in done.stdout
    return Demo(run, [json.loads(line) for line in lines])


def test_every_planted_fault_is_found_and_no_other(demo: Demo) -> None:
    assert demo.of("fail") == FAILS


def test_what_was_silent_is_unknown_with_the_layer_and_nothing_else_is(demo: Demo) -> None:
    assert set(demo.of("unknown")) == set(UNKNOWN)
    for result in demo.results:
        if result["outcome"] == "unknown":
            reasons = {unseen["reason"] for unseen in result["unknown"]}
            assert reasons == {UNKNOWN[named(result["subject"])]}, result["audit"]


def test_silent_subjects_pass_nothing_that_their_silence_hides(demo: Demo) -> None:
    passed = demo.of("pass")
    assert "servfail.example" not in passed
    assert "silent.fleet.example:25" not in passed
    assert "busy.fleet.example:25" not in passed
    assert passed["greylisting.fleet.example:25"].isdisjoint({"relay-refused"})


def test_no_audit_breaks(demo: Demo) -> None:
    assert demo.of("error") == {}


def test_waiver_covers_until_its_day_and_no_longer(demo: Demo) -> None:
    assert demo.of("waived") == {"waived.example": {"spf-all-strict-enough"}}
    lapsed = [r for r in demo.results if named(r["subject"]) == "waiver-expired.example"]
    (failed,) = [r for r in lapsed if r["outcome"] == "fail"]
    assert failed["note"].startswith("waiver W-2 lapsed after")


def test_host_of_somebody_else_gets_what_a_sender_does_and_no_more(demo: Demo) -> None:
    theirs = {
        r["audit"]: r["outcome"]
        for r in demo.results
        if named(r["subject"]) == "mx1.filter-service.example:25"
    }
    assert theirs["mx-starttls-offered"] == "pass"
    assert theirs["relay-refused"] == "not-applicable"
    assert "fail" not in theirs.values()
    assert "unknown" not in theirs.values()


@pytest.mark.parametrize("name", [*(h.name for h in HOSTS), *(d.name for d in DOMAINS)])
def test_every_host_and_domain_of_the_fleet_has_results(demo: Demo, name: str) -> None:
    assert any(named(r["subject"]).partition(":")[0] == name for r in demo.results)


def test_every_failure_has_evidence_and_a_remedy(demo: Demo) -> None:
    for result in demo.results:
        if result["outcome"] == "fail":
            assert all(violation["evidence"] for violation in result["violations"])
            assert result["remediation"]
            assert result["step"]


def test_password_of_the_accounts_is_in_no_file_of_the_run(demo: Demo) -> None:
    password = (demo.run.parent.parent / "fleet/probe.password").read_text(encoding="utf-8").strip()
    forms = [
        form
        for user in ("probe@good.example", "staff@good.example")
        for form in disguises(user, password)
    ]
    for path in demo.run.rglob("*"):
        text = path.read_bytes() if path.is_file() else b""
        assert not [form for form in forms if form.encode() in text], path.name
    works = {r["outcome"] for r in demo.results if r["audit"] == "submission-login-works"}
    assert "pass" in works


def test_nothing_was_dialled_beyond_loopback(demo: Demo) -> None:
    dialled = []
    for line in (demo.run / "facts.jsonl").read_text(encoding="utf-8").splitlines()[1:]:
        fact = json.loads(line).get("fact", {})
        if fact.get("kind") == "tcp.port":
            dialled.append(fact["dialled"])
        if fact.get("kind") == "https.mta-sts":
            dialled.append(fact["address"])
        if fact.get("kind") == "https.autoconfig":
            dialled += [d["address"] for d in fact["documents"] if d["address"] is not None]
    assert len(dialled) > len(HOSTS)
    assert {where.partition(":")[0] for where in dialled} == {"127.0.0.1"}


def test_stored_run_judged_again_gives_the_same_bytes(demo: Demo, tmp_path: Path) -> None:
    command = [*COMMAND, "evaluate", str(demo.run), "--output", str(tmp_path / "again"), "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 12, done.stderr  # findings, and incomplete
    again = (tmp_path / "again" / "results.jsonl").read_bytes()
    assert again == (demo.run / "results.jsonl").read_bytes()


def test_report_is_whole_and_names_every_planted_fault(demo: Demo) -> None:
    page = (demo.run / "report.html").read_text(encoding="utf-8")
    assert page.rstrip().endswith("</html>")
    for subject in FAILS:
        assert subject.partition(":")[0] in page
