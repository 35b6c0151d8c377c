"""What Airflow's database says of a task instance."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

__all__ = ["state_in_a_handler", "state_of"]


def state_of(instance: Any) -> str | None:
    """The state of a task instance, such as `"failed"`; `None` where it has none."""
    key = {"dag_id": instance.dag_id, "task_ids": [instance.task_id], "run_ids": [instance.run_id]}
    index = getattr(instance, "map_index", -1)
    try:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    except ImportError:  # 2.11
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session

        with create_session() as session:
            one = (instance.dag_id, instance.run_id, instance.task_id, index)
            names = ("dag_id", "run_id", "task_id", "map_index")
            state = session.query(TaskInstance.state).filter_by(**dict(zip(names, one, strict=True))).scalar()
    else:
        states = RuntimeTaskInstance.get_task_states(**key, map_index=None if index < 0 else index)
        of_run = states.get(instance.run_id, {})
        name = instance.task_id if index < 0 else f"{instance.task_id}_{index}"
        state = of_run.get(name)
    return None if state is None else str(getattr(state, "value", state))


def state_in_a_handler(instance: Any, *, seconds: float) -> str | None:
    """The same in a signal's handler, which may have come while the task was speaking with Airflow: `None` where there
    is no answer in time."""
    found: list[str | None] = []

    def ask() -> None:
        with suppress(Exception):
            found.append(state_of(instance))

    thread = Thread(target=ask, daemon=True, name="atlas-privatelink task state")
    thread.start()
    thread.join(seconds)
    return found[0] if found else None
