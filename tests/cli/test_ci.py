"""What `init --ci` writes, the action and the hooks: they say what the command understands."""

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main
from ruamel.yaml import YAML
from typer.testing import CliRunner

from audits.cli.command import app
from audits.cli.exits import Exit
from audits.cli.form import Format
from tests.cli.command import mailproof

ROOT = Path(__file__).parent.parent.parent
WORKFLOWS = {"github": Path(".github/workflows/mailproof.yml"), "gitlab": Path(".gitlab-ci.yml")}
RELEASE = re.compile(r"[\w.-]+(?:/[\w.-]+)+@v\d+(?:\.\d+)*")


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text())


def commands(node: Any) -> list[str]:
    """Every text below a node that runs mailproof, in one line."""
    if isinstance(node, dict):
        return [found for value in node.values() for found in commands(value)]
    if isinstance(node, list):
        return [found for value in node for found in commands(value)]
    return [node] if isinstance(node, str) and node.startswith("mailproof ") else []


def used(node: Any) -> list[str]:
    """Every action that a workflow uses."""
    if isinstance(node, dict):
        own = [node["uses"]] if "uses" in node else []
        return own + [found for value in node.values() for found in used(value)]
    return [found for value in node for found in used(value)] if isinstance(node, list) else []


def check(command: str) -> None:
    """The command has that verb, the verb has those options, and there are those forms."""
    plain = re.sub(r"\$\{\w+:\+([^}]*)\}", r"\1", command)
    _, verb, *words = shlex.split(plain)
    assert verb in typer.main.get_group(app).commands
    shown = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "200"}).output
    for place, word in enumerate(words):
        if word.startswith("--"):
            assert f" {word} " in shown, word
        if word == "--format":
            assert words[place + 1].partition("=")[0] in list(Format)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


@pytest.mark.parametrize("ci", WORKFLOWS)
def test_workflow_runs_what_the_command_understands(repository: Path, ci: str) -> None:
    ended = mailproof("init", "--ci", ci, cwd=repository)
    assert ended.returncode == Exit.COMPLETE, ended.stderr
    assert str(WORKFLOWS[ci]) in ended.stdout
    workflow = read(repository / WORKFLOWS[ci])
    found = commands(workflow)
    # An invalid file is told by `run` as well, at its place: nothing stands before it.
    assert [shlex.split(command)[1] for command in found] == ["run"]
    for command in found:
        check(command)
    assert all(RELEASE.fullmatch(action) for action in used(workflow))
    assert "@FOLDER@" not in (repository / WORKFLOWS[ci]).read_text()


@pytest.mark.parametrize("ci", WORKFLOWS)
def test_workflow_of_a_fleet_below_stands_at_the_top(repository: Path, ci: str) -> None:
    assert mailproof("init", "mail/fleet", "--ci", ci, cwd=repository).returncode == Exit.COMPLETE
    assert (repository / "mail" / "fleet" / "mailproof.yaml").is_file()
    text = (repository / WORKFLOWS[ci]).read_text()
    assert text.count('"mail/fleet') == (3 if ci == "github" else 5)


def test_workflow_is_added_to_a_fleet_that_is_there(repository: Path) -> None:
    assert mailproof("init", cwd=repository).returncode == Exit.COMPLETE
    added = mailproof("init", "--ci", "github", cwd=repository)
    assert added.returncode == Exit.COMPLETE
    assert added.stdout.splitlines() == [str(WORKFLOWS["github"])]


@pytest.mark.parametrize("ci", WORKFLOWS)
def test_workflow_is_named_from_where_the_command_was_typed(repository: Path, ci: str) -> None:
    below = repository / "mail" / "fleet"
    below.mkdir(parents=True)
    ended = mailproof("init", "--ci", ci, cwd=below)
    assert ended.stdout.splitlines()[-1] == str("../.." / WORKFLOWS[ci])
    assert (repository / WORKFLOWS[ci]).is_file()
    again = mailproof("init", "--ci", ci, cwd=below)
    assert f"found {'../..' / WORKFLOWS[ci]}; expected a repository without it" in again.stderr


def test_workflow_of_a_fleet_with_an_absolute_name_has_one_too(repository: Path) -> None:
    fleet = repository / "fleet"
    named = mailproof("init", str(fleet), "--ci", "github", cwd=repository).stdout.splitlines()
    assert named[0] == str(fleet / "mailproof.yaml")
    assert named[-1] == str(repository / WORKFLOWS["github"])


def test_github_workflow_asks_for_no_more_than_it_needs(repository: Path) -> None:
    assert mailproof("init", "--ci", "github", cwd=repository).returncode == Exit.COMPLETE
    workflow = read(repository / WORKFLOWS["github"])
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    assert job["permissions"] == {
        "contents": "read",
        "security-events": "write",
        "actions": "read",
    }
    steps = {step["uses"].partition("@")[0]: step for step in job["steps"] if "uses" in step}
    checkout = steps["actions/checkout"]["with"]
    assert checkout == {"fetch-depth": 0, "persist-credentials": False}
    upload = steps["github/codeql-action/upload-sarif"]
    assert upload["continue-on-error"] is True
    # An expression in a script would run what a branch is named.
    assert not [step for step in job["steps"] if "${{" in step.get("run", "")]


def test_workflow_that_is_there_is_left_alone(repository: Path) -> None:
    file = repository / WORKFLOWS["gitlab"]
    file.write_text("stages: [test]\n")
    ended = mailproof("init", "--ci", "gitlab", cwd=repository)
    assert ended.returncode == Exit.USAGE
    assert "expected a repository without it" in ended.stderr
    assert file.read_text() == "stages: [test]\n"
    assert not (repository / "mailproof.yaml").exists()


def test_hooks_run_what_the_command_understands() -> None:
    hooks = read(ROOT / ".pre-commit-hooks.yaml")
    assert {hook["id"] for hook in hooks} == {"mailproof-validate", "mailproof-candidate"}
    for hook in hooks:
        assert hook["language"] == "python"
        assert hook["pass_filenames"] is False
        check(hook["entry"])
    pattern = re.compile(hooks[0]["files"])
    assert all(map(pattern.search, ("mailproof.yaml", "a/inventory/hosts.yaml", "policies/x.yml")))
    assert not pattern.search("src/hosts.yaml")


def test_action_hands_inputs_over_as_variables() -> None:
    action = read(ROOT / "action.yml")
    steps = action["runs"]["steps"]
    assert all(RELEASE.fullmatch(name) for name in used(steps))
    scripts = [step["run"] for step in steps if "run" in step]
    assert not [script for script in scripts if "${{" in script]
    (step,) = [step for step in steps if step.get("id") == "run"]
    given = {value.strip("${} ").removeprefix("inputs.") for value in step["env"].values()}
    assert given | {"python-version"} == set(action["inputs"])
    shown = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200"}).output
    for option in re.findall(r"--[a-z-]+", step["run"]):
        assert f" {option} " in shown, option


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "run --candidate --fail-on medium --max-unknown 0 --format github --format "
             "markdown=SUMMARY"),
        ({"BASE": "main", "LIVE": "true", "SARIF": "m.sarif", "POLICY": "$(id); x"},
         "run --candidate --fail-on medium --max-unknown 0 --format github --format "
         "markdown=SUMMARY --base origin/main --fail-on-new --policy $(id); x --live --format "
         "sarif=m.sarif"),
    ],
)  # fmt: skip
def test_action_calls_the_command(tmp_path: Path, given: dict[str, str], expected: str) -> None:
    """The step itself, with a command in front of ours that says how it was called."""
    (tmp_path / "mailproof").write_text(
        '#!/bin/sh\necho "$*"\n[ -z "$SARIF" ] || echo {} >"$SARIF"\nexit 13\n'
    )
    (tmp_path / "mailproof").chmod(0o755)
    (step,) = [s for s in read(ROOT / "action.yml")["runs"]["steps"] if s.get("id") == "run"]
    nothing = dict.fromkeys(step["env"], "")
    usual = {"FAIL_ON": "medium", "MAX_UNKNOWN": "0", "FOLDER": "."}
    ended = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step["run"]],
        env={
            **os.environ, **nothing, **usual, **given,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "GITHUB_STEP_SUMMARY": "SUMMARY",
            "GITHUB_OUTPUT": str(tmp_path / "output"),
        },
        cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert ended.returncode == 13, ended.stderr
    assert ended.stdout.strip() == expected
    output = (tmp_path / "output").read_text()
    assert "exit-code=13\n" in output
    assert ("sarif=./m.sarif\n" in output) is ("SARIF" in given)
