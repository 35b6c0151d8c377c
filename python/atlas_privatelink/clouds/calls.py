"""One call of a cloud's SDK: until when it may take, whether anybody still waits for it, and its line in the log.

SDKs block, and most of their calls cannot be interrupted. So they run on a thread that is left alone when its time is
up or its caller has gone; what it would send after that is never sent.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Abandoned", "CallLimit", "cloud_call", "current_limit", "pause", "seconds_left"]

_log = logging.getLogger("atlas_privatelink")


class Abandoned(BaseException):
    """Nobody waits for this call any more: nothing further is sent."""


class CallLimit:
    """Until when the cloud's calls of one step may take.

    Args:
        deadline: By `time.monotonic()`; `None` for no limit.
    """

    def __init__(self, deadline: float | None = None) -> None:
        self.deadline = deadline
        self._abandoned = Event()

    def abandon(self) -> None:
        """Let nothing be sent any more."""
        self._abandoned.set()

    @property
    def is_over(self) -> bool:
        """Whether the time is up, or the caller has gone."""
        return self._abandoned.is_set() or (self.deadline is not None and monotonic() >= self.deadline)

    def pause(self, seconds: float) -> None:
        """Sleep, but no longer than somebody waits."""
        if self.deadline is not None:
            seconds = min(seconds, max(self.deadline - monotonic(), 0.0))
        self._abandoned.wait(seconds)


current_limit: ContextVar[CallLimit | None] = ContextVar("current_limit", default=None)


def seconds_left(most: float) -> float:
    """How long one request may take: `most`, or what is left of the caller's time if that is less."""
    limit = current_limit.get()
    if limit is None or limit.deadline is None:
        return most
    return max(min(most, limit.deadline - monotonic()), 0.001)


def pause(seconds: float) -> None:
    """Sleep between two requests.

    Raises:
        Abandoned: Nobody waits any more.
    """
    limit = current_limit.get() or CallLimit()
    limit.pause(seconds)
    if limit.is_over:
        raise Abandoned


@contextmanager
def cloud_call(cloud: str, operation: str, about: str = "") -> Generator[None]:
    """Around each request to a cloud: refuses to send what nobody waits for, and logs one line.

    Args:
        cloud: `AWS`, `Azure` or `Google`.
        operation: The cloud's own name of the operation.
        about: What it is about: ids, never secrets.

    Raises:
        Abandoned: Nobody waits any more; nothing was sent.
    """
    limit = current_limit.get()
    if limit is not None and limit.is_over:
        raise Abandoned
    began, ended = monotonic(), "failed"
    try:
        yield
        ended = "ok"
    except Exception as error:
        ended = f"{type(error).__name__}: {error}"
        raise
    finally:
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug("%s %s %s: %s in %.3f s", cloud, operation, about, ended, monotonic() - began)
