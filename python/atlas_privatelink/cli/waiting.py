"""A wait, with its progress and with what to do where it is interrupted."""

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
) -> Any:
    """Wait, and return what was waited for.

    Args:
        options: The parsed options.
        subject: What is waited for, in words.
        words: The command that waits on where this is interrupted.
        wait: Waits, and reports to what it is given.
        state: What the subject is in the end; empty where its own reports say so.
    """
    from .progress import Progress

    interruption = options.interruption
    interruption.words, interruption.purpose = list(words), "to go on"
    progress = interruption.progress = Progress(subject, quiet=options.quiet)
    try:
        with progress:
            found = wait(progress)
            if state:
                progress.end(str(getattr(found, "status", state)))
    except WaitTimeout:
        options.resumable = True
        raise
    return found
