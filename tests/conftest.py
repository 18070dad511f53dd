"""What tests of several folders ask for."""

from pathlib import Path

import pytest


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own, which it works in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
