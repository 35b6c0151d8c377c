"""Python's half of the bridge between the extension module's background thread and asyncio.

Futures are made and completed here and not in Rust: see `docs/decisions/bridge.md`.
"""

from __future__ import annotations

from asyncio import get_running_loop
from weakref import WeakKeyDictionary

from ._core import Bridge, Call
from ._outcomes import open_outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Generator
    from typing import Any

_TICK_SECONDS = 0.2

_waiting: WeakKeyDictionary[AbstractEventLoop, set[Future[Any]]] = WeakKeyDictionary()
_bridges: WeakKeyDictionary[AbstractEventLoop, Bridge] = WeakKeyDictionary()


def await_call(call: Call) -> Generator[Future[Any], None, Any]:
    """What `await call` runs: sends the request, waits, and gives up with whoever waits."""
    loop = get_running_loop()
    bridge = _bridges.get(loop)
    if bridge is None or bridge.is_inherited():
        bridge = _bridges[loop] = _attach(loop)
    future = loop.create_future()
    call.start(bridge, future)
    if call.is_long:
        _keep_awake(loop, future)
    try:
        outcome = yield from future
    except BaseException:
        call.cancel()
        raise
    return open_outcome(outcome)


def _keep_awake(loop: AbstractEventLoop, future: Future[Any]) -> None:
    """Lets the loop run Python every now and then while something takes minutes.

    Signals are handled between two steps of Python only, and not every system wakes a waiting loop for them.
    """
    waiting = _waiting.setdefault(loop, set())
    waiting.add(future)
    future.add_done_callback(waiting.discard)
    if len(waiting) == 1:
        loop.call_later(_TICK_SECONDS, _tick, loop, waiting)


def _tick(loop: AbstractEventLoop, waiting: set[Future[Any]]) -> None:
    if waiting:
        loop.call_later(_TICK_SECONDS, _tick, loop, waiting)


def deliver(bridge: Bridge) -> None:
    """Completes the futures whose requests have finished. The loop calls it."""
    for future, outcome in bridge.take():
        if not future.done():  # cancelled a moment ago: nobody waits
            future.set_result(outcome)


def _attach(loop: AbstractEventLoop) -> Bridge:
    bridge = Bridge.watched()
    if bridge is not None:
        try:
            loop.add_reader(bridge, deliver, bridge)
        except NotImplementedError:
            pass
        else:
            return bridge
    from ._pump import register

    bridge, bridge_id = Bridge.pumped()
    register(bridge_id, loop, bridge, deliver)
    return bridge
