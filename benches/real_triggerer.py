"""Two thousand deferred tasks in a real triggerer of Airflow's, beside tasks that wait on a worker.

`python -m benches.real_triggerer` prints a table. It wants Airflow 3.3 beside the library, and PostgreSQL.

The tasks that wait on a worker are run by a LocalExecutor: few, and multiplied. For the deferred ones, Airflow makes
the task instances; that they are deferred is written into its database at once, since running two thousand tasks to
that point would take most of an hour. From there on everything is Airflow's own: the triggerer finds them, runs their
triggers and hands their events on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from atlas_privatelink.testing import AtlasEmulator
from benches.table import show
from benches.triggerer import ROOT, Endpoint, Used, make_endpoints

sys.path.insert(0, str(ROOT / "tests/airflow_provider"))

from processes import Airflow, PostgresServer, Run, wait_until

DAG = """
from airflow.sdk import dag, task
from atlas_privatelink.airflow import AtlasCreateServerlessEndpointOperator


@task
def asked(how, dag_run=None):
    return dag_run.conf[how]


@dag(schedule=None)
def wait_many():
    create = AtlasCreateServerlessEndpointOperator
    create.partial(task_id="on_workers").expand_kwargs(asked.override(task_id="of_workers")("on_workers"))
    # Airflow starts no task of a pool that does not exist
    create.partial(task_id="in_triggerer", pool="nobody").expand_kwargs(
        asked.override(task_id="of_triggerer")("in_triggerer")
    )


wait_many()
"""
# run with Airflow's configuration, which is read when it is imported
DEFER = """
import json, sys, time
from airflow.models.taskinstance import TaskInstance
from airflow.models.trigger import Trigger
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import select

from atlas_privatelink.airflow import AtlasWaitTrigger

arguments = json.load(sys.stdin)
with create_session() as session:
    chosen = select(TaskInstance).where(TaskInstance.task_id == "in_triggerer").order_by(TaskInstance.map_index)
    for instance, waited in zip(session.scalars(chosen).all(), arguments, strict=True):
        trigger = AtlasWaitTrigger(
            atlas_conn_id="atlas_default",
            operation="wait_for_endpoint",
            arguments=waited,
            deadline=time.time() + 3600,
        )
        instance.trigger = Trigger.from_object(trigger)
        instance.state = TaskInstanceState.DEFERRED
        instance.next_method, instance.next_kwargs = "resume", {}
"""
# the watchdog of Airflow's event loop counts the 0.1 s that it sleeps
BLOCKED = re.compile(r"async thread was blocked for ([0-9.]+) seconds")
WATCHDOG_SECONDS, REPORTED_SECONDS = 0.1, 0.15


@dataclass(frozen=True)
class Measured:
    """One way."""

    name: str
    waits: int
    requests_per_second: float
    refused: int
    cpu_per_minute: float
    used: Used
    blocked: tuple[float, ...] = ()
    blocked_at_the_end: tuple[float, ...] = ()
    delays: tuple[float, ...] = ()
    """From the last reservation in Atlas to the moment when Airflow's database has the event."""


@dataclass(frozen=True)
class Plan:
    """The command line."""

    waits: int
    instances: int
    processes: int
    seconds: float
    settle: float


class Bench:
    """An Airflow and a local Atlas, and the two ways to wait."""

    def __init__(self, plan: Plan, atlas: AtlasEmulator, airflow: Airflow, database: PostgresServer) -> None:
        self.plan, self.atlas, self.airflow, self._database = plan, atlas, airflow, database

    def query(self, sql: str) -> int:
        """The number that a question to Airflow's database brings."""
        folder = PostgresServer.programs()
        assert folder is not None
        address = self._database.url.replace("+psycopg2", "")
        done = subprocess.run(
            [str(folder / "psql"), address, "-tAc", sql], stdout=subprocess.PIPE, text=True, check=True
        )
        return int(done.stdout)

    def measured(self, name: str, waits: int, pids: Sequence[int]) -> Measured:
        """Requests, processor time and memory for as long as was asked for."""
        self.atlas.reset_stats()
        began, before = time.time(), Used.of(pids)
        time.sleep(self.plan.seconds)
        now, after, stats = time.time(), Used.of(pids), self.atlas.stats()
        refused = sum(count for (_, status), count in stats.answers.items() if status == 429)
        cpu = (after.cpu_seconds - before.cpu_seconds) * 60 / (now - began)
        return Measured(name, waits, stats.requests / (now - began), refused, cpu, after)

    def on_workers(self, run: Run) -> Measured:
        """Tasks that wait in processes of their own."""

        def all_wait() -> bool:
            known = [key for key, of_task in run.xcom_times().items() if "endpoint_id" in of_task]
            return len(known) == len(self.airflow.task_processes()) == self.plan.processes

        wait_until("tasks that wait on a worker", all_wait)
        time.sleep(self.plan.settle)
        pids = []
        for task in self.airflow.task_processes().values():
            assert task.supervisor is not None
            pids += [task.process.pid, task.supervisor.pid]
        return self.measured("tasks on a worker, with their supervisors", self.plan.processes, pids)

    def in_triggerer(self, endpoints: Sequence[Endpoint], reserved: float) -> Measured:
        """Tasks that are deferred."""
        instances = "select count(*) from task_instance where task_id = 'in_triggerer' and map_index >= 0"
        wait_until("the task instances", lambda: self.query(instances) == len(endpoints))
        for name in ("scheduler", "dag-processor"):
            # nobody is to touch them, or to use the processors
            self.airflow.components[name].kill()
        subprocess.run(
            [sys.executable, "-c", DEFER],
            input=json.dumps([one.arguments for one in endpoints]),
            text=True,
            env=self.airflow.environment,
            cwd=self.airflow.home,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        triggerer = self.airflow.component("triggerer")
        triggerer.start()
        # each trigger writes a log of its own as soon as it runs
        logs = self.airflow.home / "logs"
        wait_until("the triggers", lambda: len(list(logs.rglob("*.trigger.*.log"))) == len(endpoints))
        time.sleep(self.plan.settle)
        quiet_from = len(triggerer.log.read_text())
        measured = self.measured("a real triggerer", len(endpoints), [one.pid for one in triggerer.members()])
        quiet_to = len(triggerer.log.read_text())
        assert time.time() < reserved, "the machine is too slow: the waits end before the measurement does"
        log_of_waits = triggerer.log.read_text()[quiet_from:quiet_to]
        delays = tuple(at - reserved for at in self._resumed(len(endpoints)))
        log_of_end = triggerer.log.read_text()[quiet_to:]
        return Measured(
            **{
                **vars(measured),
                "blocked": tuple(lags(log_of_waits)),
                "blocked_at_the_end": tuple(lags(log_of_end)),
                "delays": delays,
            }
        )

    def _resumed(self, waits: int) -> Iterator[float]:
        """When each of them has got its event, within half a second."""
        deferred = "select count(*) from task_instance where state = 'deferred'"
        before, give_up = waits, time.monotonic() + 600
        while before:
            assert time.monotonic() < give_up, f"{before} are still deferred"
            time.sleep(0.5)
            left = self.query(deferred)
            yield from [time.time()] * (before - left)
            before = left
        with_event = "select count(*) from task_instance where next_kwargs::text like '%reached%'"
        assert self.query(with_event) == waits


def lags(log: str) -> Iterator[float]:
    """How long the event loop was blocked, each time that it was long enough to be reported."""
    for found in BLOCKED.finditer(log):
        yield float(found[1]) - WATCHDOG_SECONDS


@contextmanager
def bench_of(plan: Plan, reservation_seconds: float) -> Iterator[Bench]:
    """A local Atlas, and an Airflow whose connection leads there."""
    with (
        TemporaryDirectory(prefix="dags-") as dags,
        AtlasEmulator(record=False, reservation_seconds=reservation_seconds) as atlas,
        PostgresServer() as database,
    ):
        Path(dags, "wait_many.py").write_text(DAG)
        connection = {
            "conn_type": "mongodbatlas",
            "login": atlas.public_key,
            "password": atlas.private_key,
            "host": atlas.base_url,
        }
        environment = {
            "AIRFLOW_CONN_ATLAS_DEFAULT": json.dumps(connection),
            "AIRFLOW__CORE__MAX_MAP_LENGTH": "100000",
            "AIRFLOW__TRIGGERER__CAPACITY": str(plan.waits),
            "AIRFLOW__TRIGGERER__BLOCKED_MAIN_THREAD_WARNING_THRESHOLD": str(REPORTED_SECONDS),
        }
        airflow = Airflow(database.url, dags=Path(dags), parallelism=max(plan.processes, 2), environment=environment)
        with airflow:
            airflow.start("api-server", "scheduler", "dag-processor")
            yield Bench(plan, atlas, airflow, database)


def measure(plan: Plan) -> list[Measured]:
    """Both ways, one after the other."""
    # the tasks on workers begin within two minutes; the triggerer takes 50 triggers in a second
    reservation_seconds = 120 + 2 * (plan.settle + plan.seconds) + plan.waits / 25
    with bench_of(plan, reservation_seconds) as bench:
        endpoints = asyncio.run(make_endpoints(bench.atlas, plan.waits, plan.instances))
        reserved = time.time() + reservation_seconds
        # they find the endpoints that are there, by their comments
        tasks = [
            {"group_id": one.group_id, "instance_name": one.instance_name, "comment": one.comment} for one in endpoints
        ]
        run = bench.airflow.trigger("wait_many", {"on_workers": tasks[: plan.processes], "in_triggerer": tasks})
        return [bench.on_workers(run), bench.in_triggerer(endpoints, reserved)]


def row(one: Measured, waits: int) -> list[str]:
    """A row of the table; where fewer waits were run, in proportion."""
    times = waits / one.waits

    def blocked(seconds: Sequence[float]) -> str:
        return f"{len(seconds)} times, {max(seconds, default=0) * 1e3:.0f} ms"

    in_triggerer = bool(one.delays)
    return [
        one.name if times == 1 else f"{one.name} ({one.waits} x {times:g})",
        f"{one.requests_per_second * times:,.1f}",
        f"{one.refused}",
        f"{one.cpu_per_minute * times:,.2f}",
        f"{one.used.pss_bytes * times / 2**20:,.0f}",
        f"{one.used.rss_bytes * times / 2**20:,.0f}",
        blocked(one.blocked) if in_triggerer else "",
        blocked(one.blocked_at_the_end) if in_triggerer else "",
        f"{median(one.delays):.1f}" if in_triggerer else "",
        f"{max(one.delays):.1f}" if in_triggerer else "",
    ]


def main() -> int:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benches.real_triggerer", description=__doc__)
    parser.add_argument("--waits", type=int, default=2000)
    parser.add_argument("--instances", type=int, default=40)
    parser.add_argument("--processes", type=int, default=20, help="tasks that wait on a worker")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to measure")
    parser.add_argument("--settle", type=float, default=15.0, help="how long to let it run before that")
    plan = Plan(**vars(parser.parse_args()))
    measured = measure(plan)
    head = [
        "",
        "requests/s",
        "429s",
        "CPU s/min",
        "PSS, MiB",
        "RSS, MiB",
        "loop blocked",
        "at the end",
        "delay, s",
        "longest, s",
    ]
    notes = [
        "loop blocked: how often for more than 50 ms, and the longest, by Airflow's own watchdog",
        "delay: from the last reservation in Atlas to Airflow's database having an event; looked at every half second",
    ]
    title = f"{plan.waits:,} tasks that wait for endpoints of {plan.instances} instances, in Airflow"
    show(title, head, [row(one, plan.waits) for one in measured], notes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
