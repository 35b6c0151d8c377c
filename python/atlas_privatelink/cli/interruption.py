"""Ctrl-C and termination: what is known by then, and the command that resumes the interrupted one."""

from __future__ import annotations

import os
import signal
import sys

from .text import PROGRAM, on_one_line, put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType, TracebackType
    from typing import Any

    from typing_extensions import Self

    from .progress import Progress

__all__ = ["Interruption", "Terminated", "Termination"]


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command as Ctrl-C does."""


class Termination:
    """Lets SIGTERM raise `Terminated` in a `with` block."""

    _before: Any = None

    def __enter__(self) -> Self:
        try:
            self._before = signal.signal(signal.SIGTERM, _terminate)
        except ValueError:  # a thread other than the main one has no say in it
            self._before = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


class Interruption:
    """What is to be said if the command is interrupted now.

    Args:
        words: The command line, without the program.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)
        """The command that resumes this one."""
        self.purpose = "to resume"
        """What that command does."""
        self.known = ""
        """What is known, in words, where `progress` does not know more."""
        self.progress: Progress | None = None
        """What the wait reports, while there is one."""

    def tell(self) -> None:
        """Say it, on stderr."""
        known = (self.progress.known if self.progress else "") or self.known
        put(f"{PROGRAM}: interrupted{f': {on_one_line(known)}' if known else ''}", sys.stderr)
        self.tell_command()

    def tell_command(self) -> None:
        """Say only how to resume, on stderr."""
        import shlex

        put(f"{PROGRAM}: {self.purpose}: {shlex.join([*_program(), *self.words])}", sys.stderr)


def _program() -> list[str]:
    """How this program was called: so that the command can be copied."""
    import shutil

    called = sys.argv[0] if sys.argv else ""
    name = os.path.basename(called)
    if name == "__main__.py":
        return [sys.executable, "-m", __name__.partition(".")[0]]
    if os.path.splitext(name)[0] != PROGRAM or shutil.which(PROGRAM) == called:
        return [PROGRAM]
    return [called]
