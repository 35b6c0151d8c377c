"""Calls that may block, away from the event loop."""

from __future__ import annotations

import asyncio
from asyncio import sleep
from contextvars import copy_context
from inspect import isawaitable
from threading import Thread
from time import monotonic

from ..clouds.calls import Abandoned, CallLimit, current_limit
from ..errors import WaitTimeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["from_any_thread", "run_blocking", "sleep", "value_of"]


async def run_blocking(function: Callable[..., Any], *arguments: Any, deadline: float) -> Any:
    """What a function returns that may block, or may return something to await.

    It runs on a thread of its own and not in the loop's pool: `asyncio.run` would wait for that pool when a program is
    interrupted, for as long as the function blocks.

    Args:
        function: The function.
        *arguments: Its arguments.
        deadline: By `time.monotonic()`.

    Raises:
        WaitTimeout: The deadline has passed. The function is left alone: it sends nothing further.
    """
    loop, limit = asyncio.get_running_loop(), CallLimit(deadline)
    future: asyncio.Future[Any] = loop.create_future()

    def deliver(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work() -> None:
        current_limit.set(limit)
        result: Any = None
        failed: BaseException | None = None
        try:
            result = function(*arguments)
        except Abandoned:
            failed = WaitTimeout("the time limit was reached before the cloud was asked")
        except BaseException as error:
            # a future takes no StopIteration
            failed = RuntimeError(repr(error)) if isinstance(error, StopIteration) else error
        if not loop.is_closed():
            try:
                loop.call_soon_threadsafe(deliver, result, failed)
            except RuntimeError:
                return  # closed in this moment: nobody waits

    Thread(target=copy_context().run, args=(work,), daemon=True, name="atlas-privatelink cloud call").start()
    try:
        await asyncio.wait((future,), timeout=max(deadline - monotonic(), 0.0))
        if not future.done():
            raise WaitTimeout(f"{_name(function)} has not answered within the time limit")
        returned = future.result()
    except BaseException:
        limit.abandon()
        raise
    return await value_of(returned)


def from_any_thread(function: Callable[[str], object]) -> Callable[[str], object]:
    """A function that a cloud's thread can call, and that is executed on the loop's."""
    loop = asyncio.get_running_loop()

    def call(text: str) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(function, text)

    return call


async def value_of(returned: Any) -> Any:
    """What a function of the caller's returned, awaited where it has to be."""
    return await returned if isawaitable(returned) else returned


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", function))
