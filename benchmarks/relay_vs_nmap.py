"""The relay audit of ten stock Postfix servers: mailproof beside nmap, in one run, as root.

    sudo .venv/bin/python benchmarks/relay_vs_nmap.py [--round-trip-ms 20]

Both look at the same servers over the same slow link from the same network namespace, one after the
other, once each server has answered a first greeting. mailproof does all of its job, with all forms
of relaying (nmap has 16): inventory, look-ups, ports, policy, results and report included. A form
is one pair of envelope addresses; it counts as answered where the server's own log shows that it
answered RCPT. mailproof's control recipients are not counted.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.lab.conftest import missing
from tests.lab.delay import delayed
from tests.lab.lab import AUDITOR, Lab, Machine, running_lab
from tests.lab.network import tool

SERVERS = 10
NUMBER_OF_FIRST = 20

# The end of a session in Postfix's log: how many RCPT commands it answered. `rcpt=0/8`: 8 refused.
_SESSION = re.compile(r"disconnect from .* rcpt=(?:\d+/)?(\d+)")
_GREET = "import smtplib, sys; smtplib.SMTP(sys.argv[1], 25, timeout=10).quit()"
_POLICY = "id: relay\nversion: 1\ntitle: Relaying alone\naudits:\n  relay-refused:\n"


@dataclass(frozen=True)
class Measurement:
    """What one tool took and got."""

    seconds: float
    rcpt_answered: int


def machines() -> list[Machine]:
    """Servers with Postfix's stock restrictions and error limits."""
    numbers = range(1, SERVERS + 1)
    return [Machine(f"stock{n}", NUMBER_OF_FIRST + n, f"stock{n}.example.org") for n in numbers]


def rcpt_answered(lab: Lab) -> int:
    """How many RCPT commands the servers have answered in finished sessions so far."""
    logs = (postfix.log.read_text() for (postfix,) in lab.servers.values())
    return sum(int(found[1]) for log in logs for found in _SESSION.finditer(log))


def measure(lab: Lab, job: Callable[[], CompletedProcess[str]]) -> Measurement:
    """Runs a tool to its end; sessions that it left open are counted once Postfix has noticed."""
    before = rcpt_answered(lab)
    start = time.perf_counter()
    done = job()
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 10, 11, 12):
        raise SystemExit(f"{done.args}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    time.sleep(1)
    return Measurement(seconds, rcpt_answered(lab) - before)


def greet(lab: Lab) -> None:
    """One greeting of each server, so that neither tool waits for a process to be started."""
    for machine in lab.machines:
        lab.auditor.python(_GREET, machine.address)


def run_mailproof(lab: Lab, fleet: Path) -> CompletedProcess[str]:
    arguments = ("--quiet", "--policy", "policies/relay.yaml", "--output", "runs")
    return lab.mailproof("run", *arguments, cwd=fleet)


def run_nmap(lab: Lab) -> CompletedProcess[str]:
    addresses = [machine.address for machine in lab.machines]
    options = ("-Pn", "-n", "-p25", "--script", "smtp-open-relay")
    return lab.auditor.run("nmap", *options, *addresses, timeout=600)


def stored_answers(fleet: Path) -> tuple[int, int]:
    """Of mailproof's stored facts: forms answered, and controls answered."""
    forms = controls = 0
    (path,) = fleet.glob("runs/*/facts.jsonl")
    for line in path.read_text().splitlines():
        fact = json.loads(line).get("fact", {})
        if fact.get("kind") == "relay.probes":
            forms += sum(form["rcpt"] is not None for form in fact["forms"])
            controls += sum(form["rcpt"] is not None for form in fact["controls"])
    return forms, controls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--round-trip-ms", type=float, default=20.0)
    round_trip_s = parser.parse_args().round_trip_ms / 1000
    reason = missing() or (None if tool("nmap") else "this benchmark needs the package nmap")
    if reason:
        raise SystemExit(reason)
    with tempfile.TemporaryDirectory() as folder, running_lab(machines()) as lab:
        fleet = lab.write_fleet(Path(folder) / "fleet", relay_forms="all")
        (fleet / "policies/relay.yaml").write_text(_POLICY)
        hub = lab.auditor.name.removesuffix("audit") + "hub"
        with delayed(lab.auditor, AUDITOR, hub, round_trip_s):
            greet(lab)
            ours = measure(lab, lambda: run_mailproof(lab, fleet))
            forms, controls = stored_answers(fleet)
            theirs = measure(lab, lambda: run_nmap(lab))
    print_table(ours, theirs, forms, controls)


def print_table(ours: Measurement, theirs: Measurement, forms: int, controls: int) -> None:
    if ours.rcpt_answered != forms + controls:
        raise SystemExit(
            f"mailproof reports {forms} forms and {controls} controls answered, "
            f"the servers say {ours.rcpt_answered}"
        )
    rows = (
        ("", "seconds", "forms answered"),
        ("mailproof", f"{ours.seconds:.2f}", f"{forms}"),
        ("nmap", f"{theirs.seconds:.2f}", f"{theirs.rcpt_answered}"),
        ("ratio", f"{theirs.seconds / ours.seconds:.1f}", f"{forms / theirs.rcpt_answered:.2f}"),
    )
    for name, seconds, answered in rows:
        print(f"{name:<12}{seconds:>10}{answered:>18}")  # a script's whole output


if __name__ == "__main__":
    main()
