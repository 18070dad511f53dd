"""Compiled templates of reports, kept in the user's cache: to compile them takes as long as to run.

Python keeps its own modules in the same way.
"""

import marshal
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType

from jinja2.bccache import Bucket, BytecodeCache, bc_version

from audits import __version__

# Bytecode of another Python, another Jinja or another version of ours is of no use.
_MADE_BY = f"{MAGIC_NUMBER.hex()} {bc_version} {__version__}"
_OTHERS_WRITE = 0o022


class CompiledTemplates(BytecodeCache):
    """A folder of bytecode. What can't be read is compiled, what can't be written is not kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError, EOFError, ValueError, TypeError):
            begins, _, code = self._file(bucket).read_bytes().partition(b"\n")
            if begins == _first_line(bucket):
                found = marshal.loads(code)
                bucket.code = found if isinstance(found, CodeType) else None

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError), tempfile.TemporaryDirectory(dir=self._folder) as there:
            whole = Path(there, bucket.key)
            whole.write_bytes(_first_line(bucket) + b"\n" + marshal.dumps(bucket.code))
            whole.replace(self._file(bucket))

    def _file(self, bucket: Bucket) -> Path:
        return self._folder / bucket.key


def _first_line(bucket: Bucket) -> bytes:
    return f"{bucket.checksum} {_MADE_BY}".encode()


def compiled_templates(environment: Mapping[str, str] = os.environ) -> CompiledTemplates | None:
    """The cache of this user (XDG Base Directory Specification), made where it is missing.

    None where no bytecode is to be written, where there is no place for it, and where the folder is
    not this user's alone: what is in there is run.
    """
    if sys.dont_write_bytecode:
        return None
    named = Path(environment.get("XDG_CACHE_HOME", ""))
    try:
        caches = named if named.is_absolute() else Path.home() / ".cache"
        folder = caches / "mailproof" / "templates"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except (OSError, RuntimeError):  # RuntimeError: this user has no home
        return None
    alone = found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_WRITE
    return CompiledTemplates(folder) if alone else None
