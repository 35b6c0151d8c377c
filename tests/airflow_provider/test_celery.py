"""Hundreds of creates on two Celery workers: none is lost and none is made twice, also where workers are killed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from connections import VARIABLE, connection_to
from processes import (
    COMPONENTS,
    HOST,
    Airflow,
    PostgresServer,
    Run,
    TaskInstance,
    TaskProcess,
    airflow_version,
    free_port,
    wait_until,
)

from atlas_privatelink.testing import AtlasEmulator

DAGS = Path(__file__).parent / "dags"
GROUP_ID = "5f7cac1adf5d6c6306f4b283"
INSTANCES = [f"Instance{number}" for number in range(10)]
# on two processors each of them takes more than a second
CREATES = int(os.environ.get("CELERY_CREATES", "200"))
CREATES_WHERE_WORKERS_ARE_KILLED = 60
# whoever has told of an endpoint within this time waits for some while yet
FRESH, LONG_AGO = timedelta(seconds=5), datetime.min.replace(tzinfo=timezone.utc)
WORKERS = ("worker-0", "worker-1")
POOL = 4
# how Celery names the processes of a pool, and Airflow those that have run a task
POOL_TITLE = re.compile(r":ForkPoolWorker-|^airflow supervisor: ")
CELERY_APP = "airflow.providers.celery.executors.celery_executor.app"

pytestmark = [
    pytest.mark.timeout(1800),
    # the task state store is there since Airflow 3.3
    pytest.mark.skipif((airflow_version() or (0, 0)) < (3, 3), reason="Airflow 3.3 or later is not installed"),
    pytest.mark.skipif(find_spec("celery") is None, reason="Celery is not installed"),
    pytest.mark.skipif(PostgresServer.programs() is None, reason="PostgreSQL is not installed"),
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="Redis is not installed"),
]


@contextmanager
def redis_server() -> Iterator[str]:
    """A Redis that keeps nothing; its address."""
    port = free_port()
    settings = {"port": port, "bind": HOST, "save": "", "appendonly": "no"}
    command = ["redis-server", *(text for name, value in settings.items() for text in (f"--{name}", str(value)))]
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )
        try:
            ping = ["redis-cli", "-h", HOST, "-p", str(port), "ping"]
            wait_until("Redis", lambda: subprocess.run(ping, capture_output=True, check=False).stdout == b"PONG\n")
            yield f"redis://{HOST}:{port}/0"
        finally:
            process.kill()
            process.wait()


class CeleryAirflow(Airflow):
    """An Airflow with two Celery workers."""

    def start_worker(self, name: str) -> None:
        """Start a worker, or start it again; does not wait until it is ready."""
        if name not in self.components:
            options = ["--celery-hostname", name, "--concurrency", str(POOL), "--pid", str(self.home / f"{name}.pid")]
            self.component(name, "celery", "worker", *options, "--skip-serve-logs")
        self.components[name].start()

    def active(self) -> dict[str, list[dict[str, Any]]]:
        """The tasks that each worker is at, as the workers that answer say it."""
        command = [sys.executable, "-m", "celery", "--app", CELERY_APP, "inspect", "active", "--json"]
        done = subprocess.run(command, env=self.environment, cwd=self.home, capture_output=True, check=False)
        # it fails where nobody answers
        tasks = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {}
        return {name.removeprefix("celery@"): of_worker for name, of_worker in tasks.items()}

    def wait_until_idle(self) -> None:
        """Wait until each worker has all processes of its pool, and none of them is at a task or has a child."""

        def idle() -> bool:
            for name in WORKERS:
                members = self.components[name].members()
                pool = {one.pid for one in members if POOL_TITLE.search(one.title)}
                if len(pool) != POOL or any(one.parent in pool for one in members):
                    return False
            return self.active() == {name: [] for name in WORKERS}

        wait_until("idle workers", idle)

    def tasks_on(self, name: str) -> dict[str, TaskProcess]:
        """The processes of a worker that run tasks' code, by the id of the task instance."""
        pids = {one.pid for one in self.components[name].members()}
        return {key: one for key, one in self.task_processes().items() if one.process.pid in pids}


@contextmanager
def celery_beside(atlas: AtlasEmulator) -> Iterator[CeleryAirflow]:
    """An Airflow whose connection leads to the local Atlas, with all its components and two workers."""
    with PostgresServer() as database, redis_server() as broker:
        environment = {
            "AIRFLOW__CELERY__BROKER_URL": broker,
            # a message that a killed worker had taken and not begun is sent again
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "120",
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
            VARIABLE: connection_to(atlas),
        }
        airflow = CeleryAirflow(
            database.url,
            dags=DAGS,
            executor="CeleryExecutor",
            # the workers never wait for the scheduler
            parallelism=2 * len(WORKERS) * POOL,
            environment=environment,
        )
        with airflow:
            airflow.start(*COMPONENTS)
            for name in WORKERS:
                airflow.start_worker(name)
            yield airflow


def instance_of(map_index: int) -> str:
    """The instance that a mapped task creates its endpoint for."""
    return INSTANCES[map_index % len(INSTANCES)]


def trigger_creates(airflow: Airflow, count: int) -> Run:
    """A run with so many creates, spread over the instances."""
    endpoints = [{"group_id": GROUP_ID, "instance_name": instance_of(number)} for number in range(count)]
    return airflow.trigger("create_many", {"endpoints": endpoints})


def ended_creates(run: Run, count: int) -> list[TaskInstance]:
    """The creates of a run, all of which have succeeded."""
    creates = [one for one in run.wait(patience=1500) if one.task_id == "create"]
    assert Counter(one.state for one in creates) == {"success": count}
    return creates


def assert_each_created_once(atlas: AtlasEmulator, run: Run, creates: list[TaskInstance]) -> None:
    """One endpoint in Atlas for each task, and it is the one that the task has told Airflow of."""
    in_atlas = {
        one["_id"]: (instance, one["endpointServiceName"])
        for instance in INSTANCES
        for one in atlas.endpoints(GROUP_ID, instance)
    }
    assert len(in_atlas) == len(creates)
    # none was made and removed again
    assert atlas.stats().endpoints_made == len(creates)
    told: dict[str, TaskInstance] = {}
    for create in creates:
        returned = run.xcom(create)
        endpoint_id = run.xcom(create, "endpoint_id")
        assert returned["id"] == endpoint_id
        assert returned["status"] == "RESERVED"
        assert in_atlas[endpoint_id] == (instance_of(create.map_index), returned["endpoint_service_name"])
        told[endpoint_id] = create
    assert told.keys() == in_atlas.keys()


def test_each_of_hundreds_of_tasks_creates_one_endpoint_at_the_first_try() -> None:
    with AtlasEmulator(reservation_seconds=2, record=False) as atlas, celery_beside(atlas) as airflow:
        run = trigger_creates(airflow, CREATES)
        creates = ended_creates(run, CREATES)
        assert {one.try_number for one in creates} == {1}
        assert_each_created_once(atlas, run, creates)
        airflow.wait_until_idle()
        # raises if anything does not end, or leaves a process behind
        airflow.stop()


def test_whatever_is_killed_each_task_creates_one_endpoint() -> None:
    with AtlasEmulator(reservation_seconds=10, record=False) as atlas, celery_beside(atlas) as airflow:
        run = trigger_creates(airflow, CREATES_WHERE_WORKERS_ARE_KILLED)

        known = kill_pool_processes(airflow, run)
        in_the_dark = kill_worker(atlas, airflow, run)
        airflow.start_worker(WORKERS[0])

        creates = ended_creates(run, CREATES_WHERE_WORKERS_ARE_KILLED)
        assert_each_created_once(atlas, run, creates)
        tries = {one.map_index: one.try_number for one in creates}
        # they have really been in the middle
        assert all(tries[map_index] > 1 for map_index in known)
        assert any(tries[map_index] > 1 for map_index in in_the_dark)
        # and went on with what they had made
        ids = {one.map_index: run.xcom(one, "endpoint_id") for one in creates}
        assert {map_index: ids[map_index] for map_index in known} == known
        airflow.wait_until_idle()
        airflow.stop()


def kill_pool_processes(airflow: CeleryAirflow, run: Run) -> dict[int, str]:
    """SIGKILL two processes of a worker's pool, one of them with its task, in tasks that know their endpoint already.

    Returns:
        The endpoint of each of the tasks, by map index.
    """

    def victims() -> list[tuple[TaskInstance, TaskProcess]]:
        on_worker, running = airflow.tasks_on(WORKERS[0]), run.task_instances(task_id="create", state="running")
        times, now = run.xcom_times(), datetime.now(timezone.utc)
        found = [
            (one, on_worker[one.id])
            for one in running
            if one.id in on_worker and now - times.get(one.key, {}).get("endpoint_id", LONG_AGO) < FRESH
        ]
        return found if len(found) >= 2 else []

    (one, process), (other, other_process), *_ = wait_until("tasks that have made an endpoint", victims, pause=0.1)
    process.kill_supervisor()
    other_process.kill_both()
    return {killed.map_index: run.xcom(killed, "endpoint_id") for killed in (one, other)}


def kill_worker(atlas: AtlasEmulator, airflow: CeleryAirflow, run: Run) -> set[int]:
    """SIGKILL a whole worker while Atlas has made endpoints that no task has heard of yet.

    Returns:
        The map indexes of the tasks that ran on it.
    """
    atlas.fault("delay_after_handler", method="POST", authenticated=True, times=None, seconds=25)

    def unheard() -> bool:
        told = sum("endpoint_id" in of_task for of_task in run.xcom_times().values())
        # more than the other worker can run
        return len(atlas.endpoints(GROUP_ID)) - told > POOL

    wait_until("endpoints that nobody knows", unheard, pause=0.2)
    on_worker = airflow.tasks_on(WORKERS[0])
    airflow.components[WORKERS[0]].kill()
    atlas.heal()
    return {one.map_index for one in run.task_instances(task_id="create") if one.id in on_worker}
