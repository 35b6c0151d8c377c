"""How a call is made, and how a wait is."""

from __future__ import annotations

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

    wait = core.wait(operation, arguments, until=until, timeout=timeout, reports=on_progress is not None)
    while True:
        step = await outcome(wait.step())
        if on_progress is None or not isinstance(step, WaitProgress):
            return step
        if watch is not None:
            await watch()
        on_progress(step)
