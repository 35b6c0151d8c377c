"""Connects in a real Airflow that are killed, evicted, cleared and marked at random moments.

It takes long, and is done on demand: `KILLED_CONNECTS=100 KILLED_SEED=1 python -m pytest test_killed_at_random.py -s`
prints what was done to how many.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from cloud_sides import Sides, sides
from processes import (
    TASK_ENDED,
    Airflow,
    ApiError,
    PostgresServer,
    Run,
    TaskInstance,
    TaskProcess,
    airflow_version,
    wait_until,
)
from test_real_processes import airflow_beside

CONNECTS = int(os.environ.get("KILLED_CONNECTS", "0"))
SEED = int(os.environ.get("KILLED_SEED", "1"))
WAYS = ("waiting_kept", "waiting_deleted", "deferred_kept", "deferred_deleted")
ACTIONS = ("kill", "kill", "evict", "clear", "fail", "fail", "succeed")
LIVES: dict[str, float] = {
    "reservation_seconds": 15,
    "service_seconds": 15,
    "connection_seconds": 15,
    "connection_string_seconds": 10,
    "deletion_seconds": 3,
}
# Airflow gives a task that is told to end this long
SECONDS_TO_END = 5.0

pytestmark = [
    pytest.mark.skipif(not CONNECTS, reason="only on demand"),
    pytest.mark.timeout(900 + 12 * CONNECTS),
    pytest.mark.skipif((airflow_version() or (0, 0)) < (3, 3), reason="triggers hear of a user since Airflow 3.3"),
    pytest.mark.skipif(PostgresServer.programs() is None, reason="PostgreSQL is not installed"),
]

Key = tuple[str, int]


@dataclass
class Victim:
    """One deployment, the task that connects it, and what happens to that task once."""

    key: Key
    deployment: dict[str, str]
    action: str
    delay: float
    """Seconds from the moment at which its task was first seen at work."""
    seen_at: float | None = None
    done_at: float | None = None
    state_before: str | None = None
    is_connected: bool = False
    """Whether somebody else has connected it before."""
    known_before: frozenset[str] = frozenset()
    """The ids of its things on both sides at the moment of the action."""

    @property
    def deletes(self) -> bool:
        """Whether its task deletes on a kill what it has created."""
        return self.key[0].endswith("deleted")


@dataclass
class Chaos:
    """Does to each task once what is in store for it."""

    both: Sides
    airflow: Airflow
    run: Run
    victims: dict[Key, Victim]
    restarts: list[tuple[float, float]] = field(default_factory=list)

    def through(self) -> None:
        """Until everybody had their turn, or has ended before."""
        dice = random.Random(SEED)
        next_restart = time.monotonic() + 30
        while True:
            instances = {one.key: one for one in self.run.task_instances() if one.key in self.victims}
            processes = self.airflow.task_processes()
            for key, one in instances.items():
                self.turn(self.victims[key], one, processes.get(one.id))
            waiting = [one for one in self.victims.values() if one.done_at is None]
            if not [one for one in waiting if instances.get(one.key) is None or not _has_ended(instances[one.key])]:
                return
            if time.monotonic() > next_restart:
                self.restart_triggerer()
                next_restart = time.monotonic() + dice.uniform(30, 90)
            time.sleep(0.3)

    def restart_triggerer(self) -> None:
        """SIGKILL for it, and a new one."""
        began = time.monotonic()
        self.airflow.components["triggerer"].kill()
        self.airflow.start("triggerer")
        self.restarts.append((began, time.monotonic()))

    def turn(self, victim: Victim, instance: TaskInstance, process: TaskProcess | None) -> None:
        """What is done to a task, where its moment has come."""
        if victim.done_at is not None or instance.state not in ("running", "deferred"):
            return
        now = time.monotonic()
        victim.seen_at = victim.seen_at or now
        if now < victim.seen_at + victim.delay:
            return
        acts: dict[str, Callable[[], None] | None] = {
            "kill": None if process is None else process.kill,
            "evict": None if process is None else lambda: evict(process),
            "clear": lambda: self.run.clear(instance, only_failed=False),
            "fail": lambda: self.run.mark(instance, "failed"),
            "succeed": lambda: self.run.mark(instance, "success"),
        }
        act = acts[victim.action]
        if act is None:
            # it is in the triggerer, which is killed by itself
            return
        victim.known_before = self.of_ours(victim)
        victim.state_before = instance.state
        with suppress(ApiError):  # it has ended in between
            act()
            victim.done_at = now

    def of_ours(self, victim: Victim) -> frozenset[str]:
        """The ids of everything that there is of a deployment's, on both sides."""
        services = self.both.of_atlas(victim.deployment["group_id"])
        names = [name for _, _, name in services]
        found = [one["id"] for one in self.both.ec2.vpc_endpoints() if one["service_name"] in names]
        return frozenset(found) | {one for one, _, _ in services}

    def was_heard(self, victim: Victim) -> bool:
        """Whether somebody was there who could hear of what a user did to a task."""
        at = victim.done_at or 0.0
        around = any(began - 8 < at < ended + 8 for began, ended in self.restarts)
        return victim.state_before == "running" or not around


def evict(process: TaskProcess) -> None:
    """What Kubernetes does to a pod: SIGTERM for all its processes, and SIGKILL later."""
    everyone = [one for one in (process.process, process.supervisor) if one is not None]
    for one in everyone:
        with suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGTERM)
    threading.Timer(SECONDS_TO_END, process.kill_both).start()


def _has_ended(instance: TaskInstance) -> bool:
    return instance.state in TASK_ENDED


def victims_of(vpc_id: str) -> dict[Key, Victim]:
    """Serverless instances and dedicated clusters by turns, each in a project of its own."""
    dice = random.Random(SEED)
    found: dict[Key, Victim] = {}
    for number in range(CONNECTS):
        map_index, way = divmod(number, len(WAYS))
        kind = "instance_name" if map_index % 2 else "cluster_name"
        where = {"group_id": f"{number + 1:024x}", kind: f"Deployment{number}", "region": "us-east-1", "vpc_id": vpc_id}
        key = (WAYS[way], map_index)
        found[key] = Victim(key, where, dice.choice(ACTIONS), dice.uniform(0, 35))
    return found


def test_nothing_is_left_that_no_task_owns() -> None:
    with sides(**LIVES) as both, airflow_beside(both) as airflow:
        victims = victims_of(both.ec2.vpc_id())
        there_before = connect_some(both, victims)
        conf = {way: [one.deployment for one in victims.values() if one.key[0] == way] for way in WAYS}
        run = airflow.trigger("connect_many_and_delete_on_kill", conf)
        chaos = Chaos(both, airflow, run, victims)
        chaos.through()
        ended = {one.key: one for one in run.wait(patience=600 + 6 * CONNECTS)}
        wait_until("the end of all tasks' processes", lambda: not airflow.task_processes())
        silent = [one for one in victims.values() if not said_or_gone(chaos, one, ended[one.key])]
        done = Counter((one.action, one.state_before) for one in victims.values() if one.done_at is not None)
        print(
            f"\n{len(victims)} connects, {len(chaos.restarts)} triggerers killed; {dict(done)}; unheard: {len(silent)}"
        )
        assert [one for one in silent if chaos.was_heard(one)] == []

        for one in victims.values():
            check(chaos, one, ended[one.key])
        assert there_before <= {one["id"] for one in both.ec2.vpc_endpoints()}
        # whatever is left is found again by its mark
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda one: both.disconnect(**one.deployment), victims.values()))
        assert both.ec2.vpc_endpoints() == []


def connect_some(both: Sides, victims: dict[Key, Victim]) -> frozenset[str]:
    """Connects some of the deployments before any task does, and says which VPC endpoints these are."""
    some = [one for number, one in enumerate(victims.values()) if number % 7 == 0]
    with ThreadPoolExecutor(len(some)) as pool:
        connections = list(pool.map(lambda one: both.connect(**one.deployment), some))
    for one in some:
        one.is_connected = True
    return frozenset(one.cloud_endpoint_id or "" for one in connections)


def said_or_gone(chaos: Chaos, victim: Victim, instance: TaskInstance) -> bool:
    """Whether somebody who failed a task by hand knows of everything that is left."""
    if victim.action != "fail" or victim.done_at is None:
        return True
    left = chaos.of_ours(victim)
    log = "\n".join(line for line in chaos.run.log(instance).splitlines() if "Left behind" in line)
    return not left or all(one in log for one in left)


def check(chaos: Chaos, victim: Victim, instance: TaskInstance) -> None:
    """What became of one deployment."""
    left = chaos.of_ours(victim)
    if victim.action == "fail" and victim.done_at is not None:
        assert instance.state == "failed", victim
        if victim.is_connected:
            assert victim.known_before <= left, (victim, chaos.run.log(instance))
        elif victim.deletes and chaos.was_heard(victim):
            assert left == frozenset(), (victim, chaos.run.log(instance))
        return
    if victim.action == "succeed" and victim.done_at is not None:
        assert victim.known_before <= left, (victim, chaos.run.log(instance))
        return
    assert instance.state == "success", (victim, chaos.run.log(instance))
    before = chaos.both.ec2.vpc_endpoints()
    truth = chaos.both.connect(**victim.deployment)
    chaos.both.assert_connected_once(victim.deployment["group_id"], truth)
    assert chaos.both.ec2.vpc_endpoints() == before
