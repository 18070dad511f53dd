"""What is taken as it was typed is what Typer would have made of it."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main

from audits.cli.verb import VERBS, Verb, loaded

RUN = next(verb for verb in VERBS if verb.name == "run")
EXPLAIN = next(verb for verb in VERBS if verb.name == "explain")
EVALUATE = next(verb for verb in VERBS if verb.name == "evaluate")


def of_typer(verb: Verb) -> Any:
    """The verb as Typer alone would have it."""
    app = typer.Typer()
    import_module(f"audits.cli.{verb.module}").register(app)
    return typer.main.get_group(app).commands[verb.name]


def taken(command: Any, *arguments: str) -> dict[str, Any] | str:
    try:
        return dict(command.make_context("verb", list(arguments)).params)
    except typer.TyperException as error:
        return error.format_message()


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        (RUN, []),
        (RUN, ["-p", "baseline", "--policy", "policies/ours.yaml"]),
        (RUN, ["--output", "there", "--config", "absent.yaml", "--quiet"]),
        (RUN, ["--limit", "group:edge", "--base", "main", "--candidate"]),
        (RUN, ["--fail-on", "high", "--max-unknown", "3"]),
        (RUN, ["--format", "sarif=x", "--format", "junit"]),
        (RUN, ["--fail-on", "highest"]),
        (RUN, ["--max-unknown", "-1"]),
        (RUN, ["--max-unknown", "many"]),
        (RUN, ["--nonsense"]),
        (EVALUATE, ["a/run", "--output", "b"]),
        (EVALUATE, []),
        (EXPLAIN, ["example.net", "spf-syntax-valid"]),
        (EXPLAIN, []),
    ],
)
def test_values_and_faults_are_those_of_typer(verb: Verb, arguments: list[str]) -> None:
    assert taken(loaded(verb), *arguments) == taken(of_typer(verb), *arguments)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_defaults_are_those_of_typer(verb: Verb) -> None:
    assert taken(loaded(verb)) == taken(of_typer(verb))


def test_usual_command_line_imports_nothing_that_converts(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom audits.cli import main\ntry:\n    main()\nfinally:\n"
        "    print('pydantic' in sys.modules)"
    )
    arguments = ["run", "--policy", "baseline", "--output", str(tmp_path), "--dry-run"]
    shown = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert shown.stdout.splitlines()[-1] == "False"
