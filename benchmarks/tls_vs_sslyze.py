"""TLS of ten Postfix servers on port 25: mailproof beside sslyze, in one run, as root.

    sudo .venv/bin/python benchmarks/tls_vs_sslyze.py [--round-trip-ms 20]

Both look at the same servers over the same slow link from the same network namespace, one after the
other: versions, forbidden suites and groups, over STARTTLS. mailproof does all of its job with a
policy of the audits that ask for these: inventory, look-ups, policy, results and report included.
Connections are counted in the servers' own logs. sslyze runs as a process of its own, in a virtual
environment of its own: it is not a dependency, and nothing of it is imported.
"""

import argparse
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.lab.conftest import missing
from tests.lab.delay import delayed
from tests.lab.lab import AUDITOR, Lab, Machine, running_lab

SERVERS = 10
NUMBER_OF_FIRST = 20
SSLYZE = "sslyze==6.3.1"

_SCANS = ("sslv2", "sslv3", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3", "elliptic_curves")
_POLICY = """\
id: tls
version: 1
title: Versions, suites and groups
audits:
  tls-version-current:
  tls-v13-accepted:
  tls-ciphers-not-forbidden:
  tls-key-exchange-strong:
  tls-pq-hybrid-accepted:
"""


@dataclass(frozen=True)
class Measurement:
    """What one tool took."""

    seconds: float
    connections: int


def machines() -> list[Machine]:
    numbers = range(1, SERVERS + 1)
    return [Machine(f"tls{n}", NUMBER_OF_FIRST + n, f"tls{n}.example.org") for n in numbers]


def connections(lab: Lab) -> int:
    """How many connections the servers have seen so far."""
    logs = (postfix.log.read_text() for (postfix,) in lab.servers.values())
    return sum(log.count(": connect from ") for log in logs)


def measure(lab: Lab, job: Callable[[], CompletedProcess[str]]) -> Measurement:
    before = connections(lab)
    start = time.perf_counter()
    done = job()
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 10, 11, 12):
        raise SystemExit(f"{done.args}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    time.sleep(1)
    return Measurement(seconds, connections(lab) - before)


def install_sslyze(folder: Path) -> Path:
    """The interpreter of a virtual environment that has sslyze."""
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", SSLYZE], check=True)
    return python


def run_mailproof(lab: Lab, fleet: Path) -> CompletedProcess[str]:
    arguments = ("--quiet", "--policy", "policies/tls.yaml", "--output", "runs")
    return lab.mailproof("run", *arguments, cwd=fleet)


def run_sslyze(lab: Lab, python: Path) -> CompletedProcess[str]:
    services = [f"{machine.address}:25" for machine in lab.machines]
    options = [f"--{scan}" for scan in _SCANS]
    command = (str(python), "-m", "sslyze", "--starttls=smtp", *options, *services)
    done = lab.auditor.run(*command, timeout=900)
    # sslyze says with its exit code whether servers follow a profile of its own.
    return CompletedProcess(command, 0 if "SCAN RESULTS" in done.stdout else 1, done.stdout, "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--round-trip-ms", type=float, default=20.0)
    round_trip_s = parser.parse_args().round_trip_ms / 1000
    reason = missing()
    if reason:
        raise SystemExit(reason)
    with tempfile.TemporaryDirectory() as folder, running_lab(machines()) as lab:
        python = install_sslyze(Path(folder) / "sslyze")
        fleet = lab.write_fleet(Path(folder) / "fleet")
        (fleet / "policies/tls.yaml").write_text(_POLICY)
        hub = lab.auditor.name.removesuffix("audit") + "hub"
        with delayed(lab.auditor, AUDITOR, hub, round_trip_s):
            ours = measure(lab, lambda: run_mailproof(lab, fleet))
            theirs = measure(lab, lambda: run_sslyze(lab, python))
    rows = (
        ("", "seconds", "connections"),
        ("mailproof", f"{ours.seconds:.2f}", f"{ours.connections}"),
        ("sslyze", f"{theirs.seconds:.2f}", f"{theirs.connections}"),
        (
            "ratio",
            f"{theirs.seconds / ours.seconds:.1f}",
            f"{theirs.connections / ours.connections:.1f}",
        ),
    )
    for name, seconds, count in rows:
        print(f"{name:<12}{seconds:>10}{count:>14}")  # a script's whole output


if __name__ == "__main__":
    main()
