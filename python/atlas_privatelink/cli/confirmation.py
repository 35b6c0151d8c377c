"""The question before something is deleted."""

from __future__ import annotations

import sys

from .failures import UsageError
from .text import on_one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

__all__ = ["confirmed"]


def confirmed(options: argparse.Namespace, what: str) -> bool:
    """Whether to go on: `--force`, or a yes on the terminal.

    Raises:
        UsageError: There is nobody to ask.
    """
    if options.force:
        return True
    if not sys.stdin.isatty():
        raise UsageError(f"there is no terminal to ask on: {what} only with --force")
    options.interruption.known = "nothing was done"
    sys.stderr.write(f"{on_one_line(what[0].upper() + what[1:])}? [y/N] ")
    sys.stderr.flush()
    agreed = sys.stdin.readline().strip().lower() in ("y", "yes")
    if not agreed:
        print("nothing was done", file=sys.stderr)
    options.interruption.known = ""
    return agreed
