"""YAML files from disk, with the one way in which a file that can't be read is reported."""

from pathlib import Path

from audits.errors import ParseError, UsageError
from audits.parse.located_yaml import Document, parse_yaml


def shown(path: Path) -> str:
    """A path as messages name it: from the working directory where it is below that."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def read_document(path: Path, leaf: type[UsageError]) -> Document:
    """The YAML document in a file. Raises `leaf` where it can't be read or is not YAML."""
    name = shown(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise leaf(f"{name}: can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise leaf(f"{name}:{line}: found an octet that is not UTF-8, expected UTF-8") from error
    try:
        return parse_yaml(text, name)
    except ParseError as error:
        raise leaf(str(error)) from error
