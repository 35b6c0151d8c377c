"""Wakes event loops that cannot watch a descriptor (Windows' proactor loop). Other loops need no thread of Python's."""

from __future__ import annotations

import atexit
import os
import threading
import weakref

from ._core import Bridge, next_bridge, stop_pump

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable

    Deliver = Callable[[Bridge], None]

_bridges: dict[int, tuple[weakref.ref[AbstractEventLoop], Bridge, Deliver]] = {}
_started_in: int | None = None


def register(bridge_id: int, loop: AbstractEventLoop, bridge: Bridge, deliver: Deliver) -> None:
    """Has `loop` call `deliver` with `bridge` whenever one of its requests has finished."""
    global _started_in  # noqa: PLW0603
    _bridges[bridge_id] = (weakref.ref(loop), bridge, deliver)
    if _started_in != os.getpid():
        _started_in = os.getpid()
        thread = threading.Thread(target=_run, name="atlas-privatelink-pump", daemon=True)
        thread.start()
        atexit.register(_stop, thread)


def _run() -> None:
    while (bridge_id := next_bridge()) is not None:
        entry = _bridges.get(bridge_id)
        loop = entry and entry[0]()
        if entry is None or loop is None:
            _bridges.pop(bridge_id, None)
            continue
        try:
            _, bridge, deliver = entry
            loop.call_soon_threadsafe(deliver, bridge)
        except RuntimeError:  # the loop is closed
            _bridges.pop(bridge_id, None)


def _stop(thread: threading.Thread) -> None:
    if _started_in == os.getpid():
        stop_pump()
        thread.join()
