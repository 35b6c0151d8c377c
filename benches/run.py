"""The library beside other clients, on one machine and in one run: `python -m benches.run` (or `make bench`).

Everybody creates the same endpoints at the same Jetty, with as many requests in flight and with connections kept open.
The server runs on the same machine: where there are few processors, a client that leaves it more of them is faster for
that reason too. CPU per create knows nothing of the server.
Each client runs in a process of its own. They take turns, each round beginning with another one, so that what the
machine does besides meets them all. Shown are medians, and the least and greatest of all rounds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benches import machine, startup, table
from benches.rig import CORE, Rig, Run
from benches.table import Spread
from benches.targets import ROOT, Target

OURS, OURS_SYNC, PYCURL = "ours_async", "ours_sync", "pycurl_multi"
CLIENTS = {
    OURS: "atlas_privatelink, async",
    OURS_SYNC: "atlas_privatelink, sync",
    "aiohttp_tasks": "aiohttp",
    "httpx_tasks": "httpx, async",
    "httpx_tasks_kept": "httpx, async, all kept",
    "httpx_threads": "httpx, sync",
    "requests_threads": "requests",
    PYCURL: "pycurl",
    CORE: "the Rust core alone",
}
NOTHING, ASYNCIO = "nothing", "nothing_async"


@dataclass
class Plan:
    """The command line."""

    rounds: int
    creates: int
    in_flight: int
    throughput_creates: int
    throughput_in_flight: int
    delay_ms: int
    import_runs: int
    wheel: Path | None
    clients: list[str]
    sections: list[str]
    json: Path | None


class Benchmarks:
    """The sections, each of which prints a table; `results` collects what `--json` writes."""

    def __init__(self, rig: Rig, plan: Plan) -> None:
        self.rig = rig
        self.plan = plan
        self.results: dict[str, object] = {}

    def sequential(self) -> None:
        """One creation after the other."""
        self._compare("sequential", f"{self.plan.creates} creates, one after the other", 1)

    def concurrent(self) -> None:
        """Many at a time."""
        in_flight = self.plan.in_flight
        how = f"{in_flight} in flight (sync clients: {in_flight} threads)"
        self._compare("concurrent", f"{self.plan.creates} creates, {how}", in_flight)

    def delayed(self) -> None:
        """Where the network is slow and nobody's CPU matters."""
        plan = self.plan
        self.rig.jetty.delay(plan.delay_ms)
        try:
            rounds = list(self._rounds([OURS, PYCURL], plan.creates, plan.in_flight))
        finally:
            self.rig.jetty.delay(0)
        title = f"{plan.creates} creates, {plan.in_flight} in flight, {plan.delay_ms} ms added to every answer"
        self._ratio("delayed", title, rounds, (OURS, PYCURL), per_second=False)

    def throughput(self) -> None:
        """What Python costs on top of the core."""
        plan = self.plan
        for target in (self.rig.jetty, self.rig.emulator):
            rounds = list(self._rounds([OURS, CORE], plan.throughput_creates, plan.throughput_in_flight, target))
            what = f"{plan.throughput_creates} creates, {plan.throughput_in_flight} in flight"
            title = f"Throughput against {target.name}, {what}"
            self._ratio(f"throughput, {target.name}", title, rounds, (OURS, CORE), per_second=True)

    def memory(self) -> None:
        """A script with one call."""
        clients = [NOTHING, ASYNCIO, *(client for client in self.plan.clients if client != CORE)]
        rounds = list(self._rounds(clients, 1, 1))
        runs = {client: [each[client] for each in rounds] for client in clients}
        self.results["memory"] = _as_json(runs)
        peaks = {client: Spread.of([run.peak_kib or 0 for run in runs[client]]) for client in clients}
        rows = [
            [
                {NOTHING: "no client", ASYNCIO: "no client, asyncio"}.get(client) or CLIENTS[client],
                peak.show(1 / 1024, 1),
            ]
            + [f"{(peak.median - peaks[base].median) / 1024:+.1f}" for base in (NOTHING, ASYNCIO)]
            for client, peak in peaks.items()
        ]
        head = ["client", "peak", "over no client", "over asyncio"]
        table.show("Peak memory of a script with one call, MiB", head, rows)

    def imports(self) -> None:
        """What an import costs."""
        seconds = startup.import_seconds(self.plan.import_runs)
        self.results["imports"] = seconds
        spreads = {name: Spread.of(values) for name, values in seconds.items()}

        def over(name: str, base: str) -> list[str]:
            if name in ("nothing", base):
                return ["", ""]
            mine, theirs = spreads[name], spreads[base]
            return [f"{(mine.least - theirs.least) * 1e3:+.1f}", f"{(mine.median - theirs.median) * 1e3:+.1f}"]

        rows = [
            [
                name,
                f"{spread.least * 1e3:.1f}",
                f"{spread.median * 1e3:.1f}",
                *over(name, "nothing"),
                *over(name, "dataclasses and enum"),
            ]
            for name, spread in spreads.items()
        ]
        head = ["interpreter with", "least", "median", "over bare: least", "median", "over d. and e.: least", "median"]
        title = f"Import: the life of an interpreter, ms ({self.plan.import_runs} runs each, taking turns)"
        table.show(title, head, rows, ["d. and e.: an interpreter that has imported dataclasses and enum"])

    def wheel(self) -> None:
        """How large it is."""
        wheel = self.plan.wheel or startup.newest_wheel(ROOT / "dist")
        if wheel is None:
            print("\nNo wheel in dist/.")
            return
        packed, unpacked = startup.wheel_bytes(wheel)
        self.results["wheel"] = {"name": wheel.name, "packed": packed, "unpacked": unpacked}
        row = [wheel.name, f"{packed / 1e6:.2f}", f"{unpacked / 1e6:.2f}"]
        table.show("Size, MB", ["wheel", "packed", "unpacked"], [row])

    def _rounds(
        self, clients: list[str], creates: int, in_flight: int, target: Target | None = None
    ) -> Iterator[dict[str, Run]]:
        for number in range(self.plan.rounds):
            first = number % len(clients)
            turns = clients[first:] + clients[:first]
            yield {client: self.rig.run(client, creates, in_flight, target) for client in turns}

    def _compare(self, section: str, title: str, in_flight: int) -> None:
        clients = self.plan.clients
        rounds = list(self._rounds(clients, self.plan.creates, in_flight))
        runs = {client: [each[client] for each in rounds] for client in clients}
        self.results[section] = _as_json(runs)
        rows = [
            [
                CLIENTS[client],
                Spread.of([run.requests / run.creates for run in mine]).show(digits=3),
                Spread.of([run.connections for run in mine]).show(),
                Spread.of([run.wall / run.creates for run in mine]).show(1e3, 2),
                Spread.of([run.cpu / run.creates for run in mine]).show(1e6),
                f"{sum(run.lost for run in mine)} of {sum(run.creates for run in mine)}",
            ]
            for client, mine in runs.items()
        ]
        head = ["client", "requests/create", "connections", "wall/create, ms", "CPU/create, µs", "lost creates"]
        table.show(f"{title} ({self.plan.rounds} rounds)", head, rows, _notes(runs))

    def _ratio(
        self, section: str, title: str, rounds: list[dict[str, Run]], pair: tuple[str, str], *, per_second: bool
    ) -> None:
        """One client by another: each round gives a ratio, so that a slow moment of the machine meets both."""
        runs = {client: [each[client] for each in rounds] for client in pair}
        self.results[section] = _as_json(runs)
        one, other = pair

        def speed(run: Run) -> float:
            return run.created / run.wall if per_second else run.wall * 1e3

        def row(name: str, value: Callable[[Run], float], scale: float = 1.0) -> list[str]:
            ratios = Spread.of([value(each[one]) / value(each[other]) for each in rounds])
            return [
                name,
                *(Spread.of([value(run) for run in runs[c]]).show(scale) for c in pair),
                ratios.show(digits=2),
            ]

        rows = [
            row("creates per second" if per_second else "wall, ms", speed),
            row("CPU/create, µs", lambda run: run.cpu / run.creates, 1e6),
        ]
        head = ["", CLIENTS[one], CLIENTS[other], "ratio"]
        table.show(f"{title} ({self.plan.rounds} rounds)", head, rows, _notes(runs))


SECTIONS: dict[str, Callable[[Benchmarks], None]] = {
    "sequential": Benchmarks.sequential,
    "concurrent": Benchmarks.concurrent,
    "delayed": Benchmarks.delayed,
    "throughput": Benchmarks.throughput,
    "memory": Benchmarks.memory,
    "imports": Benchmarks.imports,
    "wheel": Benchmarks.wheel,
}


def _as_json(runs: dict[str, list[Run]]) -> dict[str, list[dict[str, object]]]:
    return {client: [asdict(run) for run in mine] for client, mine in runs.items()}


def _notes(runs: dict[str, list[Run]]) -> list[str]:
    """What went wrong, and creations that the client does not know of."""
    notes = []
    for client, mine in runs.items():
        errors: dict[str, int] = {}
        for run in mine:
            for error, count in run.errors.items():
                errors[error] = errors.get(error, 0) + count
        for error, count in sorted(errors.items(), key=lambda item: -item[1])[:3]:
            notes.append(f"{CLIENTS[client]}: {count} x {error[:100]}")
        unknown = sum(run.made - run.created for run in mine)
        if unknown:
            notes.append(
                f"{CLIENTS[client]}: the server made {unknown:+} endpoints beside those that the client knows of"
            )
    return notes


def plan() -> Plan:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m benches.run", description="The library beside other clients.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--creates", type=int, default=500, help="in the comparison of clients (default 500)")
    parser.add_argument("--in-flight", type=int, default=50, help="where it is concurrent (default 50)")
    parser.add_argument("--throughput-creates", type=int, default=3000, help="ours and the core (default 3000)")
    parser.add_argument("--throughput-in-flight", type=int, default=64, help="ours and the core (default 64)")
    parser.add_argument("--delay-ms", type=int, default=20, help="added to every answer (default 20)")
    parser.add_argument("--import-runs", type=int, default=40)
    parser.add_argument("--wheel", type=Path, help="the wheel to weigh (default: the newest in dist/)")
    parser.add_argument("--clients", nargs="+", choices=CLIENTS, default=list(CLIENTS), metavar="CLIENT")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS), metavar="SECTION")
    parser.add_argument("--json", type=Path, help="write every single measurement to this file")
    return Plan(**vars(parser.parse_args()))


def main() -> None:
    """Runs them."""
    planned = plan()
    facts = machine.facts()
    width = max(map(len, facts))
    for name, fact in facts.items():
        print(f"{name.ljust(width)}  {fact}", flush=True)
    with Rig() as rig:
        rig.warm_up()
        benchmarks = Benchmarks(rig, planned)
        for section in planned.sections:
            SECTIONS[section](benchmarks)
    if planned.json is not None:
        planned.json.write_text(json.dumps({"facts": facts, "results": benchmarks.results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
