"""Two thousand waits of deferred tasks in one process, as Airflow's triggerer holds them, beside two other ways.

`python -m benches.triggerer` prints a table; it wants an Airflow beside the library. The same waits at the same local
Atlas in each way: triggers that share a client, triggers with a client each, and a blocking process for each wait, of
which fewer are run and multiplied. Nothing but the waits is measured: `benches.real_triggerer` has all of Airflow.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from atlas_privatelink import AsyncClient
from atlas_privatelink.testing import AtlasEmulator
from benches.table import show

ROOT = Path(__file__).resolve().parent.parent
WAYS = {
    "shared": "one process, triggers share a client",
    "own_clients": "one process, a client for each trigger",
    "processes": "a process for each wait",
}
INSTANCES_OF_A_PROJECT = 4
TICK_SECONDS = 0.02
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Plan:
    """The command line."""

    waits: int
    instances: int
    processes: int
    seconds: float
    settle: float
    rounds: int
    ways: list[str]


@dataclass(frozen=True)
class Endpoint:
    """What one wait is for."""

    group_id: str
    instance_name: str
    endpoint_id: str
    comment: str = ""

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments of `wait_for_endpoint`."""
        names = {"group_id": self.group_id, "instance_name": self.instance_name, "endpoint_id": self.endpoint_id}
        return {**names, "until": "RESERVED"}


@dataclass(frozen=True)
class Used:
    """What some processes have used so far, and what they hold."""

    cpu_seconds: float
    rss_bytes: int
    pss_bytes: int
    """Memory that is shared with others is divided among them."""

    @classmethod
    def of(cls, pids: Sequence[int]) -> Used:
        """Of these processes together."""
        cpu, memory = 0.0, {"Rss": 0, "Pss": 0}
        for pid in pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            cpu += (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name, _, rest = line.partition(":")
                if name in memory:
                    memory[name] += int(rest.split()[0]) * 1024
        return cls(cpu, memory["Rss"], memory["Pss"])


@dataclass(frozen=True)
class Measured:
    """One way, in one round."""

    way: str
    waits: int
    requests_per_second: float
    refused: int
    """Requests that were too many for Atlas."""
    cpu_per_minute: float
    rss_bytes: int
    pss_bytes: int
    lags: list[float] = field(default_factory=list)
    """How much later than asked for a timer of the event loop has come, while all wait."""
    lags_at_the_end: list[float] = field(default_factory=list)
    """The same, while all waits end."""
    delays: list[float] = field(default_factory=list)
    """From the last endpoint's reservation to each trigger's event, or to the end of each process's wait."""


# The children. Each says "held" when it has all waits, and what came of them at the end.


@dataclass
class LoopLag:
    """Samples by how much the event loop's timers are late."""

    samples: list[tuple[float, float]] = field(default_factory=list)

    async def sample(self) -> None:
        """Until it is cancelled."""
        while True:
            due = time.perf_counter() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            now = time.perf_counter()
            self.samples.append((time.time(), now - due))


async def hold_triggers(endpoints: Sequence[Endpoint]) -> None:
    """Run a trigger for each endpoint, as `airflow.jobs.triggerer_job_runner.TriggerRunner` does."""
    from atlas_privatelink.airflow import AtlasWaitTrigger

    lag = LoopLag()
    sampling = asyncio.create_task(lag.sample())
    ended: list[float] = []

    async def run(endpoint: Endpoint) -> None:
        trigger = AtlasWaitTrigger(
            atlas_conn_id="atlas_default",
            operation="wait_for_endpoint",
            arguments=endpoint.arguments,
            deadline=time.time() + 3600,
        )
        async for event in trigger.run():
            payload: Any = event.payload
            assert payload["outcome"] == "reached", payload
            ended.append(time.time())

    tasks = []
    for endpoint in endpoints:
        tasks.append(asyncio.create_task(run(endpoint)))
        # so does Airflow, for each trigger that it is given
        await asyncio.sleep(0)
    gc.collect()
    say("held")
    await asyncio.gather(*tasks)
    sampling.cancel()
    say({"ended": ended, "lags": lag.samples})


@asynccontextmanager
async def own_client(atlas_conn_id: str) -> AsyncIterator[AsyncClient]:
    """What a trigger would do that knows nothing of others."""
    from atlas_privatelink.airflow import AtlasHook

    async with await AtlasHook(atlas_conn_id).get_async_conn() as client:
        yield client


def hold_processes(endpoints: Sequence[Endpoint]) -> None:
    """Fork a process for each endpoint that waits in it, as a worker does for a task that is not deferred."""
    from atlas_privatelink.airflow import AtlasHook
    from atlas_privatelink.airflow.waits import Wait

    reader, writer = os.pipe()
    children = []
    for endpoint in endpoints:
        child = os.fork()
        if not child:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            with AtlasHook().get_conn() as client:
                Wait("wait_for_endpoint", endpoint.arguments).on(client, timeout=3600)
            os.write(writer, f"{time.time()}\n".encode())
            os._exit(0)
        children.append(child)
    os.close(writer)
    say("held", children)
    with open(reader) as ends:
        ended = [float(line) for line in ends]
    for child in children:
        os.waitpid(child, 0)
    say({"ended": ended, "lags": []})


def child(way: str) -> None:
    """Holds the waits that standard input names."""
    # what a worker or a triggerer has loaded by then
    if way == "processes":
        import_module("airflow.sdk.execution_time.task_runner")
        import_module("atlas_privatelink.airflow.operators")
    else:
        import_module("airflow.jobs.triggerer_job_runner")
    from atlas_privatelink.airflow import triggers

    endpoints = [Endpoint(*one) for one in json.loads(sys.stdin.readline())]
    if way == "processes":
        hold_processes(endpoints)
        return
    if way == "own_clients":
        vars(triggers)["shared_client"] = own_client
    asyncio.run(hold_triggers(endpoints))


def say(*words: object) -> None:
    """One line for the parent."""
    print(json.dumps(words), flush=True)


# The parent


@contextmanager
def child_of(way: str, atlas: AtlasEmulator) -> Iterator[subprocess.Popen[str]]:
    """A process with an Airflow home of its own."""
    connection = {
        "conn_type": "mongodbatlas",
        "login": atlas.public_key,
        "password": atlas.private_key,
        "host": atlas.base_url,
    }
    with TemporaryDirectory(prefix="airflow-") as home:
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        environment = {
            **{name: value for name, value in kept.items() if not name.startswith("AIRFLOW")},
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW_CONN_ATLAS_DEFAULT": json.dumps(connection),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "benches.triggerer", "--child", way],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def heard(process: subprocess.Popen[str], seconds: float) -> list[Any]:
    """The next line that a child says; what it prints besides is skipped."""
    assert process.stdout is not None
    give_up = time.monotonic() + seconds
    while select.select([process.stdout], [], [], max(give_up - time.monotonic(), 0))[0]:
        line = process.stdout.readline()
        assert line, f"the child has ended: {process.wait()}"
        if line.startswith("["):
            words: list[Any] = json.loads(line)
            return words
    raise TimeoutError("the child says nothing")


async def make_endpoints(atlas: AtlasEmulator, waits: int, instances: int) -> list[Endpoint]:
    """The endpoints, spread over the instances, and these over projects, since each project has its rate limit."""
    places = [(f"{n // INSTANCES_OF_A_PROJECT + 1:024x}", f"Instance{n}") for n in range(instances)]
    items = [
        {"group_id": places[n % instances][0], "instance_name": places[n % instances][1], "comment": f"wait {n}"}
        for n in range(waits)
    ]
    endpoints = []
    async with atlas.async_client() as client:
        async for outcome in client.create_endpoints(items, concurrency=32):
            given = outcome.arguments
            endpoints.append(Endpoint(given["group_id"], given["instance_name"], outcome.unwrap().id, given["comment"]))
    return endpoints


def measure(way: str, plan: Plan) -> Measured:
    """One way: all waits held for the seconds asked for, and then until each has ended."""
    waits = plan.processes if way == "processes" else plan.waits
    # it is ready only after the measurement, however slowly the waits begin
    start_seconds = plan.settle + 30
    with AtlasEmulator(record=False, reservation_seconds=plan.seconds + start_seconds) as atlas:
        endpoints = asyncio.run(make_endpoints(atlas, waits, min(plan.instances, waits)))
        reserved = time.time() + plan.seconds + start_seconds
        with child_of(way, atlas) as process:
            assert process.stdin is not None
            given = [[one.group_id, one.instance_name, one.endpoint_id] for one in endpoints]
            process.stdin.write(json.dumps(given) + "\n")
            process.stdin.flush()
            _, *children = heard(process, start_seconds)
            pids = children[0] if children else [process.pid]
            time.sleep(plan.settle)
            atlas.reset_stats()
            began, before = time.time(), Used.of(pids)
            time.sleep(plan.seconds)
            now, after, stats = time.time(), Used.of(pids), atlas.stats()
            assert now < reserved, "the machine is too slow: the waits end before the measurement does"
            (said,) = heard(process, reserved - now + 120)
        assert len(said["ended"]) == waits, f"{len(said['ended'])} of {waits} waits have ended"
        seconds = now - began
        return Measured(
            way,
            waits,
            stats.requests / seconds,
            sum(count for (_, status), count in stats.answers.items() if status == 429),
            (after.cpu_seconds - before.cpu_seconds) * 60 / seconds,
            after.rss_bytes,
            after.pss_bytes,
            [lag for at, lag in said["lags"] if began < at < now],
            [lag for at, lag in said["lags"] if at > reserved - 5],
            [ended - reserved for ended in said["ended"]],
        )


def row(way: str, measured: Sequence[Measured], waits: int) -> list[str]:
    """Medians of the rounds; where fewer waits were run, in proportion."""
    times = waits / measured[0].waits

    def middle(value: Callable[[Measured], float], digits: int, scale: float = times) -> str:
        return f"{median(map(value, measured)) * scale:,.{digits}f}"

    def lag(of: Callable[[Measured], list[float]]) -> str:
        samples = sorted(sample for one in measured for sample in of(one))
        if not samples:
            return ""
        return " / ".join(f"{samples[int(part * (len(samples) - 1))] * 1e3:.0f}" for part in (0.5, 0.99, 1))

    name = WAYS[way] if times == 1 else f"{WAYS[way]} ({measured[0].waits} x {times:g})"
    return [
        name,
        middle(lambda one: one.requests_per_second, 1),
        f"{sum(one.refused for one in measured)}",
        middle(lambda one: one.cpu_per_minute, 2),
        middle(lambda one: one.pss_bytes / 2**20, 0),
        middle(lambda one: one.rss_bytes / 2**20, 0),
        lag(lambda one: one.lags),
        lag(lambda one: one.lags_at_the_end),
        middle(lambda one: median(one.delays), 1, 1),
        middle(lambda one: max(one.delays), 1, 1),
    ]


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benches.triggerer", description=__doc__)
    parser.add_argument("--waits", type=int, default=2000)
    parser.add_argument("--instances", type=int, default=40)
    parser.add_argument("--processes", type=int, default=50, help="waits in processes of their own")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to measure")
    parser.add_argument("--settle", type=float, default=15.0, help="how long to let it run before that")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--child", choices=WAYS, help=argparse.SUPPRESS)
    return parser


def main() -> int:
    """Measures, and prints a table."""
    given = vars(arguments().parse_args())
    way = given.pop("child")
    if way is not None:
        child(way)
        return 0
    plan = Plan(**given)
    measured: dict[str, list[Measured]] = {way: [] for way in plan.ways}
    for number in range(plan.rounds):
        first = number % len(plan.ways)
        for way in plan.ways[first:] + plan.ways[:first]:
            measured[way].append(measure(way, plan))
    head = [
        "",
        "requests/s",
        "429s",
        "CPU s/min",
        "PSS, MiB",
        "RSS, MiB",
        "loop lag, ms",
        "at the end, ms",
        "delay, s",
        "longest, s",
    ]
    title = f"{plan.waits:,} waits for endpoints of {plan.instances} instances ({plan.rounds} rounds, medians)"
    notes = [
        "loop lag: median / 99th percentile / most, of a timer every 20 ms; at the end: when all waits end together",
        "delay: from the last reservation in Atlas to a trigger's event, or to the end of a process's wait",
        "Airflow's own processes are not in it: a task on a worker also has a supervisor process beside it",
    ]
    show(title, head, [row(way, measured[way], plan.waits) for way in plan.ways], notes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
