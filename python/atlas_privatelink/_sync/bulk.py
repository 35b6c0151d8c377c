"""Many calls at a time for a blocking caller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .._core import Batch
from .._outcomes import open_outcome
from ..bulk import BulkOutcome, arguments_of, check_concurrency
from ..errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core import Call

_END: Any = (-1, None)


def each(
    act: Callable[[Mapping[str, Any]], Call], items: Iterable[Any], concurrency: int
) -> Iterator[BulkOutcome[Any]]:
    """The outcomes of `act` for each item, as they come; what is taken from `items` runs, and no more."""
    check_concurrency(concurrency)
    upcoming = enumerate(items)
    batch = Batch()
    running: dict[int, Mapping[str, Any]] = {}
    exhausted = False
    try:
        while True:
            while not exhausted and len(running) < concurrency:
                number, item = next(upcoming, _END)
                if number < 0:
                    exhausted = True
                    break
                try:
                    arguments = arguments_of(item)
                    batch.start(number, act(arguments))
                except Exception as error:  # of this item; the others go on
                    yield BulkOutcome(item, None, error)
                    continue
                running[number] = arguments
            if not running:
                return
            number, outcome = batch.take()
            arguments = running.pop(number)
            try:
                result = open_outcome(outcome)
            except AtlasError as error:
                yield BulkOutcome(arguments, None, error)
            else:
                yield BulkOutcome(arguments, result, None)
    finally:
        batch.cancel()
