"""Many calls at a time on one event loop."""

from __future__ import annotations

from asyncio import Queue, create_task, gather
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any

from ..bulk import BulkOutcome, arguments_of, check_concurrency
from ..errors import AtlasError
from .calls import outcome

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Callable, Mapping

    from .._core import Call

_END: Any = object()


async def each(
    act: Callable[[Mapping[str, Any]], Call], items: Iterable[Any] | AsyncIterable[Any], concurrency: int
) -> AsyncIterator[BulkOutcome[Any]]:
    """The outcomes of `act` for each item, as they come; what is taken from `items` runs, and no more."""
    check_concurrency(concurrency)
    source = items if isinstance(items, AsyncIterable) else _asynchronous(items)
    upcoming = source.__aiter__()
    finished: Queue[Task[Any]] = Queue()
    running: dict[Task[Any], Mapping[str, Any]] = {}
    exhausted = False
    try:
        while True:
            while not exhausted and len(running) < concurrency:
                item = await anext(upcoming, _END)
                if item is _END:
                    exhausted = True
                    break
                try:
                    arguments = arguments_of(item)
                    task = create_task(outcome(act(arguments)))
                except Exception as error:  # of this item; the others go on
                    yield BulkOutcome(item, None, error)
                    continue
                running[task] = arguments
                task.add_done_callback(finished.put_nowait)
            if not running:
                return
            task = await finished.get()
            arguments = running.pop(task)
            try:
                result = task.result()
            except AtlasError as error:
                yield BulkOutcome(arguments, None, error)
            else:
                yield BulkOutcome(arguments, result, None)
    finally:
        for task in running:
            task.cancel()
        await gather(*running, return_exceptions=True)


async def _asynchronous(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item
