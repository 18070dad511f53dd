"""Debian packages that may not be installed side by side, unpacked into a folder of their own.

exim4 and opensmtpd conflict with postfix; their programs don't. `fetch.sh` beside this file
unpacks them; `MAILPROOF_LAB_ROOT` names the folder.
"""

import os
from pathlib import Path

ROOT = Path(os.environ.get("MAILPROOF_LAB_ROOT", "/opt/mailproof-lab"))


def program(path: str) -> Path:
    """A program of the unpacked packages, `usr/sbin/exim4`; it need not exist."""
    return ROOT / path
