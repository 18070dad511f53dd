"""Every test here has a folder of its own for a fleet."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _in_the_fleets_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
