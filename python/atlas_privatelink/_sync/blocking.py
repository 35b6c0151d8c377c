"""What may block, where it may."""

from __future__ import annotations

from inspect import isawaitable
from time import sleep

from ..errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["run_blocking", "sleep"]


def run_blocking(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns."""
    returned = function(*arguments)
    if isawaitable(returned):
        getattr(returned, "close", bool)()
        raise ValidationError("vpc_endpoint returned an awaitable: use `aconnect`", field="vpc_endpoint")
    return returned
