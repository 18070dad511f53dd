"""Files that tests write."""

from pathlib import Path


def write(text: str, name: str) -> Path:
    """A file below the working directory, and where it is."""
    path = Path.cwd() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
