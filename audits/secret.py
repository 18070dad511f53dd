"""Secrets by reference: the inventory says where a password is, never what it is."""

import os
import shlex
import stat
import subprocess
from pathlib import Path

from audits.errors import UsageError

_PATIENCE_S = 30.0


def secret(reference: str) -> str:
    """The secret behind `env:NAME`, `file:PATH` or `cmd:COMMAND`, without its final line break.

    A command is run without a shell. Raises UsageError, which never quotes the secret, where there
    is none to be had, or where others may read the file.
    """
    kind, _, rest = reference.partition(":")
    match kind:
        case "env":
            found = _from_environment(rest)
        case "file":
            found = _from_file(Path(rest).expanduser())
        case "cmd":
            found = _from_command(rest)
        case _:
            raise UsageError("a secret: found a literal, expected env:NAME, file:PATH or cmd:...")
    if not found:
        raise UsageError(f"{reference}: found nothing, expected a secret")
    return found


def _from_environment(name: str) -> str:
    if name not in os.environ:
        raise UsageError(f"env:{name}: the variable is not set, expected it to hold a secret")
    return os.environ[name]


def _from_file(path: Path) -> str:
    try:
        if os.name == "posix" and path.stat().st_mode & stat.S_IRWXO:
            raise UsageError(f"file:{path}: found a file open to all, expected mode 0600 or 0640")
        return path.read_text(encoding="utf-8").removesuffix("\n")
    except OSError as error:
        raise UsageError(f"file:{path}: can't be read: {error.strerror}") from error
    except UnicodeDecodeError:
        # Not chained: the error holds the octets.
        raise UsageError(f"file:{path}: found octets, expected UTF-8 text") from None


def _from_command(command: str) -> str:
    # Errors are not chained where they could hold what the command printed.
    try:
        ran = subprocess.run(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UsageError(f"cmd:{command}: no answer within {_PATIENCE_S:g} s") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"cmd:{command}: can't be run: {error}") from None
    if ran.returncode:
        raise UsageError(f"cmd:{command}: ended with status {ran.returncode}, expected 0")
    return ran.stdout.removesuffix("\n")
