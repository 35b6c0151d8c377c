"""The command `demo`: a private endpoint from nothing to its connection string, without an account."""

from __future__ import annotations

import sys

from .grammar import PROGRAM

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from .grammar import Commands

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Register the command."""
    summary = "show it all on a local Atlas and a local cloud, without an account"
    parser = commands.add_parser("demo", help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument(
        "--speed", type=float, default=60.0, metavar="N", help="let time pass N times as fast (%(default)s)"
    )
    parser.add_argument("--serverless", action="store_true", help="for a serverless instance, not a dedicated cluster")
    parser.add_argument("--no-color", action="store_true", help="show no colours")
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    print(f"{PROGRAM}: error: demo is not there yet", file=sys.stderr)
    return 1
