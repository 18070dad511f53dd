"""JUnit XML, read back by an XML parser."""

from xml.etree import ElementTree as ET

from msgspec.structs import replace

from audits.evaluate.verdict import Severity
from audits.report.junit import junit
from audits.report.remark import Gate
from tests.report import fleet, hostile
from tests.report.golden import golden


def test_file_is_the_golden_one() -> None:
    made = junit(fleet.remarks())
    assert made == golden("junit.xml", made)


def test_every_result_is_a_case_and_the_counts_are_of_the_cases() -> None:
    root = ET.fromstring(junit(fleet.remarks()))
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == sorted(suite.get("name") for suite in suites)
    assert int(root.get("tests", "")) == len(fleet.results()) == len(root.findall(".//testcase"))
    for name, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        for counted in (root, *suites):
            assert int(counted.get(name, "")) == len(counted.findall(f".//{element}")), name


def test_outcomes_are_told_as_ci_expects() -> None:
    root = ET.fromstring(junit(fleet.remarks()))
    assert {f.get("type") for f in root.iter("failure")} == {"critical", "high"}
    assert {f.get("type") for f in root.iter("error")} == {"unknown", "error"}
    skipped = [s.get("message", "") for s in root.iter("skipped")]
    assert "waived: no DMARC record at _dmarc.leaving.example" in skipped
    assert "the audit is about domains that receive mail" in skipped


def test_failure_below_the_gate_has_passed_and_says_so() -> None:
    root = ET.fromstring(junit(fleet.remarks(gate=Gate(Severity.CRITICAL))))
    assert root.get("failures") == "1"
    said = [each.text or "" for each in root.iter("system-out")]
    assert len(said) == 3
    assert all(text.startswith("failed with severity high\n") for text in said)


def test_where_new_failures_alone_count_the_others_have_passed() -> None:
    old = replace(fleet.results()[0], change="left")
    new = replace(fleet.results()[2], change="introduced")
    root = ET.fromstring(junit(fleet.remarks([old, new], gate=Gate(new_alone=True))))
    assert [case.get("name") for case in root.findall(".//failure/..")] == ["filtered.example"]
    assert root.get("failures") == "1"


def test_server_can_not_end_an_element() -> None:
    made = junit(fleet.remarks([hostile.result(), *hostile.unseen()]))
    root = ET.fromstring(made)
    assert {element.tag for element in root.iter()} == {
        "testsuites", "testsuite", "testcase", "failure", "error",
    }  # fmt: skip
    assert "<script>" in (root.find(".//failure").text or "")  # type: ignore[union-attr]  # it is there
    assert b"]]>" not in made
    assert "\\u202e" in made.decode()
    assert not {"\x1b", "\u202e", "\ufffe"} & set(made.decode())


def test_two_subjects_of_an_audit_are_two_cases() -> None:
    found = [replace(fleet.results()[0], subject=s) for s in (fleet.MX1, fleet.MX2)]
    cases = ET.fromstring(junit(fleet.remarks(found))).findall(".//testcase")
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == 2
