"""Both bridges side by side, over the same core: `python -m benches.bridge.compare` (or `make bench-bridge`).

The server is the package's own local Atlas, in this process.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benches.bridge.program import EXPECTED_CODES, HANG_SECONDS, WAYS
from benches.table import Spread, show
from benches.targets import ROOT, Emulator, Target

BRIDGES = ["atlas_privatelink", "pyo3_asyncio_bridge"]
TITLES = {
    "one_call": "one call",
    "calls_200": "200 calls",
    "in_flight_100": "100 in flight at exit",
    "daemon_thread": "loop in a daemon thread",
    "sys_exit": "sys.exit in a task",
}
WELL = "well"


class Comparison:
    """Starts programs against a server."""

    def __init__(self, target: Target) -> None:
        self._environment = {
            **os.environ,
            "MONGODB_ATLAS_BASE_URL": target.base_url,
            "MONGODB_ATLAS_PUBLIC_API_KEY": target.public_key,
            "MONGODB_ATLAS_PRIVATE_API_KEY": target.private_key,
        }

    def _start(self, bridge: str, *arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "benches.bridge.program", bridge, *arguments],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def ending(self, way: str, bridge: str) -> str:
        """How a program ended."""
        try:
            ended = self._start(bridge, way, timeout=HANG_SECONDS)
        except subprocess.TimeoutExpired:
            return "hang"
        if ended.returncode < 0:
            return signal.Signals(-ended.returncode).name
        if ended.returncode != EXPECTED_CODES.get(way, 0):
            return f"exit code {ended.returncode}"
        return WELL if ended.stdout.startswith("done") else "not done"

    def forked(self, bridge: str) -> str:
        """How a forked child fared."""
        said = self._start(bridge, "fork", timeout=3 * HANG_SECONDS).stdout.strip()
        return WELL if said == "done" else said or "nothing said"

    def speed(self, bridge: str, creates: int, in_flight: int) -> dict[str, float]:
        """Creates per second, and CPU per create."""
        ended = self._start(bridge, "speed", str(creates), str(in_flight), timeout=300)
        ended.check_returncode()
        measured: dict[str, float] = json.loads(ended.stdout)
        return measured


def repeated(runs: int, at_a_time: int, one: Callable[[str], str]) -> dict[str, Counter[str]]:
    """What came of it with each bridge; they take turns."""
    turns = BRIDGES * runs
    with ThreadPoolExecutor(at_a_time) as pool:
        outcomes = list(pool.map(one, turns))
    return {
        bridge: Counter(outcome for turn, outcome in zip(turns, outcomes, strict=True) if turn == bridge)
        for bridge in BRIDGES
    }


def described(outcomes: Counter[str]) -> str:
    """How many did not go well, and what came instead."""
    bad = {outcome: count for outcome, count in outcomes.items() if outcome != WELL}
    what = ", ".join(f"{count} {outcome}" for outcome, count in sorted(bad.items()))
    return f"{sum(bad.values())} ({what})" if bad else "0"


def main() -> None:
    """Runs them."""
    parser = argparse.ArgumentParser(prog="python -m benches.bridge.compare", description="Both bridges side by side.")
    parser.add_argument("--runs", type=int, default=40, help="of each way to end (default 40)")
    parser.add_argument("--forks", type=int, default=20, help="(default 20)")
    parser.add_argument("--rounds", type=int, default=5, help="of the measurement of speed (default 5)")
    parser.add_argument("--creates", type=int, default=5000, help="in each of them (default 5000)")
    parser.add_argument("--in-flight", type=int, default=64, help="(default 64)")
    parser.add_argument("--json", type=Path, help="write all results to this file")
    options = parser.parse_args()

    emulator = Emulator()
    comparison = Comparison(emulator)
    endings = {way: repeated(options.runs, os.cpu_count() or 1, partial(comparison.ending, way)) for way in WAYS}
    # A child that hangs does nothing, and so many of them can at once.
    forks = repeated(options.forks, 8, comparison.forked)
    speeds: dict[str, list[dict[str, float]]] = {bridge: [] for bridge in BRIDGES}
    for number in range(options.rounds):
        for bridge in BRIDGES if number % 2 == 0 else reversed(BRIDGES):
            speeds[bridge].append(comparison.speed(bridge, options.creates, options.in_flight))
    emulator.stop()

    def spread(measure: str, scale: float) -> list[str]:
        return [Spread.of([run[measure] for run in speeds[bridge]]).show(scale) for bridge in BRIDGES]

    rows = [
        *(
            [f"bad exits of {options.runs}: {TITLES[way]}", *(described(outcomes[bridge]) for bridge in BRIDGES)]
            for way, outcomes in endings.items()
        ),
        [f"bad forked children of {options.forks}", *(described(forks[bridge]) for bridge in BRIDGES)],
        [f"creates per second, {options.in_flight} in flight", *spread("per_second", 1)],
        ["CPU per create, µs", *spread("cpu", 1e6)],
    ]
    notes = [f"A hang is one of {HANG_SECONDS} s."]
    show(f"Two bridges to asyncio, Python {sys.version.split()[0]}", ["", *BRIDGES], rows, notes)
    if options.json is not None:
        results = {"exits": endings, "forks": forks, "speed": speeds}
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
