"""The README says what is so: its exit codes, and the commands that it shows."""

import re
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from audits.catalog import load
from audits.cli.command import app
from audits.cli.exits import MEANING

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SHOWN = sorted(set(re.findall(r"\bmailproof ([a-z]+)(?=[ `\n])", README)))


def test_exit_codes_are_those_of_the_one_table() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", README, re.MULTILINE)
    assert rows == [(str(code.value), meaning) for code, meaning in MEANING.items()]


def test_every_command_that_is_shown_exists() -> None:
    commands = typer.main.get_group(app).commands
    assert {"init", "validate", "run", "evaluate", "report", "explain", "doctor"} <= set(SHOWN)
    assert set(SHOWN) <= set(commands)


@pytest.mark.parametrize("audit", re.findall(r"mailproof explain (?:\S+\.\S+ )?([a-z-]+)", README))
def test_audit_that_is_explained_exists(audit: str) -> None:
    assert audit in load()


def test_options_that_are_shown_exist() -> None:
    runner = CliRunner()
    for verb, option in re.findall(r"mailproof ([a-z]+)[^`#\n]*? (--?[a-z-]+)", README):
        shown = runner.invoke(app, [verb, "--help"], env={"COLUMNS": "200"}).output
        assert option in shown, f"{verb} {option}"
