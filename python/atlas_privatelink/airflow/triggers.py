"""`AtlasWaitTrigger`: waits in a triggerer."""

from __future__ import annotations

import time
from asyncio import CancelledError, sleep
from typing import TYPE_CHECKING

from airflow.triggers.base import BaseTrigger, TriggerEvent

from .shared_clients import shared_client
from .trigger_kill import cancelled, killed
from .waits import Wait, event_of, plain, time_left

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

__all__ = ["AtlasWaitTrigger"]


class AtlasWaitTrigger(BaseTrigger):
    """Waits for something in Atlas, or for a moment, and ends with one event.

    All triggers of a triggerer that use the same connection share one client, and so sockets, digest nonces and looks:
    a thousand waits for endpoints of one instance ask for one list.

    The event's payload is a dictionary of plain values. `outcome` says how it ended: `"reached"`; `"again"`: it is
    `look_again_at`; `"failed"`: it will not come; `"timeout"`: it is `deadline`; `"error"`. `result` is the last state
    seen, `error` the trouble's `type` and `message`; `deadline` and `remains` are what the trigger was given.

    Args:
        atlas_conn_id: A connection of the type `mongodbatlas`.
        operation: The client's method that waits, such as `"wait_for_endpoint"`; `None` waits for `look_again_at`.
        arguments: The method's arguments by name, all but `timeout` and `on_progress`.
        deadline: When to give up, in seconds since the epoch. It stays the same when the triggerer is restarted.
        look_again_at: When the task wants to look for itself at what is not shown by Atlas, in seconds since the epoch.
        remains: What the task leaves behind if it is stopped, as `Remains.to_json` gives it.
        delete_on_kill: Begin to delete it then, where this task has created it (`Remains.made`).
        aws_conn_id: The connection for the AWS side of that.
    """

    def __init__(
        self,
        *,
        atlas_conn_id: str,
        operation: str | None,
        arguments: dict[str, str],
        deadline: float,
        look_again_at: float | None = None,
        remains: dict[str, Any] | None = None,
        delete_on_kill: bool = False,
        aws_conn_id: str | None = None,
    ) -> None:
        BaseTrigger.__init__(self)
        self.atlas_conn_id = atlas_conn_id
        self.operation = operation
        self.arguments = arguments
        self.deadline = deadline
        self.look_again_at = look_again_at
        self.remains = remains
        self.delete_on_kill = delete_on_kill
        self.aws_conn_id = aws_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class's path and its arguments, which JSON has."""
        arguments = {
            "atlas_conn_id": self.atlas_conn_id,
            "operation": self.operation,
            "arguments": dict(self.arguments),
            "deadline": self.deadline,
            "look_again_at": self.look_again_at,
            "remains": self.remains,
            "delete_on_kill": self.delete_on_kill,
            "aws_conn_id": self.aws_conn_id,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield one event."""
        yield TriggerEvent(await self._event())

    async def _event(self) -> dict[str, Any]:
        try:
            # whatever happens here is the task's to tell its reader; a cancellation is no such thing, and goes on
            return await self._ended()
        except CancelledError:
            if not hasattr(BaseTrigger, "on_kill"):
                await cancelled(self)
            raise
        except Exception as error:
            return self._of("error", error=error, result=plain(getattr(error, "endpoint", None)))

    async def _ended(self) -> dict[str, Any]:
        from ..errors import EndpointFailed, WaitTimeout

        end = min(self.deadline, self.look_again_at or self.deadline)
        if self.operation is None:
            await sleep(max(end - time.time(), 0.0))
            return self._of("again", result=None)
        try:
            async with shared_client(self.atlas_conn_id) as client:
                reached = await Wait(self.operation, self.arguments).on(client, timeout=time_left(end))
        except WaitTimeout as error:
            if end < self.deadline:
                return self._of("again", result=plain(error.endpoint))
            return self._of("timeout", error=error, result=plain(error.endpoint))
        except EndpointFailed as error:
            return self._of("failed", error=error, result=plain(error.endpoint))
        return self._of("reached", result=plain(reached))

    def _of(self, outcome: str, *, error: Exception | None = None, result: Any) -> dict[str, Any]:
        return event_of(outcome, error=error, result=result, deadline=self.deadline, remains=self.remains)

    async def on_kill(self) -> None:
        """Say what is left behind, and begin to delete it if that was asked for and the task has failed.

        Airflow calls it since 3.3, where a user has ended the task.
        """
        await killed(self)
