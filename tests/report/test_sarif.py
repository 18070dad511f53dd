"""SARIF 2.1.0, held against its schema and against what GitHub makes of it."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from msgspec.structs import replace

from audits.evaluate.verdict import Outcome
from audits.report.remark import Gate, Remarks
from audits.report.sarif import MOST_RESULTS, log, sarif
from audits.subject import Domain
from tests.report import fleet, hostile
from tests.report.golden import golden

SCHEMA = Path(__file__).parent.parent / "data" / "sarif-2.1.0-rtm.5.json"
VALIDATOR = Draft7Validator(json.loads(SCHEMA.read_text()))


def made(remarks: Remarks, *, suppressed: bool = False) -> dict[str, Any]:
    """The one run of the log, which is valid."""
    read = json.loads(sarif(remarks, suppressed=suppressed))
    assert [error.message for error in VALIDATOR.iter_errors(read)] == []
    (run,) = read["runs"]
    check_places(run)
    whole: dict[str, Any] = run
    return whole


def check_places(run: dict[str, Any]) -> None:
    """One result without a physical location makes GitHub reject the whole file."""
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        for location in (*result["locations"], *result.get("relatedLocations", ())):
            artifact = location["physicalLocation"]["artifactLocation"]
            assert artifact["uriBaseId"] in run["originalUriBaseIds"]
            assert not artifact["uri"].startswith("/")
            assert ":" not in artifact["uri"]
            assert location["physicalLocation"]["region"]["startLine"] >= 1


def test_file_is_the_golden_one() -> None:
    written = sarif(fleet.remarks(), suppressed=True)
    assert written == golden("report.sarif", written)


def test_schema_is_one_that_refuses() -> None:
    broken = log(fleet.remarks())
    broken["runs"][0]["results"][0]["level"] = "fatal"
    assert list(VALIDATOR.iter_errors(broken))


def test_every_failure_is_a_result_with_a_place_and_a_subject() -> None:
    run = made(fleet.remarks())
    assert len(run["results"]) == 4
    first = run["results"][0]
    (location,) = first["locations"]
    artifact = location["physicalLocation"]["artifactLocation"]
    assert artifact["uri"] == "inventory/hosts.yaml"
    assert location["logicalLocations"][0]["name"] == "mx2.example.net:587 [198.51.100.107]"
    assert (first["ruleId"], first["level"]) == ("relay-refused", "error")


def test_every_rule_is_declared_with_help_and_score() -> None:
    run = made(fleet.remarks([]))
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert set(rules) == set(fleet.AUDITS)
    for rule in rules.values():
        assert 0 < float(rule["properties"]["security-severity"]) < 10
        assert rule["help"]["markdown"].startswith("## Why\n\n")
        assert rule["shortDescription"]["text"].endswith(".")
    assert rules["relay-refused"]["helpUri"].endswith("/rfc5068#section-3.2")
    assert "```\nsubmission inet n" in rules["relay-refused"]["help"]["markdown"]
    # The policy makes it critical for some.
    assert rules["cert-in-validity"]["properties"]["security-severity"] == "9.5"


def test_fingerprint_outlives_lines_words_and_severity() -> None:
    before = fleet.results()[0]
    after = replace(
        before,
        severity=fleet.Severity.LOW,
        violations=(fleet.Violation("other words", before.violations[0].evidence),),
    )
    first, second = (made(fleet.remarks([r]))["results"][0] for r in (before, after))
    assert first["partialFingerprints"] == second["partialFingerprints"]
    assert first["level"] != second["level"]


def test_waived_failure_is_there_only_where_it_is_asked_for() -> None:
    assert not [r for r in made(fleet.remarks())["results"] if "suppressions" in r]
    kept = [r for r in made(fleet.remarks(), suppressed=True)["results"] if "suppressions" in r]
    (waived,) = kept
    (suppression,) = waived["suppressions"]
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert "customer-leaves" in suppression["justification"]


def test_run_that_did_not_see_enough_was_not_successful() -> None:
    (invocation,) = made(fleet.remarks())["invocations"]
    assert invocation["executionSuccessful"] is False
    told = invocation["toolExecutionNotifications"]
    assert len(told) == 5
    assert {each["level"] for each in told} == {"error", "warning"}
    (tolerant,) = made(fleet.remarks(gate=Gate(max_unknown=5)))["invocations"]
    assert tolerant["executionSuccessful"] is True


def test_run_that_was_cut_off_says_so() -> None:
    run = replace(fleet.RUN, complete=False)
    passed = [fleet.result(fleet.SPF, Domain("example.net"), Outcome.PASS)]
    (invocation,) = made(fleet.remarks(passed, run=run))["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "The run was cut off."


def test_comparison_gives_baseline_states() -> None:
    relay, cert, *_ = fleet.results()
    found = [replace(relay, change="introduced"), replace(cert, change="left")]
    states = {r["ruleId"]: r["baselineState"] for r in made(fleet.remarks(found))["results"]}
    assert states == {"relay-refused": "new", "cert-in-validity": "unchanged"}
    assert "baselineState" not in made(fleet.remarks([relay]))["results"][0]


def test_too_many_results_are_gathered_by_audit() -> None:
    many = [
        fleet.failed(fleet.SPF, Domain(f"d{n:05}.example"), "no record", "dns.mx", "", "x")
        for n in range(MOST_RESULTS)
    ]
    assert len(made(fleet.remarks(many))["results"]) == MOST_RESULTS
    run = made(fleet.remarks([*many, fleet.results()[0], fleet.results()[2]]))
    assert len(run["results"]) == 3
    gathered = next(r for r in run["results"] if r["ruleId"] == "spf-published")
    text = gathered["message"]["text"]
    assert text.startswith("5,000 subjects failed: A domain publishes SPF. d00000.example, ")
    assert text.endswith(" and 4,980 more")
    prints = {tuple(r["partialFingerprints"].values()) for r in run["results"]}
    assert len(prints) == 3


def test_server_gets_neither_link_nor_placeholder_nor_path_through() -> None:
    found = [hostile.result(), *hostile.unseen()]
    run = made(fleet.remarks(found))
    text = json.dumps(run, ensure_ascii=False)
    assert "](http" not in text
    message = run["results"][0]["message"]["text"]
    assert message.isprintable()
    assert " {{0}} " in message
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.isascii()
    assert not {" ", "<", "\\", "["} & set(uri)
