"""Golden files: what was reviewed and must not change by accident. `make golden` writes them."""

import os
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "golden"


def golden(name: str, made: bytes) -> bytes:
    """The reviewed bytes of that name, or what was made, if they are to be written anew."""
    file = FOLDER / name
    if os.environ.get("MAILPROOF_GOLDEN") == "write":
        file.write_bytes(made)
    return file.read_bytes()
