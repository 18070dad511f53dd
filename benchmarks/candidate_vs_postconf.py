"""A change of one line that opens a relay: mailproof beside postconf, in one run.

    .venv/bin/python benchmarks/candidate_vs_postconf.py [--runs 5]

`mailproof run --candidate --base main --fail-on-new` judges the change against its base with the
whole baseline and writes its report; `postconf -n -c` only prints what is set, and `postfix check`
finds nothing wrong with an open relay. Both are whole processes; the best of several runs counts.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.cli.test_candidate import FILES, commit, git, open_relay, write

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs: int = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        git(folder, "init", "-q", "-b", "main", ".")
        write(folder, FILES | {"policies/ours.yaml": "id: ours\ntitle: O\nextends: [baseline]\n"})
        commit(folder)
        git(folder, "checkout", "-q", "-b", "change")
        open_relay(folder)
        commit(folder)
        ours = [sys.executable, "-c", "from audits.cli import main; main()", "run", "--candidate"]
        seconds, code = best([*ours, "--base", "main", "--fail-on-new", "-q"], folder, runs)
        print(
            f"mailproof   {seconds:6.2f} s   exit code {code} (13: the change introduces a failure)"
        )
        postconf = shutil.which("postconf", path=_PATH)
        if postconf is None:
            print("postconf    is not installed")
            return
        theirs = [postconf, "-n", "-c", str(folder / "hosts/mx1/postfix")]
        other, code = best(theirs, folder, runs)
        print(f"postconf -n {other:6.2f} s   exit code {code}")
        print(f"ratio       {seconds / other:6.1f}")


def best(command: Sequence[str], folder: Path, runs: int) -> tuple[float, int]:
    """The shortest of several runs, and how the last one ended."""
    taken = []
    code = 0
    for _ in range(runs):
        began = time.perf_counter()
        code = subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode
        taken.append(time.perf_counter() - began)
    return min(taken), code


if __name__ == "__main__":
    main()
