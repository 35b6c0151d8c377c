"""What may block, away from the event loop."""

from __future__ import annotations

from asyncio import sleep, to_thread
from inspect import isawaitable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["run_blocking", "sleep"]


async def run_blocking(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns that may block, or may return something to await."""
    returned = await to_thread(function, *arguments)
    return await returned if isawaitable(returned) else returned
