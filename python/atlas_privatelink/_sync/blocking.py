"""Calls that may block for longer than somebody waits."""

from __future__ import annotations

from contextvars import copy_context
from inspect import isawaitable
from threading import Event, Thread
from time import monotonic, sleep

from ..clouds.calls import Abandoned, CallLimit, current_limit
from ..errors import ValidationError, WaitTimeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["from_any_thread", "run_blocking", "sleep", "value_of"]


def run_blocking(function: Callable[..., Any], *arguments: Any, deadline: float) -> Any:
    """What a function returns that may block.

    It runs on a thread of its own, so that the deadline, Ctrl-C and whatever else a signal's handler raises end the
    wait at once, whatever an SDK is doing.

    Args:
        function: The function.
        *arguments: Its arguments.
        deadline: By `time.monotonic()`.

    Raises:
        WaitTimeout: The deadline has passed. The function is left alone: it sends nothing further.
    """
    limit, done = CallLimit(deadline), Event()
    results: list[Any] = []
    errors: list[BaseException] = []

    def work() -> None:
        current_limit.set(limit)
        try:
            results.append(function(*arguments))
        except Abandoned:
            errors.append(WaitTimeout("the time limit was reached before the cloud was asked"))
        except BaseException as error:
            errors.append(error)
        done.set()

    Thread(target=copy_context().run, args=(work,), daemon=True, name="atlas-privatelink cloud call").start()
    try:
        if not done.wait(max(deadline - monotonic(), 0.0)):
            name = getattr(function, "__qualname__", function)
            raise WaitTimeout(f"{name} has not answered within the time limit")
    except BaseException:
        limit.abandon()
        raise
    for error in errors:
        raise error
    (returned,) = results
    return value_of(returned)


def from_any_thread(function: Callable[[str], object]) -> Callable[[str], object]:
    """A function that a cloud's thread can call, while the caller's own thread waits for it."""
    return function


def value_of(returned: Any) -> Any:
    """What a function of the caller's returned.

    Raises:
        ValidationError: It has to be awaited, which nobody can do here.
    """
    if isawaitable(returned):
        getattr(returned, "close", bool)()
        raise ValidationError("a function of yours returned an awaitable: use `aconnect`", field="vpc_endpoint")
    return returned
