"""The demo's fleet, served once for all tests of the command, and one run over it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audits.cli.exits import Exit
from audits.demo.world import running_world
from tests.cli.command import mailproof, run_directory


@pytest.fixture(scope="session")
def served_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The fleet repository of a running demo fleet; not to be written to."""
    folder = tmp_path_factory.mktemp("served") / "fleet"
    with running_world(folder):
        yield folder


@pytest.fixture(scope="session")
def whole(served_fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a run over the whole demo fleet; not to be written to."""
    output = tmp_path_factory.mktemp("runs")
    ended = mailproof("run", "--output", str(output), cwd=served_fleet)
    assert ended.returncode == Exit.FINDINGS_INCOMPLETE, ended.stderr
    return run_directory(output)
