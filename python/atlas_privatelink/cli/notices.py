"""What a command writes to stderr beside progress and errors: warnings, and with `--debug` log records."""

from __future__ import annotations

import warnings
from contextlib import contextmanager

from .text import PROGRAM, on_one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["notices"]


@contextmanager
def notices(*, debug: bool) -> Iterator[None]:
    """Writes warnings, and log records of this package if asked to, one line each and above the live lines.

    Args:
        debug: Whether log records of every level are written.
    """
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        if not debug:
            yield
            return
        import logging

        logger = logging.getLogger("atlas_privatelink")
        before, handler = logger.level, _handler()
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            logger.setLevel(before)
            logger.removeHandler(handler)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    _put(f"{PROGRAM}: warning: {on_one_line(str(message))}")


def _handler() -> Any:
    import logging

    class Handler(logging.Handler):
        """Writes each record as one line."""

        def emit(self, record: logging.LogRecord) -> None:
            try:
                _put(on_one_line(self.format(record)))
            except Exception:
                self.handleError(record)

    handler = Handler()
    handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d %(message)s", "%H:%M:%S"))
    return handler


def _put(text: str) -> None:
    from .progress import put_aside

    put_aside(text)
