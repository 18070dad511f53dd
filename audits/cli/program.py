"""The program as it was started: its command line, its version and those of what it stands on."""

import platform
import sys
from functools import cache
from importlib.metadata import version as version_of

from audits import __version__

_STANDS_ON = ("nornir", "paramiko", "dnspython", "cryptography", "pyOpenSSL", "Jinja2", "msgspec")


@cache
def versions() -> dict[str, str]:
    """Of Python, of mailproof, and of what it stands on."""
    found = {"python": platform.python_version(), "mailproof": __version__}
    return found | {name: version_of(name) for name in _STANDS_ON}


def command_line() -> str:
    """The command as typed, without the path of the program. It never holds a secret."""
    return " ".join(["mailproof", *sys.argv[1:]])
