"""An operator's code without Airflow's processes around it: each slice of a deferred task in an operator of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

from airflow.exceptions import TaskDeferred

__all__ = ["deferred_event", "executed", "in_slices"]


def _context(pushed: dict[str, Any], *, run_id: str, try_number: int) -> Any:
    def push(*, key: str, value: Any) -> None:
        pushed[key] = value

    named = {"dag_id": "dag", "task_id": "task", "run_id": run_id, "map_index": -1}
    began = datetime.now(timezone.utc)
    return {"ti": SimpleNamespace(**named, try_number=try_number, start_date=began, xcom_push=push)}


def executed(operator: Any, *, run_id: str = "run", try_number: int = 1) -> tuple[Any, dict[str, Any]]:
    """What an operator returns, and what it has pushed to XCom."""
    pushed: dict[str, Any] = {}
    return operator.execute(_context(pushed, run_id=run_id, try_number=try_number)), pushed


def deferred_event(deferred: TaskDeferred) -> dict[str, Any]:
    """The event that a task's trigger ends with, as it comes back from the triggerer."""
    sent: Any = deferred.trigger
    path, arguments = sent.serialize()
    assert path == "atlas_privatelink.airflow.triggers.AtlasWaitTrigger"
    trigger = type(sent)(**json.loads(json.dumps(arguments)))

    async def first() -> Any:
        return [event async for event in trigger.run()]

    (event,) = asyncio.run(first())
    payload: dict[str, Any] = json.loads(json.dumps(event.payload))
    return payload


def in_slices(
    make: Callable[[], Any], *, meanwhile: Callable[[int], object] = lambda number: None
) -> tuple[Any, dict[str, Any], int]:
    """What a deferrable operator returns, what it has pushed to XCom, and how often it was deferred.

    Args:
        make: Makes the operator; a worker makes one for each slice.
        meanwhile: Is called with 1, 2, … each time that the task is deferred, before its trigger runs.
    """
    pushed: dict[str, Any] = {}
    context = _context(pushed, run_id="run", try_number=1)
    event: dict[str, Any] | None = None
    number = 0
    while True:
        operator = make()
        try:
            result = operator.execute(context) if event is None else operator.resume(context, event)
        except TaskDeferred as deferred:
            number += 1
            assert deferred.method_name == "resume"
            meanwhile(number)
            event = deferred_event(deferred)
        else:
            return result, pushed, number
