"""Round trips of each task against the fewest that the protocol allows.

    .venv/bin/python benchmarks/round_trips.py [--round-trip-ms 40]

The collectors talk to scripted servers on loopback, through a relay that holds everything back for
half a round trip and counts how often the client goes on after it has heard something new. The
tasks, and how their minimum comes about, are in tests/collect/round_trips.py; the test beside it
fails where a task takes more than one above its minimum.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.collect.round_trips import TASKS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--round-trip-ms", type=float, default=40.0)
    round_trip_s = parser.parse_args().round_trip_ms / 1000
    print(f"{'task':<34}{'connections':>12}{'minimum':>9}{'ours':>6}{'seconds':>9}")
    worst = 0
    for task in TASKS:
        start = time.perf_counter()
        relay = asyncio.run(task.perform(round_trip_s))
        seconds = time.perf_counter() - start
        minimum = task.minimum * len(relay.visits)
        worst = max(worst, relay.round_trips - minimum)
        print(
            f"{task.name:<34}{len(relay.visits):>12}{minimum:>9}{relay.round_trips:>6}"
            f"{seconds:>9.3f}"
        )
    print(f"at most {worst} above the minimum")


if __name__ == "__main__":
    main()
