"""What a trigger does when somebody ends its task."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING

from .ec2 import ec2_client
from .hooks import client_options, connection_from_coroutine
from .remains import Remains, begin_to_delete, say_left_behind
from .task_state import state_of

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import Any

    from .triggers import AtlasWaitTrigger

__all__ = ["cancelled", "killed"]

# Airflow gives `on_kill` 30 seconds
_SECONDS_TO_DELETE = 25.0
# a user's action is in Airflow's database before the trigger hears of it
_SECONDS_TO_ASK = 5.0
_DELETIONS_AT_A_TIME = 16
_EC2_SECONDS = 30.0

_ec2_clients: dict[tuple[str | None, str | None], tuple[float, Any]] = {}


async def killed(trigger: AtlasWaitTrigger) -> None:
    """Says what is left behind, and begins to delete it if that was asked for and the task has failed.

    A task that is cleared goes on from what is there, and one that is marked as success is believed to have made it:
    both keep it.
    """
    if trigger.remains is None:
        return
    remains = Remains.from_json(trigger.remains)
    # before anything is awaited: Airflow may not wait for more
    say_left_behind(remains, trigger.log)
    if trigger.delete_on_kill:
        await _to_its_end(_delete_if_failed(trigger, remains), _SECONDS_TO_DELETE)


async def cancelled(trigger: AtlasWaitTrigger) -> None:
    """The same before Airflow 3.3, which does not say whether a user ended the task or a triggerer is restarted."""
    if trigger.remains is not None:
        await _to_its_end(_kill_if_failed(trigger), _SECONDS_TO_DELETE)


async def _kill_if_failed(trigger: AtlasWaitTrigger) -> None:
    if await _known_state_of(trigger.task_instance) == "failed":
        await killed(trigger)


async def _delete_if_failed(trigger: AtlasWaitTrigger, remains: Remains) -> None:
    from asgiref.sync import sync_to_async

    state = await _known_state_of(trigger.task_instance)
    if state != "failed":
        why = f"the task is {state}, not failed" if state else "whether the task has failed is not known"
        trigger.log.warning("Nothing is deleted: %s", why)
        return
    try:
        options = client_options(await connection_from_coroutine(trigger.atlas_conn_id))
        ec2 = None
        if "cloud_endpoint_id" in remains.made:
            # Airflow's connections can be read in this one thread alone
            ec2 = await sync_to_async(_shared_ec2)(trigger.aws_conn_id, remains.region)
    except Exception as error:
        trigger.log.warning("It could not be removed: %s: %s", type(error).__name__, error)
        return

    def delete() -> None:
        begin_to_delete(remains, client_options=options, ec2=ec2, log=trigger.log)

    # Airflow finds a task's log by the context
    await asyncio.get_running_loop().run_in_executor(_threads(), copy_context().run, delete)


async def _to_its_end(work: Awaitable[None], seconds: float) -> None:
    """Lets something end in spite of cancellations: Airflow cancels a trigger again each second."""
    task = asyncio.ensure_future(work)
    give_up = monotonic() + seconds
    while not task.done() and monotonic() < give_up:
        try:
            await asyncio.wait({task}, timeout=give_up - monotonic())
        except asyncio.CancelledError:
            continue
    if task.done() and not task.cancelled():
        task.result()


async def _known_state_of(task_instance: Any) -> str | None:
    """The state of a task instance in Airflow's database; `None` where Airflow does not say."""
    from asgiref.sync import sync_to_async

    if task_instance is None:
        return None
    try:
        return await asyncio.wait_for(sync_to_async(state_of)(task_instance), _SECONDS_TO_ASK)
    except Exception:
        return None


def _shared_ec2(aws_conn_id: str | None, region: str | None) -> Any:
    """One boto3 client for all triggers that are ended together: each takes long to make."""
    made_at, client = _ec2_clients.get((aws_conn_id, region), (0.0, None))
    if client is None or monotonic() - made_at > _EC2_SECONDS:
        client = ec2_client(aws_conn_id, region)
        _ec2_clients[aws_conn_id, region] = (monotonic(), client)
    return client


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_DELETIONS_AT_A_TIME, "atlas-privatelink deletion")
