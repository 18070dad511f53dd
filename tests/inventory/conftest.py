"""Every test here has a folder of its own for a fleet."""

import pytest


@pytest.fixture(autouse=True)
def _in_the_fleets_folder(own_folder: object) -> None:
    """What is written there is gone with the test."""
