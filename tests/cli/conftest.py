"""The demo's fleet, served once for all tests of the command."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audits.demo.world import running_world


@pytest.fixture(scope="session")
def served_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The fleet repository of a running demo fleet; not to be written to."""
    folder = tmp_path_factory.mktemp("served") / "fleet"
    with running_world(folder):
        yield folder
