"""The Code Quality report of GitLab."""

import json
from typing import Any

from msgspec.structs import replace

from audits.report.gitlab import code_quality
from audits.report.remark import Remarks
from tests.report import fleet, hostile
from tests.report.golden import golden


def issues(remarks: Remarks) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = json.loads(code_quality(remarks))
    return made


def test_file_is_the_golden_one() -> None:
    made = code_quality(fleet.remarks())
    assert made == golden("code-quality.json", made)


def test_each_issue_has_what_gitlab_asks_for_and_a_fingerprint_of_its_own() -> None:
    made = issues(fleet.remarks())
    assert len(made) == 9
    assert len({issue["fingerprint"] for issue in made}) == 9
    for issue in made:
        assert issue["description"]
        assert issue["check_name"]
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert not issue["location"]["path"].startswith(("/", "./"))
        assert issue["location"]["lines"]["begin"] >= 1


def test_failure_that_nobody_can_see_any_more_is_not_called_mended() -> None:
    failed = fleet.results()[0]
    silent = replace(hostile.unseen("421")[0], audit=failed.audit, subject=failed.subject)
    (before,), (now,) = issues(fleet.remarks([failed])), issues(fleet.remarks([silent]))
    assert before["fingerprint"] == now["fingerprint"]
    assert (before["severity"], now["severity"]) == ("blocker", "info")


def test_nothing_to_tell_is_an_empty_list() -> None:
    assert issues(fleet.remarks([])) == []


def test_server_gets_no_control_character_through() -> None:
    for issue in issues(fleet.remarks([hostile.result(), *hostile.unseen()])):
        assert issue["description"].isprintable()
        assert issue["location"]["path"].isprintable()
