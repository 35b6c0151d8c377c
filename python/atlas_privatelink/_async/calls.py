"""How a call is made, and how a wait is."""

from __future__ import annotations

from ..listeners import listener_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from .._core import Call, Core
    from ..models import WaitProgress


async def outcome(call: Call) -> Any:
    """What a call returns."""
    result: Any = await call
    return result


async def reached(
    core: Core,
    operation: str,
    arguments: dict[str, Any],
    *,
    until: str,
    timeout: float,
    on_progress: Callable[[WaitProgress], object] | None,
    watch: Callable[[], Awaitable[object]] | None = None,
) -> Any:
    """What a wait returns in the end; each look before is reported, and what can end it from outside is watched."""
    from ..models import WaitProgress

    listener = listener_for(title_of(operation, arguments)) if on_progress is None else None
    on_progress = listener or on_progress
    wait = core.wait(operation, arguments, until=until, timeout=timeout, reports=on_progress is not None)
    try:
        while True:
            step = await outcome(wait.step())
            if on_progress is None or not isinstance(step, WaitProgress):
                break
            if watch is not None:
                await watch()
            on_progress(step)
    except BaseException as error:
        if listener is not None:
            listener.end("failed", str(error) or type(error).__name__)
        raise
    if listener is not None:
        listener.end("done", str(getattr(step, "status", until)))
    return step


def title_of(operation: str, arguments: dict[str, Any]) -> str:
    """What a wait is for, in words."""
    what = operation.rpartition(".")[2].removeprefix("wait_for_").replace("_", " ")
    return f"{what} {next(reversed(arguments.values()))}"
