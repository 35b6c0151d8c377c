"""A wait with its progress, and with the command that resumes it if it is interrupted."""

from __future__ import annotations

from ..errors import WaitTimeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import Any

    from .progress import Progress

__all__ = ["wait_until"]


def wait_until(
    options: argparse.Namespace,
    subject: str,
    words: Sequence[str],
    wait: Callable[[Progress], Any],
    state: str,
    *,
    purpose: str = "to resume",
) -> Any:
    """Wait, and return the result.

    Args:
        options: The parsed options.
        subject: What is waited for, in words; empty for `connect` and `disconnect`.
        words: The command that resumes this one if it is interrupted.
        wait: Waits, and reports to the progress that it is given.
        state: State of the subject in the end; empty if the events say so.
        purpose: What that command is for.
    """
    from .failures import with_options
    from .progress import Progress

    interruption = options.interruption
    interruption.words, interruption.purpose = list(words), purpose

    def named(text: str) -> str:
        return with_options(options.parser, text, options.names)

    planned = bool(getattr(options, "plan", False))
    progress = interruption.progress = Progress(subject, quiet=options.quiet, planned=planned, named=named)
    try:
        with progress:
            found = wait(progress)
            if state:
                progress.end(str(getattr(found, "status", state)))
    except WaitTimeout:
        options.resumable = True
        raise
    return found
