"""Runs `mailproof` as a user does: another process, its own directory, exit code and output."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-c", "from audits.cli import main; main()"]


def mailproof(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The ended process; nothing is inherited that could colour or widen its output."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def environment() -> dict[str, str]:
    """The caller's, with a terminal that is none."""
    return os.environ | {"TERM": "dumb", "COLUMNS": "200", "NO_COLOR": "1"}


def run_directory(parent: Path) -> Path:
    """The one run below a directory."""
    runs = [path for path in parent.iterdir() if path.is_dir()]
    assert len(runs) == 1, runs
    return runs[0]


def results_of(run: Path) -> list[dict[str, Any]]:
    """The lines of its results, in order."""
    return [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]
