# Derived from `_async` by `make twins`: do not edit.
"""How a call is made, and how a wait is."""

from __future__ import annotations

from sys import modules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._core import Call, Core
    from ..models import WaitProgress
    from ..notebook import LiveTable


def outcome(call: Call) -> Any:
    """What a call returns."""
    from .._outcomes import open_outcome

    result: Any = open_outcome(call.run())
    return result


def reached(
    core: Core,
    operation: str,
    arguments: dict[str, Any],
    *,
    until: str,
    timeout: float,
    on_progress: Callable[[WaitProgress], object] | None,
    watch: Callable[[], object] | None = None,
) -> Any:
    """What a wait returns in the end; each look before is reported, and what can end it from outside is watched."""
    from ..models import WaitProgress

    table = notebook_table(operation, arguments) if on_progress is None else None
    on_progress = table or on_progress
    wait = core.wait(operation, arguments, until=until, timeout=timeout, reports=on_progress is not None)
    try:
        while True:
            step = outcome(wait.step())
            if on_progress is None or not isinstance(step, WaitProgress):
                break
            if watch is not None:
                watch()
            on_progress(step)
    except BaseException as error:
        if table is not None:
            table.end("failed", str(error) or type(error).__name__)
        raise
    if table is not None:
        table.end("done", str(getattr(step, "status", until)))
    return step


def notebook_table(operation: str, arguments: dict[str, Any]) -> LiveTable | None:
    """A live table, where a notebook would show it."""
    if "IPython" not in modules:
        return None
    from ..notebook import live_table

    what = operation.rpartition(".")[2].removeprefix("wait_for_").replace("_", " ")
    return live_table(f"{what} {next(reversed(arguments.values()))}")
