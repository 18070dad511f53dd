"""The command `mailproof`: one verb a module or two, one place for exit codes.

Only what is needed to answer an interrupt stands here; all else is loaded by `main`.
"""

import gc
import os
import signal
import sys
from types import FrameType


def main() -> None:
    """The console script: runs a verb, and ends with its exit code."""
    # A shell starts what ends in `&` with SIGINT ignored, and SIGTERM goes the same way here.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end_at_once)
    # Modules, facts and results are trees: the cycle collector has nothing to find among them, and
    # looking every 700 objects took a fifth of the CPU of a run. It begins once a verb is loaded.
    gc.set_threshold(50_000, 20, 100)
    gc.disable()

    from audits.cli.command import run_command

    code = run_command()
    # The same at the end, where Python would go through all that is loaded: a fifth of a second.
    gc.freeze()
    sys.exit(code)


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """While modules load nothing has been asked of anybody, and there is nothing to keep.

    An exception here would come out of whatever is half loaded, and some of that catches all.
    """
    os.write(sys.stderr.fileno(), b"mailproof: interrupted before it began\n")
    os._exit(128 + number)
