"""Fifty connects in a real Airflow: processes are killed, Atlas goes away, and somebody ends tasks by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cloud_sides import Sides, sides
from connections import VARIABLE, connection_to
from processes import (
    COMPONENTS,
    Airflow,
    PostgresServer,
    Run,
    TaskInstance,
    TaskProcess,
    airflow_version,
    wait_until,
)

DAGS = Path(__file__).parent / "dags"
HOW = ("on_workers", "in_triggerer")
OF_EACH = 25
# each step lasts long enough for somebody to be killed in its middle
LIVES: dict[str, float] = {
    "reservation_seconds": 20,
    "service_seconds": 20,
    "connection_seconds": 20,
    "connection_string_seconds": 10,
    "deletion_seconds": 5,
}
# whoever has made a VPC endpoint within this time waits for some while yet
FRESH = timedelta(seconds=10)

pytestmark = [
    pytest.mark.timeout(1200),
    # triggers hear of a user's action since Airflow 3.3
    pytest.mark.skipif((airflow_version() or (0, 0)) < (3, 3), reason="Airflow 3.3 or later is not installed"),
    pytest.mark.skipif(PostgresServer.programs() is None, reason="PostgreSQL is not installed"),
]

Deployment = dict[str, str]
Key = tuple[str, int]


@contextmanager
def airflow_beside(both: Sides) -> Iterator[Airflow]:
    """An Airflow whose connections lead to the local Atlas and the local EC2."""
    environment = {
        **both.ec2.environment(),
        VARIABLE: connection_to(both.atlas),
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps({"conn_type": "aws"}),
    }
    with (
        PostgresServer() as database,
        Airflow(database.url, dags=DAGS, parallelism=16, environment=environment) as airflow,
    ):
        airflow.start(*COMPONENTS)
        yield airflow


def deployments(vpc_id: str) -> dict[Key, Deployment]:
    """Serverless instances and dedicated clusters by turns, each in a project of its own, by who is to connect it."""
    found: dict[Key, Deployment] = {}
    for number in range(len(HOW) * OF_EACH):
        map_index, how = divmod(number, len(HOW))
        kind = "instance_name" if map_index % 2 else "cluster_name"
        found[HOW[how], map_index] = {
            "group_id": f"{number + 1:024x}",
            kind: f"Deployment{number}",
            "region": "us-east-1",
            "vpc_id": vpc_id,
        }
    return found


def test_whatever_is_killed_each_deployment_is_connected_once() -> None:
    with sides(**LIVES) as both, airflow_beside(both) as airflow:
        asked = deployments(both.ec2.vpc_id())
        conf = {how: [deployment for key, deployment in asked.items() if key[0] == how] for how in HOW}
        run = airflow.trigger("connect_many", conf)
        chaos = Chaos(both, airflow, run)

        chaos.kill_workers("endpoint_id", "endpoint_service_id")
        chaos.kill_triggerer()
        marked = chaos.mark_failed()
        chaos.take_atlas_away()
        chaos.kill_triggerer()
        chaos.kill_workers("cloud_endpoint_id")

        ended = {one.key: one for one in run.wait(patience=600)}
        assert {key: one.state for key, one in ended.items() if one.state != "success"} == dict.fromkeys(
            marked, "failed"
        )
        # some of the killed have really been in the middle
        assert any(ended[key].try_number > 1 for key in chaos.killed)
        wait_until("the end of all tasks' processes", lambda: not airflow.task_processes())
        for key, deployment in asked.items():
            if key in marked:
                assert_left_behind(both, deployment, run, ended[key])
            else:
                assert_connected_once(both, deployment, run, ended[key])

        run.clear(*(ended[key] for key in marked))
        ended = {one.key: one for one in run.wait()}
        assert {one.state for one in ended.values()} == {"success"}
        for key in marked:
            assert_connected_once(both, asked[key], run, ended[key])
        assert len(both.ec2.vpc_endpoints()) == len(asked)

        # raises if anything does not end, or leaves a process behind
        airflow.stop()


class Chaos:
    """What happens to a run's processes, and to the Atlas that they speak with."""

    def __init__(self, both: Sides, airflow: Airflow, run: Run) -> None:
        self.both, self.airflow, self.run = both, airflow, run
        self.killed: set[Key] = set()
        """Those whose worker was killed while it ran them."""
        self.marked: set[Key] = set()
        """Those that were marked failed by hand."""

    def kill_workers(self, *known: str) -> None:
        """SIGKILL workers that know one of these ids already, and are not done."""

        def enough() -> list[tuple[TaskInstance, TaskProcess]]:
            processes = self.airflow.task_processes()
            found = [one for one in self._with_ids("on_workers", "running", *known) if one.key not in self.killed]
            pairs = [(one, processes[one.id]) for one in found if one.id in processes]
            return pairs if len(pairs) >= 3 else []

        for number, (victim, process) in enumerate(wait_until(f"workers that know {known}", enough)[:6]):
            ways: list[Callable[[], None]] = [process.kill, process.kill_both, process.kill_supervisor]
            ways[number % len(ways)]()
            self.killed.add(victim.key)

    def kill_triggerer(self) -> None:
        """SIGKILL it while tasks are deferred, and start another one."""
        wait_until("tasks that are deferred", lambda: self.run.task_instances(state="deferred"))
        self.airflow.components["triggerer"].kill()
        time.sleep(3)
        self.airflow.start("triggerer")

    def mark_failed(self) -> set[Key]:
        """Mark two failed by hand that have made something on both sides: one on a worker, one in the triggerer."""
        states = {"on_workers": "running", "in_triggerer": "deferred"}

        def both_marked() -> bool:
            for task_id in states.keys() - {key[0] for key in self.marked}:
                for one in self._with_ids(task_id, states[task_id], "cloud_endpoint_id", within=FRESH):
                    # nobody would hear of it before the trigger runs
                    if one.trigger_id is None or f"(ID {one.trigger_id}) starting" in self.run.log(one):
                        self.run.mark(one, "failed")
                        self.marked.add(one.key)
                        break
            return len(self.marked) == len(states)

        wait_until("two tasks that have just made a VPC endpoint", both_marked)
        return self.marked

    def take_atlas_away(self) -> None:
        """A restart of Atlas, which takes some seconds."""
        self.both.atlas.fault("refuse", drop_connections=True)
        time.sleep(8)
        self.both.atlas.restart()

    def _with_ids(self, task_id: str, state: str, *ids: str, within: timedelta = timedelta.max) -> list[TaskInstance]:
        """Those that know one of these ids, since a while ago at the most."""
        times = self.run.xcom_times()
        now = datetime.now(timezone.utc)
        return [
            one
            for one in self.run.task_instances(task_id=task_id, state=state)
            if any(now - time < within for name, time in times.get(one.key, {}).items() if name in ids)
            and one.key not in self.marked
        ]


def assert_connected_once(both: Sides, deployment: Deployment, run: Run, instance: TaskInstance) -> None:
    """Exactly one of everything on both sides, and it is what Airflow has been told."""
    group_id = deployment["group_id"]
    before = both.of_atlas(group_id), both.ec2.vpc_endpoints()
    truth = both.connect(**deployment)
    both.assert_connected_once(group_id, truth)
    # which has changed nothing
    assert (both.of_atlas(group_id), both.ec2.vpc_endpoints()) == before
    said: dict[str, Any] = run.xcom(instance)
    for name in ("srv", "cloud_endpoint_id", "endpoint_id", "endpoint_service_id", "endpoint_service_name"):
        assert said[name] == getattr(truth, name), name
    for name in ("cloud_endpoint_id", "endpoint_id", "endpoint_service_id", "endpoint_service_name"):
        assert run.xcom(instance, name) == getattr(truth, name), name


def assert_left_behind(both: Sides, deployment: Deployment, run: Run, instance: TaskInstance) -> None:
    """Whoever ended a task by hand reads what is still there, on both sides."""
    log = run.log(instance)
    warnings = [line for line in log.splitlines() if "Left behind" in line]
    assert warnings, log
    ((atlas_id, _, service_name),) = both.of_atlas(deployment["group_id"])
    (vpc_endpoint,) = [one for one in both.ec2.vpc_endpoints() if one["service_name"] == service_name]
    assert atlas_id in warnings[-1]
    assert vpc_endpoint["id"] in warnings[-1]
