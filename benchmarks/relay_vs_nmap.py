"""The relay audit of ten stock Postfix servers: mailproof beside nmap, by turns, as root.

    sudo .venv/bin/python benchmarks/relay_vs_nmap.py [--round-trip-ms 20] [--rounds 3]

All look at the same servers over the same slow link from the same network namespace, by turns, each
time once every server has just answered as many greetings at once as any tool asks for. mailproof
does all of its job: start, inventory, look-ups, ports, policy, results and report included. It runs
with `relay_forms: most` and with `all`: 21 and 23 forms, and eight of them again inside TLS (nmap
has 16). A form is one pair of envelope addresses; it counts as answered where the server's own log
shows that it answered RCPT. mailproof's control recipients are not counted. What counts is the
median of the rounds.
"""

import argparse
import json
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from subprocess import CompletedProcess

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.lab.conftest import missing
from tests.lab.delay import delayed
from tests.lab.lab import AUDITOR, Lab, Machine, running_lab
from tests.lab.network import tool

SERVERS = 10
FORMS = ("most", "all")
NMAP = "nmap"
NUMBER_OF_FIRST = 20

# The end of a session in Postfix's log: how many RCPT commands it answered. `rcpt=0/8`: 8 refused.
_SESSION = re.compile(r"disconnect from .* rcpt=(?:\d+/)?(\d+)")
# mailproof holds two connections to a server at most, nmap one.
_GREET = """
import smtplib, sys
from concurrent.futures import ThreadPoolExecutor

def greeted(address):
    return smtplib.SMTP(address, 25, timeout=10)

addresses = sys.argv[1:] * 2
with ThreadPoolExecutor(len(addresses)) as pool:
    held = list(pool.map(greeted, addresses))
    list(pool.map(lambda connection: connection.quit(), held))
"""
_POLICY = "id: relay\nversion: 1\ntitle: Relaying alone\naudits:\n  relay-refused:\n"


@dataclass(frozen=True)
class Measurement:
    """What one tool took and got. cpu_seconds: of the tool itself."""

    seconds: float
    cpu_seconds: float
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
    lab.auditor.python(_GREET, *(machine.address for machine in lab.machines))
    time.sleep(1)
    before, cpu_before = rcpt_answered(lab), cpu_seconds()
    start = time.perf_counter()
    done = job()
    seconds, cpu = time.perf_counter() - start, cpu_seconds() - cpu_before
    if done.returncode not in (0, 10, 11, 12):
        raise SystemExit(f"{done.args}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    time.sleep(1)
    return Measurement(seconds, cpu, rcpt_answered(lab) - before)


def cpu_seconds() -> float:
    """What the processes took that were waited for so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write_fleet(lab: Lab, folder: Path, relay_forms: str) -> Path:
    fleet = lab.write_fleet(folder / relay_forms, relay_forms=relay_forms)
    (fleet / "policies/relay.yaml").write_text(_POLICY)
    return fleet


def run_mailproof(lab: Lab, fleet: Path, output: str) -> CompletedProcess[str]:
    arguments = ("--quiet", "--policy", "policies/relay.yaml", "--output", output)
    return lab.mailproof("run", *arguments, cwd=fleet)


def run_nmap(lab: Lab) -> CompletedProcess[str]:
    addresses = [machine.address for machine in lab.machines]
    options = ("-Pn", "-n", "-p25", "--script", "smtp-open-relay")
    return lab.auditor.run("nmap", *options, *addresses, timeout=600)


def stored_answers(runs: Path) -> tuple[int, int]:
    """Of mailproof's stored facts: forms answered, and controls answered."""
    forms = controls = 0
    (path,) = runs.glob("*/facts.jsonl")
    for line in path.read_text().splitlines():
        fact = json.loads(line).get("fact", {})
        if fact.get("kind") == "relay.probes":
            forms += sum(form["rcpt"] is not None for form in fact["forms"])
            controls += sum(form["rcpt"] is not None for form in fact["controls"])
    return forms, controls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--round-trip-ms", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    reason = missing() or (None if tool("nmap") else "this benchmark needs the package nmap")
    if reason:
        raise SystemExit(reason)
    # Nobody's second run compiles anything.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    found: dict[str, list[Measurement]] = {}
    with tempfile.TemporaryDirectory() as folder, running_lab(machines()) as lab:
        fleets = {f"mailproof, {forms}": write_fleet(lab, Path(folder), forms) for forms in FORMS}
        hub = lab.auditor.name.removesuffix("audit") + "hub"
        for fleet in fleets.values():
            run_mailproof(lab, fleet, "runs-before")
        with delayed(lab.auditor, AUDITOR, hub, arguments.round_trip_ms / 1000):
            for number in range(arguments.rounds):
                output = f"runs-{number}"
                for name, fleet in fleets.items():
                    seen = measure(lab, partial(run_mailproof, lab, fleet, output))
                    ours = without_controls(seen, *stored_answers(fleet / output))
                    found.setdefault(name, []).append(ours)
                found.setdefault(NMAP, []).append(measure(lab, partial(run_nmap, lab)))
    print_table(found)


def without_controls(found: Measurement, forms: int, controls: int) -> Measurement:
    """The same with forms alone, once mailproof and the servers agree on how many there were."""
    if found.rcpt_answered != forms + controls:
        raise SystemExit(
            f"mailproof reports {forms} forms and {controls} controls answered, "
            f"the servers say {found.rcpt_answered}"
        )
    return replace(found, rcpt_answered=forms)


def print_table(found: dict[str, list[Measurement]]) -> None:
    print(f"{'':<16}{'seconds':>10}{'CPU':>8}{'forms answered':>18}")
    for name, rounds in found.items():
        for each in rounds:
            figures = f"{each.seconds:>10.2f}{each.cpu_seconds:>8.2f}{each.rcpt_answered:>18}"
            print(f"{name:<16}{figures}")
    theirs = found.pop(NMAP)
    print("medians against nmap's:")
    for name, ours in found.items():
        seconds = median(m.seconds for m in theirs) / median(m.seconds for m in ours)
        forms = median(m.rcpt_answered for m in ours) / median(m.rcpt_answered for m in theirs)
        print(f"{name:<16}{seconds:>9.1f}x{'':>8}{forms:>17.2f}x")


if __name__ == "__main__":
    main()
