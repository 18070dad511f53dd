"""What the command line says of the lab's real servers, and what it leaves behind there."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab.lab import BOGUS, GOOD, IPV4_NETWORK, PROBE, SILENT_RESOLVER, Lab

pytestmark = pytest.mark.lab

GOOD_HOST = f"mx1.{GOOD}"
EARLY_AUTH = "mx1.early-auth.example.org"
FILTERED = "mx1.filtered.example.org"
GREYLISTING = "mx1.greylisting.example.org"
THROTTLING = "mx1.throttling.example.org"
LATE = "mx1.late.example.org"
OPEN_RELAY = "mx1.open-relay.example.org"

# Exit codes: complete; unusable input; findings; incomplete; both.
COMPLETE, USAGE, FINDINGS, INCOMPLETE, BOTH = 0, 2, 10, 11, 12

DECIDED = {"pass", "fail", "error", "waived"}


@dataclass(frozen=True)
class Run:
    """A finished run: its exit code, its directory, and the lines of results.jsonl."""

    exit_code: int
    directory: Path
    results: tuple[dict[str, Any], ...]

    def about(self, name: str, *audits: str, port: int | None = None) -> list[dict[str, Any]]:
        """The results about a domain, a host, its services and paths; there is at least one."""
        found = [
            result
            for result in self.results
            if name in result["subject"].values()
            and (not audits or result["audit"] in audits)
            and port in (None, result["subject"].get("port"))
        ]
        assert found, f"no result of {audits or 'any audit'} about {name}"
        return found

    def outcomes(self, name: str, *audits: str, port: int | None = None) -> set[str]:
        return {result["outcome"] for result in self.about(name, *audits, port=port)}

    def silences(self, name: str, *audits: str) -> set[tuple[str, str]]:
        """Reasons and details of the UNKNOWN results about a subject."""
        unknown = [u for result in self.about(name, *audits) for u in result["unknown"] or ()]
        return {(silence["reason"], silence["detail"]) for silence in unknown}


def perform(lab: Lab, fleet: Path, *arguments: str) -> Run:
    """`mailproof run` in a fleet repository, and what it wrote."""
    output = fleet / "runs"
    before = set(output.glob("*"))
    done = lab.mailproof("run", "--output", "runs", *arguments, cwd=fleet)
    made = set(output.glob("*")) - before
    assert len(made) == 1, done.stderr
    directory = made.pop()
    assert (directory / "results.jsonl").exists(), done.stderr
    lines = (directory / "results.jsonl").read_text().splitlines()
    return Run(done.returncode, directory, tuple(json.loads(line) for line in lines))


@pytest.fixture(scope="module")
def whole(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run over the whole lab."""
    fleet = lab.write_fleet(tmp_path_factory.mktemp("lab") / "fleet")
    return perform(lab, fleet)


def test_whole_lab_has_findings_and_unknowns(whole: Run) -> None:
    assert whole.exit_code == BOTH
    assert "error" not in {result["outcome"] for result in whole.results}
    assert (whole.directory / "report.html").stat().st_size > 0
    assert not (whole.directory / "INCOMPLETE").exists()


def test_good_domain_and_host_pass_alone_with_exit_0(lab: Lab, fleet: Path) -> None:
    run = perform(lab, fleet, "--limit", f"{GOOD},{GOOD_HOST}")
    calm = ("pass", "not-applicable")
    # What servers of Debian 12 can't do yet is told for information.
    told = [r for r in run.results if r["severity"] != "info"]
    worse = [(r["audit"], r["outcome"]) for r in told if r["outcome"] not in calm]
    assert worse == []
    assert run.exit_code == COMPLETE


@pytest.mark.parametrize(
    "audit",
    [
        "mx-published",
        "mx-target-resolves",
        "mx-target-not-alias",
        "mx-host-in-inventory",
        "spf-published",
        "spf-syntax-valid",
        "spf-all-strict-enough",
        "dkim-selectors-published",
        "dkim-key-valid",
        "dkim-key-long-enough",
        "dmarc-published",
        "dmarc-policy-enforced",
        "mta-sts-published",
        "mta-sts-policy-served",
        "tlsrpt-published",
        "dane-tlsa-published",
        "dane-dnssec-secure",
        "dnssec-signed",
        "dnssec-valid",
        "dnssec-parameters-strong",
        "path-delivers",
    ],
)
def test_good_domain_passes(whole: Run, audit: str) -> None:
    assert whole.outcomes(GOOD, audit) == {"pass"}


@pytest.mark.parametrize(
    ("audit", "port"),
    [
        ("ptr-published", None),
        ("ptr-forward-confirmed", None),
        ("port-mx-reachable", 25),
        ("port-submission-reachable", None),
        ("smtp-greeting-valid", 25),
        ("mx-starttls-offered", 25),
        ("tls-handshake-completes", 25),
        ("dane-tlsa-matches-certificate", 25),
        ("dane-tlsa-usable", None),
        ("dane-rollover-ready", None),
        ("cert-name-matches", 25),
        ("cert-trusted", 465),
        ("cert-in-validity", 587),
        ("cert-key-strong", 465),
        ("submission-starttls-offered", 587),
        ("submission-implicit-tls-offered", None),
        ("submission-auth-offered-only-after-tls", 587),
        ("submission-auth-refused-in-clear", 587),
        ("submission-auth-required", 465),
        ("submission-auth-required", 587),
        ("submission-auth-required-for-local", 587),
        ("submission-auth-offered", 465),
        ("submission-plaintext-session-refused", 587),
        ("relay-refused", 25),
        ("relay-refused", 465),
        ("relay-refused", 587),
    ],
)
def test_good_host_passes(whole: Run, audit: str, port: int | None) -> None:
    assert whole.outcomes(GOOD_HOST, audit, port=port) == {"pass"}


def test_denial_with_454_of_stock_postfix_is_a_refusal(whole: Run) -> None:
    facts = (whole.directory / "facts.jsonl").read_text().splitlines()
    probes = [fact for fact in map(json.loads, facts) if "relay.probes" in json.dumps(fact)]
    told = [json.dumps(fact) for fact in probes if GOOD_HOST in json.dumps(fact)]
    assert any("4.7.1" in text and "Relay access denied" in text for text in told)
    assert whole.outcomes(GOOD_HOST, "relay-refused", port=25) == {"pass"}


def test_stock_postfix_answers_all_forms_of_relaying(lab: Lab, tmp_path: Path) -> None:
    fleet = lab.write_fleet(tmp_path / "fleet", relay_forms="all")
    run = perform(lab, fleet, "--limit", GOOD_HOST)
    # On port 25 the usual eight are asked in clear and again inside TLS.
    for port, forms in ((25, 31), (465, 23), (587, 23)):
        (result,) = [
            r
            for r in run.about(GOOD_HOST, "relay-refused", port=port)
            if r["subject"]["address"].startswith(IPV4_NETWORK)
        ]
        assert result["outcome"] == "pass"
        assert len(result["evidence"]) == forms


def test_open_relay_fails_critically_with_the_reply_as_evidence(whole: Run) -> None:
    (result,) = whole.about(OPEN_RELAY, "relay-refused")
    assert result["outcome"] == "fail"
    assert result["severity"] == "critical"
    assert result["step"] == "rcpt"
    quotes = [e["quote"] for v in result["violations"] for e in v["evidence"]]
    assert any("250" in quote for quote in quotes)


@pytest.mark.parametrize("port", [25, 587])
def test_auth_before_tls_fails_on_both_ports(whole: Run, port: int) -> None:
    audit = "submission-auth-offered-only-after-tls"
    assert whole.outcomes(EARLY_AUTH, audit, port=port) == {"fail"}
    assert whole.outcomes(EARLY_AUTH, "submission-auth-refused-in-clear", port=port) == {"fail"}


def test_missing_starttls_fails(whole: Run) -> None:
    assert whole.outcomes("mx1.cleartext.example.org", "mx-starttls-offered") == {"fail"}


def test_filtered_port_fails_only_where_port_25_was_reached_elsewhere(
    whole: Run, lab: Lab, fleet: Path
) -> None:
    assert whole.outcomes(FILTERED, "port-mx-reachable") == {"fail"}
    alone = perform(lab, fleet, "--limit", FILTERED)
    assert alone.outcomes(FILTERED, "port-mx-reachable") == {"unknown"}
    assert alone.exit_code == INCOMPLETE


@pytest.mark.parametrize(
    ("host", "reason", "words"),
    [
        (FILTERED, "filtered", "no answer"),
        (THROTTLING, "throttled", "Too many connections, come back later"),
        (LATE, "timeout", "no greeting"),
    ],
)
def test_silent_host_is_unknown_to_all_that_it_hides(
    whole: Run, host: str, reason: str, words: str
) -> None:
    hidden = (
        "smtp-greeting-valid",
        "mx-starttls-offered",
        "tls-handshake-completes",
        "cert-trusted",
        "cert-name-matches",
        "submission-auth-offered-only-after-tls",
        "relay-refused",
    )
    for audit in hidden:
        assert whole.outcomes(host, audit) == {"unknown"}, audit
        silences = whole.silences(host, audit)
        assert {seen for seen, _ in silences} == {reason}, audit
        assert all(words in detail for _, detail in silences), audit
    domain = host.removeprefix("mx1.")
    assert whole.outcomes(domain, "path-delivers") == {"unknown"}
    assert all(words in detail for _, detail in whole.silences(domain, "path-delivers"))


def test_greylisting_hides_what_comes_after_it(whole: Run) -> None:
    domain = GREYLISTING.removeprefix("mx1.")
    for name, audit in ((GREYLISTING, "relay-refused"), (domain, "path-delivers")):
        assert whole.outcomes(name, audit) == {"unknown"}
        silences = whole.silences(name, audit)
        assert {reason for reason, _ in silences} == {"deferred"}
        assert all("Greylisted, come back later" in detail for _, detail in silences)
    assert whole.outcomes(GREYLISTING, "mx-starttls-offered", "cert-trusted") == {"pass"}


def test_bogus_zone_is_unknown_to_all_that_asks_its_dns(whole: Run) -> None:
    decided = {r["audit"] for r in whole.about(BOGUS) if r["outcome"] in DECIDED}
    assert decided == {"dnssec-valid"}
    assert whole.outcomes(BOGUS, "dnssec-valid") == {"fail"}
    unknown = [r for r in whole.about(BOGUS) if r["outcome"] == "unknown"]
    assert {"mx-published", "spf-published", "dmarc-published"} <= {r["audit"] for r in unknown}
    assert {reason for reason, _ in whole.silences(BOGUS)} == {"servfail"}


def test_dead_resolver_leaves_everything_unknown(lab: Lab, tmp_path: Path) -> None:
    fleet = lab.write_fleet(tmp_path / "fleet", resolver=SILENT_RESOLVER, addresses=False)
    run = perform(lab, fleet)
    # That no port 465 is declared, and what is attested, needs no look at anything.
    decided = {r["audit"] for r in run.results if r["outcome"] in DECIDED}
    assert decided == {"submission-implicit-tls-offered", "submission-mfa-attested"}
    assert run.outcomes(GOOD) == {"unknown", "not-applicable"}
    assert run.outcomes(GOOD_HOST) == {"unknown", "not-applicable", "pass"}
    reasons = {u["reason"] for result in run.results for u in result["unknown"] or ()}
    assert reasons == {"dns-timeout"}
    assert run.exit_code == BOTH


@pytest.mark.parametrize("policy", [(), ("--policy", "policies/lab.yaml")])
def test_evaluating_again_offline_gives_the_same_bytes(
    lab: Lab, whole: Run, tmp_path: Path, policy: tuple[str, ...]
) -> None:
    fleet = whole.directory.parent.parent
    arguments = ("evaluate", str(whole.directory), "--output", str(tmp_path / "again"), *policy)
    done = lab.mailproof(*arguments, cwd=fleet, offline=True)
    assert done.returncode == whole.exit_code, done.stderr
    again = (tmp_path / "again/results.jsonl").read_bytes()
    assert again == (whole.directory / "results.jsonl").read_bytes()


def test_findings_alone_and_tolerated_unknowns_have_exit_codes_of_their_own(
    lab: Lab, fleet: Path
) -> None:
    assert perform(lab, fleet, "--limit", OPEN_RELAY).exit_code == FINDINGS
    assert perform(lab, fleet, "--limit", LATE, "--max-unknown", "99").exit_code == COMPLETE


def test_misspelt_key_is_named_and_nothing_is_audited(lab: Lab, fleet: Path) -> None:
    hosts = fleet / "inventory/hosts.yaml"
    hosts.write_text(hosts.read_text().replace("helo_name:", "helo_nmae:", 1))
    line = 1 + hosts.read_text().splitlines().index(f"      helo_nmae: {GOOD_HOST}")
    done = lab.mailproof("run", "--output", "runs", cwd=fleet)
    assert done.returncode == USAGE
    assert f"inventory/hosts.yaml:{line}" in done.stderr
    assert "helo_nmae" in done.stderr
    assert not (fleet / "runs").exists()


def test_no_message_was_ever_sent_or_queued(lab: Lab, whole: Run) -> None:
    assert whole.results
    assert lab.queued() == {}
    for label in lab.servers:
        log = lab.postfix(label).log.read_text().splitlines()
        sessions = [line for line in log if f"disconnect from {PROBE['ehlo']}[" in line]
        assert not [line for line in sessions if "data=" in line], label
        assert sessions or label == "filtered"
