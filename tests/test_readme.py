"""The README and the guides say what is so: exit codes, commands, options, and links."""

import re
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from audits.catalog import load
from audits.cli.command import app
from audits.cli.exits import MEANING

TOP = Path(__file__).parent.parent
README = (TOP / "README.md").read_text(encoding="utf-8")
GUIDES = sorted((TOP / "docs" / "guides").glob("*.md"))
WRITTEN = "\n".join([README, *(guide.read_text(encoding="utf-8") for guide in GUIDES)])
SHOWN = sorted(set(re.findall(r"\bmailproof ([a-z]+)(?=[ `\n])", WRITTEN)))


def test_exit_codes_are_those_of_the_one_table() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", README, re.MULTILINE)
    assert rows == [(str(code.value), meaning) for code, meaning in MEANING.items()]


def test_every_command_that_is_shown_exists() -> None:
    commands = typer.main.get_group(app).commands
    assert {"init", "validate", "run", "evaluate", "report", "explain", "doctor"} <= set(SHOWN)
    assert set(SHOWN) <= set(commands)


@pytest.mark.parametrize("audit", re.findall(r"mailproof explain (?:\S+\.\S+ )?([a-z-]+)", WRITTEN))
def test_audit_that_is_explained_exists(audit: str) -> None:
    assert audit in load()


def test_options_that_are_shown_exist() -> None:
    runner = CliRunner()
    for verb, option in re.findall(r"mailproof ([a-z]+)[^`#\n]*? (--?[a-z-]+)", WRITTEN):
        shown = runner.invoke(app, [verb, "--help"], env={"COLUMNS": "200"}).output
        assert option in shown, f"{verb} {option}"


def test_readme_names_every_verb() -> None:
    assert set(typer.main.get_group(app).commands) <= set(
        re.findall(r"`mailproof ([a-z]+)`", README)
    )


@pytest.mark.parametrize("page", [TOP / "README.md", *GUIDES], ids=lambda page: page.name)
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_guide_is_linked_from_the_readme() -> None:
    assert {guide.name for guide in GUIDES} == set(re.findall(r"docs/guides/([a-z-]+\.md)", README))
