"""Progress, on stderr: one live line on a terminal, one plain line per change elsewhere."""

from __future__ import annotations

import os
import sys
from time import monotonic

from .text import cells, cut, on_one_line, put

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from types import TracebackType

    from typing_extensions import Self

    from ..models import ConnectionProgress, WaitProgress

__all__ = ["Progress"]

_BEGIN_OF_LINE, _ERASE_LINE = "\r", "\x1b[2K"


class Progress:
    """What a wait or `connect` reports, for people. Pass it as `on_progress`; leave it before anything else is said.

    Args:
        subject: What is waited for, in words.
        quiet: Show nothing; `known` is kept all the same.
    """

    def __init__(self, subject: str = "", *, quiet: bool = False) -> None:
        self._subject = subject
        self._quiet = quiet
        self._stream = sys.stderr
        self._live = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._began = monotonic()
        self._shown = ""
        self._text = ""
        self._next_look: float | None = None
        self._stopped: threading.Event | None = None
        self._ticker: threading.Thread | None = None
        self.known = subject
        """What is known of what is waited for: ids and state, in words."""

    def __enter__(self) -> Self:
        if self._live and not self._quiet:
            import threading

            self._stopped = threading.Event()
            self._ticker = threading.Thread(target=self._tick, args=(self._stopped,), daemon=True)
            self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._stopped is not None and self._ticker is not None:
            self._stopped.set()
            self._ticker.join()
            self._stream.write(f"{_BEGIN_OF_LINE}{_ERASE_LINE}")
            self._stream.flush()
            self._stopped = None

    def __call__(self, event: WaitProgress | ConnectionProgress) -> None:
        """One event."""
        from ..models import WaitProgress

        if isinstance(event, WaitProgress):
            state = str(event.status) if event.status else "not seen yet"
            self.known = f"{self._subject} is {state}"
            self._say(f"{self._subject}: {state}", event.trouble, event.next_look)
        else:
            self._of_connection(event)

    def _of_connection(self, event: ConnectionProgress) -> None:
        self.known = event.connection.known()
        text = f"{event.number}/{event.count} {event.step.description}"
        if event.state == "waiting":
            states = [str(state) for state in (event.status, event.cloud_status) if state]
            text = f"{text}: {', '.join(states)}" if states else text
        elif event.state == "failed":
            return  # the error says so
        elif event.state == "done":
            text = f"{text}: {event.action}: {event.detail}"
        self._say(text, event.trouble, event.next_look)

    def end(self, state: str) -> None:
        """It has come to this."""
        self.known = f"{self._subject} is {state}"
        self._say(f"{self._subject}: {state}", None, None)

    def _say(self, text: str, trouble: str | None, next_look: float | None) -> None:
        text = on_one_line(f"{text} (trouble: {trouble})" if trouble else text)
        self._text = text
        self._next_look = None if next_look is None else monotonic() + next_look
        if not self._quiet and not self._live and text != self._shown:
            self._shown = text
            put(f"[{monotonic() - self._began:4.0f} s] {text}", self._stream)
            self._stream.flush()

    def _tick(self, stopped: threading.Event) -> None:
        while True:
            self._draw()
            if stopped.wait(0.2):
                return

    def _draw(self) -> None:
        if not self._text:
            return
        now = monotonic()
        line, more = f"{now - self._began:.0f} s  {self._text}", ""
        if self._next_look is not None:
            more = f", next look {max(self._next_look - now, 0):.0f} s"
        # a line that reaches the last column can wrap, and would then not be erased
        width = self._width() - 1
        line = f"{line}{more}" if cells(line) + len(more) <= width else cut(line, width)
        self._stream.write(f"{_BEGIN_OF_LINE}{_ERASE_LINE}{line}")
        self._stream.flush()

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except (OSError, ValueError):
            return 80
