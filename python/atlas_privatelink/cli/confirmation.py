"""The question before something is deleted."""

from __future__ import annotations

import sys

from .failures import UsageError
from .text import on_one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..models import Connection
    from .progress import Progress

__all__ = ["confirmed", "confirmed_list"]


def confirmed(options: argparse.Namespace, what: str) -> bool:
    """Whether to delete something: `--force`, or a yes on the terminal.

    Raises:
        UsageError: stdin is not a terminal.
    """
    if options.force:
        return True
    _check_terminal(what)
    options.interruption.known = "nothing was deleted"
    agreed = _agreed(f"{what[0].upper()}{what[1:]}?")
    if not agreed:
        print("nothing was deleted", file=sys.stderr)
    options.interruption.known = ""
    return agreed


def confirmed_list(options: argparse.Namespace, plan: Connection, progress: Progress) -> bool:
    """Whether to delete what a plan of `disconnect` lists. Shows the list, and asks on the terminal.

    Raises:
        UsageError: stdin is not a terminal; the list is shown all the same.
    """
    from .connections import show_disconnection

    number = len(plan.deletions)
    with progress.paused("nothing was deleted"):
        show_disconnection(plan, sys.stderr)
        _check_terminal(f"disconnect {plan.deployment_name or plan.region}")
        return _agreed("Delete this resource?" if number == 1 else f"Delete these {number} resources?")


def _check_terminal(what: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(f"refusing to {what} without confirmation: stdin is not a terminal (use --force)")


def _agreed(question: str) -> bool:
    sys.stderr.write(f"{on_one_line(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
