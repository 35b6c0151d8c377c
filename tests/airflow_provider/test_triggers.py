"""The trigger, in an event loop as a triggerer has one."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.triggers.base import BaseTrigger
from cloud_sides import DEDICATED, Sides
from connections import VARIABLE

from atlas_privatelink.airflow import AtlasWaitTrigger, shared_clients, trigger_kill
from atlas_privatelink.airflow._versions import BaseHook
from atlas_privatelink.airflow.remains import Remains
from atlas_privatelink.airflow.trigger_kill import killed
from atlas_privatelink.airflow.waits import Wait

pytestmark = pytest.mark.usefixtures("airflow_home")


def made(both: Sides, group_id: str, count: int = 1) -> list[str]:
    """Endpoints of one instance, just created."""
    with both.atlas.client() as client:
        return [client.create_endpoint(group_id, "Instance0", comment=f"endpoint {one}").id for one in range(count)]


def waiting(group_id: str, endpoint_id: str, **options: Any) -> AtlasWaitTrigger:
    """A trigger for one endpoint, as it arrives in a triggerer."""
    wait = Wait.for_endpoint(group_id, "Instance0", endpoint_id, until="RESERVED")
    arguments = {"operation": wait.operation, "arguments": dict(wait.arguments), "deadline": time.time() + 60}
    trigger = AtlasWaitTrigger(atlas_conn_id="atlas_default", **{**arguments, **options})
    path, sent = trigger.serialize()
    assert path == "atlas_privatelink.airflow.triggers.AtlasWaitTrigger"
    return AtlasWaitTrigger(**json.loads(json.dumps(sent)))


async def event_of(trigger: AtlasWaitTrigger) -> dict[str, Any]:
    """The one event that a trigger ends with."""
    (event,) = [event async for event in trigger.run()]
    payload: dict[str, Any] = json.loads(json.dumps(event.payload))
    return payload


def test_one_event_has_everything(both: Sides, group_id: str) -> None:
    (endpoint_id,) = made(both, group_id)
    remains = Remains(group_id, instance_name="Instance0", endpoint_id=endpoint_id).to_json()
    trigger = waiting(group_id, endpoint_id, remains=remains)
    event = asyncio.run(event_of(trigger))
    assert event["outcome"] == "reached"
    assert event["result"]["status"] == "RESERVED"
    assert event["result"]["id"] == endpoint_id
    assert event["error"] is None
    assert (event["deadline"], event["remains"]) == (trigger.deadline, remains)


def test_a_deadline_that_has_passed_still_shows_what_is_there(slow: Sides, group_id: str) -> None:
    (endpoint_id,) = made(slow, group_id)
    # the triggerer was away for an hour
    event = asyncio.run(event_of(waiting(group_id, endpoint_id, deadline=time.time() - 3600)))
    assert event["outcome"] == "timeout"
    assert event["result"]["status"] == "RESERVATION_REQUESTED"
    assert event["error"]["type"] == "WaitTimeout"


def test_it_comes_back_for_another_look(slow: Sides, group_id: str) -> None:
    (endpoint_id,) = made(slow, group_id)
    event = asyncio.run(event_of(waiting(group_id, endpoint_id, look_again_at=time.time() + 0.5)))
    assert event["outcome"] == "again"
    assert event["error"] is None
    event = asyncio.run(event_of(waiting(group_id, endpoint_id, operation=None, look_again_at=time.time() + 0.5)))
    assert event["outcome"] == "again"


def test_what_fails_is_told_in_atlas_s_words(both: Sides, group_id: str) -> None:
    both.atlas.fail_next_endpoint("no capacity in this zone")
    (endpoint_id,) = made(both, group_id)
    event = asyncio.run(event_of(waiting(group_id, endpoint_id)))
    assert event["outcome"] == "failed"
    assert "no capacity in this zone" in event["error"]["message"]
    assert event["result"]["error_message"] == "no capacity in this zone"


def test_trouble_is_an_event_too(both: Sides, group_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    event = asyncio.run(event_of(waiting(group_id, "not an id")))
    assert (event["outcome"], event["error"]["type"]) == ("error", "ValidationError")
    monkeypatch.delenv(VARIABLE)
    event = asyncio.run(event_of(waiting(group_id, "f" * 24)))
    assert event["outcome"] == "error"
    assert "atlas_default" in event["error"]["message"]


def test_many_share_one_client_and_its_looks(slow: Sides, group_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = made(slow, group_id, 200)
    slow.atlas.reset_stats()
    fetched: list[str] = []
    for name in ("get_connection", "aget_connection"):
        original = getattr(BaseHook, name, None)
        if original is not None:
            kept = original.__func__

            def fetch(cls: Any, conn_id: str, kept: Any = kept) -> Any:
                fetched.append(conn_id)
                return kept(cls, conn_id)

            monkeypatch.setattr(BaseHook, name, classmethod(fetch))

    async def all_of_them() -> list[dict[str, Any]]:
        return await asyncio.gather(*(event_of(waiting(group_id, one)) for one in ids))

    events = asyncio.run(all_of_them())
    assert {event["outcome"] for event in events} == {"reached"}
    assert [event["result"]["id"] for event in events] == ids
    assert len(fetched) == 1
    # looks grow apart from one second, and one challenge: alone, 200 waits take a thousand requests
    assert slow.atlas.stats().requests <= 20


def test_cancelled_it_ends_at_once_and_leaves_nothing_open(slow: Sides, group_id: str) -> None:
    ids = made(slow, group_id, 3)

    async def cancelled() -> None:
        tasks = [asyncio.ensure_future(event_of(waiting(group_id, one))) for one in ids]
        await asyncio.sleep(0.5)
        (triggerer,) = shared_clients._triggerers.values()
        (shared,) = triggerer.clients.values()
        assert shared.users == 3
        for task in tasks:
            task.cancel()
        for task in tasks:
            with pytest.raises(asyncio.CancelledError):
                await task
        assert shared_clients._triggerers == {}

    asyncio.run(cancelled())


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.LogCaptureFixture]:
    """What triggers log."""
    logger = logging.getLogger("airflow")
    monkeypatch.setattr(AtlasWaitTrigger, "log", logger)
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def of_a_task_that_is(state: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Airflow's database says of every task."""

    async def known(instance: object) -> str | None:
        return state

    monkeypatch.setattr(trigger_kill, "_known_state_of", known)


@pytest.mark.parametrize("asked", [False, True])
def test_killed_it_says_what_is_left_and_removes_only_if_asked(
    both: Sides, group_id: str, asked: bool, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_a_task_that_is("failed", monkeypatch)
    ids = made(both, group_id, 2)
    of_ours = Remains(group_id, instance_name="Instance0", endpoint_id=ids[0], made=("endpoint_id",))
    of_others = Remains(group_id, instance_name="Instance0", endpoint_id=ids[1])
    for remains in (of_ours, of_others):
        trigger = waiting(group_id, ids[0], remains=remains.to_json(), delete_on_kill=asked)
        asyncio.run(killed(trigger))
    for endpoint_id in ids:
        assert f"Left behind in project {group_id}, Instance0: endpoint id {endpoint_id}" in log.text
    left = [one["_id"] for one in both.atlas.endpoints(group_id) if one["status"] != "DELETING"]
    assert left == (ids[1:] if asked else ids)


@pytest.mark.parametrize("state", ["success", "scheduled", "queued", "running", "deferred", None])
def test_what_a_user_cleared_or_marked_success_is_kept(
    both: Sides, group_id: str, state: str | None, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was deleted while its next try, or tasks downstream, already used it."""
    of_a_task_that_is(state, monkeypatch)
    (endpoint_id,) = made(both, group_id)
    remains = Remains(group_id, instance_name="Instance0", endpoint_id=endpoint_id, made=("endpoint_id",))
    asyncio.run(killed(waiting(group_id, endpoint_id, remains=remains.to_json(), delete_on_kill=True)))
    assert "Nothing is deleted" in log.text
    assert [one["status"] for one in both.atlas.endpoints(group_id)] != ["DELETING"]


def test_many_are_deleted_though_airflow_cancels_again_and_again(
    both: Sides, group_id: str, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but three of thirty were left, and nothing said so."""
    of_a_task_that_is("failed", monkeypatch)
    connections = [both.connect(f"{int(group_id, 16) + 1000 * one:024x}", **DEDICATED) for one in range(1, 9)]
    triggers = [
        waiting(
            one.group_id,
            "f" * 24,
            delete_on_kill=True,
            aws_conn_id=None,
            remains=Remains(
                one.group_id,
                cluster_name="Cluster0",
                region="us-east-1",
                endpoint_service_id=one.endpoint_service_id,
                cloud_endpoint_id=one.cloud_endpoint_id,
                vpc_id=both.ec2.vpc_id(),
                made=("endpoint_service_id", "cloud_endpoint_id"),
            ).to_json(),
        )
        for one in connections
    ]

    async def all_killed() -> None:
        tasks = [asyncio.ensure_future(asyncio.wait_for(killed(one), 30)) for one in triggers]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0.2)
            for task in tasks:
                task.cancel()
        # Airflow leaves those alone that did not end
        await asyncio.sleep(0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others)

    asyncio.run(all_killed())
    for one in connections:
        assert f"Left behind in project {one.group_id}" in log.text
        assert f"Being removed: {one.cloud_endpoint_id} in Atlas, {one.endpoint_service_id}" in log.text
        assert both.of_atlas(one.group_id) == []
    assert {one["state"] for one in both.ec2.vpc_endpoints()} <= {"deleting", "deleted"}


@pytest.mark.skipif(hasattr(BaseTrigger, "on_kill"), reason="Airflow 3.3 says itself what a user has ended")
@pytest.mark.parametrize("state", ["failed", "deferred", None])
def test_a_trigger_that_is_cancelled_asks_whether_its_task_has_failed(
    slow: Sides, group_id: str, state: str | None, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart of the triggerer deletes nothing; a user who fails the task is told what is left."""
    of_a_task_that_is(state, monkeypatch)
    (endpoint_id,) = made(slow, group_id)
    remains = Remains(group_id, instance_name="Instance0", endpoint_id=endpoint_id, made=("endpoint_id",))

    async def cancelled() -> None:
        trigger = waiting(group_id, endpoint_id, remains=remains.to_json(), delete_on_kill=True)
        task = asyncio.ensure_future(event_of(trigger))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    is_killed = state == "failed"
    assert ("Left behind" in log.text) == is_killed
    left = [one["_id"] for one in slow.atlas.endpoints(group_id) if one["status"] != "DELETING"]
    assert left == ([] if is_killed else [endpoint_id])
