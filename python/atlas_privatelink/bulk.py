"""How one of many calls ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from .errors import ValidationError

__all__ = ["BulkOutcome"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BulkOutcome(Generic[T]):
    """How one of many calls ended."""

    arguments: Mapping[str, Any]
    """What it was called with."""
    result: T | None
    """What it returned; `None` where it failed."""
    error: Exception | None
    """What it failed with; `None` where it did not."""

    def unwrap(self) -> T:
        """The result, or the error raised."""
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]  # an error and a result exclude each other


def check_concurrency(concurrency: object) -> None:
    """Refuse what is no number of calls."""
    if not isinstance(concurrency, int) or isinstance(concurrency, bool) or not 1 <= concurrency <= 1024:
        raise ValidationError(f"concurrency must be from 1 to 1024, got {concurrency!r}", field="concurrency")


def arguments_of(item: object) -> Mapping[str, Any]:
    """The arguments of one call."""
    if not isinstance(item, Mapping):
        raise ValidationError(f"items must be mappings of argument names to values, got {item!r}", field="items")
    return cast("Mapping[str, Any]", item)
