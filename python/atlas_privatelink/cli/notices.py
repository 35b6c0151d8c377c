"""What a command writes to stderr beside progress and errors: warnings, and with `--debug` log records."""

from __future__ import annotations

import warnings
from contextlib import contextmanager

from .text import PROGRAM, on_one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

__all__ = ["notices"]


@contextmanager
def notices(*, debug: bool) -> Generator[None]:
    """Writes warnings, and log records of this package if asked to, one line each and above the live lines.

    Log records of the clouds' SDKs are not written: errors say what happened, and nobody has looked through those
    records for secrets.

    Args:
        debug: Whether log records of every level are written.
    """
    import logging

    root, silent = logging.getLogger(), logging.NullHandler()
    logger, handler = logging.getLogger("atlas_privatelink"), _handler()
    level = logger.level
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        root.addHandler(silent)
        if debug:
            logger.addHandler(handler)
            logger.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            logger.setLevel(level)
            logger.removeHandler(handler)
            root.removeHandler(silent)


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
