"""Progress, on stderr: live lines on a terminal, one plain line per change elsewhere."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from .._wording import outcome, short_networks
from .text import cells, cut, on_one_line, padded, put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType

    from typing_extensions import Self

    from ..models import ConnectionProgress, WaitProgress

__all__ = ["Progress", "put_aside"]

_BEGIN_OF_LINE, _ERASE_LINE, _UP = "\r", "\x1b[2K", "\x1b[A"

_live: list[Progress] = []


def put_aside(text: str) -> None:
    """Write a line to stderr, above the live lines if there are any."""
    if _live:
        _live[-1].put_above(text)
    else:
        put(text, sys.stderr)
        sys.stderr.flush()


@dataclass
class _Line:
    """What is known of one network, or of whatever else is waited for."""

    text: str
    next_look: float | None
    known: str


class Progress:
    """Shows events of a wait or of `connect` to people. Pass it as `on_progress`; leave it before anything else is
    written to stderr, or use `put_aside` and `paused`.

    Args:
        subject: What is waited for, in words.
        quiet: Show nothing; `known` is kept all the same.
        planned: The events are of a plan: nothing is done.
        named: Puts the names of options into the text of an event.
    """

    def __init__(
        self, subject: str = "", *, quiet: bool = False, planned: bool = False, named: Callable[[str], str] = str
    ) -> None:
        self._subject, self._named = subject, named
        self._quiet, self._planned = quiet, planned
        self._stream = sys.stderr
        self._is_live = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._began = monotonic()
        self._lines: dict[str, _Line] = {}
        self._drawn = 0
        self._is_over = False
        self._lock = threading.RLock()
        self._stopped: threading.Event | None = None
        self._ticker: threading.Thread | None = None
        self._known = subject

    @property
    def known(self) -> str:
        """The ids and states that are known, in words."""
        if len(self._lines) < 2:
            return next((line.known for line in self._lines.values() if line.known), self._known)
        short = short_networks(self._lines)
        return "; ".join(f"{short[name]}: {line.known}" for name, line in self._lines.items() if line.known)

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    @contextmanager
    def paused(self, known: str) -> Generator[None]:
        """Takes the live lines away as long as something else, such as a question, is on the terminal.

        Args:
            known: What is known meanwhile.
        """
        since, lines, before = monotonic(), self._lines, self._known
        self._stop()
        self._lines, self._known = {}, known
        try:
            yield
        except BaseException:
            # the events of a call that ends know less
            self._is_over = True
            raise
        self._lines, self._known = lines, before
        self._began += monotonic() - since
        self._start()

    def _start(self) -> None:
        if self._is_live and not self._quiet:
            self._stopped = threading.Event()
            self._ticker = threading.Thread(target=self._tick, args=(self._stopped,), daemon=True)
            _live.append(self)
            self._ticker.start()

    def _stop(self) -> None:
        if self._stopped is not None and self._ticker is not None:
            self._stopped.set()
            self._ticker.join()
            _live.remove(self)
            self._erase()
            self._stopped = None

    def __call__(self, event: WaitProgress | ConnectionProgress) -> None:
        """Shows one event."""
        from ..models import WaitProgress

        if self._is_over:
            return
        if isinstance(event, WaitProgress):
            state = str(event.status) if event.status else "not seen yet"
            self._say(f"{self._subject}: {state}", event.trouble, event.next_look, f"{self._subject} is {state}")
        else:
            self._of_connection(event)

    def _of_connection(self, event: ConnectionProgress) -> None:
        network = "" if event.networks == 1 else event.connection.network or ""
        known = event.connection.known()
        text, trouble = f"{event.number}/{event.count} {event.step.description}", event.trouble
        if event.state == "waiting":
            states = [str(state) for state in (event.status, event.cloud_status) if state]
            text = f"{text}: {', '.join(states)}" if states else text
        elif event.state == "failed":
            if event.networks == 1:  # the error says so
                self._lines[network] = _Line(text, None, known)
                return
            text, trouble = f"{text}: failed: {trouble}", None
        elif event.state == "done":
            text = f"{text}: {outcome(event.action, event.detail, planned=self._planned)}"
        self._say(text, trouble, event.next_look, known, network)

    def end(self, state: str) -> None:
        """Shows the state that was waited for."""
        self._say(f"{self._subject}: {state}", None, None, f"{self._subject} is {state}")

    def _say(self, text: str, trouble: str | None, next_look: float | None, known: str, network: str = "") -> None:
        text = self._named(on_one_line(f"{text} ({trouble})" if trouble else text))
        due = None if next_look is None else monotonic() + next_look
        with self._lock:
            before = self._lines.get(network)
            self._lines[network] = _Line(text, due, known)
        if not self._quiet and not self._is_live and (before is None or before.text != text):
            name = f"{short_networks(self._lines)[network]}: " if network else ""
            put(f"[{monotonic() - self._began:4.0f} s] {name}{text}", self._stream)
            self._stream.flush()

    # the live lines

    def put_above(self, text: str) -> None:
        """Write a line that stays, above the live lines."""
        with self._lock:
            self._erase()
            put(text, self._stream)
            self._draw()

    def _tick(self, stopped: threading.Event) -> None:
        while True:
            self._draw()
            if stopped.wait(0.2):
                return

    def _erase(self) -> None:
        with self._lock:
            self._stream.write(f"{_BEGIN_OF_LINE}{_ERASE_LINE}" + f"{_UP}{_ERASE_LINE}" * (self._drawn - 1))
            self._stream.flush()
            self._drawn = 0

    def _draw(self) -> None:
        with self._lock:
            lines = self._fitting()
            if not lines:
                return
            begin = _BEGIN_OF_LINE + _UP * (self._drawn - 1)
            self._stream.write(begin + "\n".join(f"{_ERASE_LINE}{line}" for line in lines))
            self._stream.flush()
            self._drawn = len(lines)

    def _fitting(self) -> list[str]:
        """The lines, each on one row of the terminal, and no more than it has rows."""
        now, width, height = monotonic(), *self._size()
        clock = f"{now - self._began:.0f} s"
        short = short_networks(self._lines)
        longest = max(map(cells, short.values()), default=0)
        found: list[str] = []
        for network, line in self._lines.items():
            name = f"{padded(short[network], longest)}  " if network else ""
            look = "" if line.next_look is None else f", next look {max(line.next_look - now, 0):.0f} s"
            text = f"{clock if not found else ' ' * len(clock)}  {name}{line.text}"
            # a line that reaches the last column can wrap, and would then not be erased
            found.append(f"{text}{look}" if cells(text) + len(look) < width else cut(text, width - 1))
        if len(found) >= height:
            rest = len(found) - height + 2
            found[height - 2 :] = [cut(f"{' ' * len(clock)}  and {rest} more", width - 1)]
        return found

    def _size(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            return 80, 24
        return size.columns or 80, size.lines or 24
