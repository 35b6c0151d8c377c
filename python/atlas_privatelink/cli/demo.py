"""The command `demo`: a private endpoint from nothing to its connection string, without an account."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import Any

    from ..models import ConnectionProgress
    from .grammar import Commands

__all__ = ["add"]

_GROUP_ID = "5f7cac1adf5d6c6306f4b283"


def add(commands: Commands) -> None:
    """Register the command."""
    summary = "show it all on a local Atlas and a local AWS, without an account"
    parser = commands.add_parser("demo", help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument(
        "--speed", type=float, default=60.0, metavar="N", help="let Atlas's time pass N times as fast (%(default)s)"
    )
    parser.add_argument("--serverless", action="store_true", help="for a serverless instance, not a dedicated cluster")
    parser.add_argument("--no-color", action="store_true", help="show no colours")
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    from .. import aws
    from ..testing import AtlasEmulator
    from ..testing.ec2 import LocalEc2

    deployment = {"instance_name": "Instance0"} if options.serverless else {"cluster_name": "Cluster0"}
    with AtlasEmulator(speed=options.speed) as atlas, LocalEc2(atlas) as ec2, atlas.client() as client:
        print(f"A local Atlas listens at {atlas.base_url}; its time passes {options.speed:g} times as fast.")
        print(f"A local EC2 listens at {ec2.endpoint_url}, with {ec2.vpc_id()}.\n")
        named = ", ".join(f"{name}={value!r}" for name, value in deployment.items())
        call = f"({_GROUP_ID!r}, {named}, vpc_id={ec2.vpc_id()!r})"
        known: dict[str, Any] = {"client": ec2.client(), "vpc_id": ec2.vpc_id(), "atlas": client, **deployment}
        print(f">>> aws.connect{call}")
        with _Steps(color=not options.no_color) as steps:
            connection = aws.connect(_GROUP_ID, **known, on_progress=steps)
        print(f"\n{connection.srv}\n")
        print(">>> aws.connect(…)  # again, as after a crash: all is adopted")
        with _Steps(color=not options.no_color) as steps:
            aws.connect(_GROUP_ID, **known, on_progress=steps)
        print("\n>>> aws.disconnect(…)")
        with _Steps(color=not options.no_color) as steps:
            aws.disconnect(_GROUP_ID, **known, on_progress=steps)
        made = ec2.calls.count("CreateVpcEndpoint")
        requests = atlas.stats().requests
    print(f"\n{requests} requests to Atlas, {made} VPC endpoint created; nothing is left on either side.")
    return 0


class _Steps:
    """The steps as they go: a live table where rich and a terminal are there, a line for each end elsewhere."""

    def __init__(self, *, color: bool) -> None:
        self._rows: dict[str, tuple[str, str, float]] = {}
        self._live: Any = None
        self._table: Callable[[], Any] = list
        if sys.stdout.isatty():
            self._set_up_rich(color)

    def _set_up_rich(self, color: bool) -> None:
        try:
            from rich.console import Console
            from rich.live import Live
            from rich.table import Table
            from rich.text import Text
        except ImportError:
            return
        styles = {"done": "green", "failed": "red", "waiting": "yellow", "begun": "yellow"}
        marks = {"done": "✓", "failed": "✗", "waiting": "…", "begun": "…"}

        def table() -> Any:
            grid = Table.grid(padding=(0, 2))
            for name, (state, text, elapsed) in self._rows.items():
                words = (Text(marks[state], styles[state]), Text(name), Text(text), Text(f"{elapsed:.0f} s"))
                grid.add_row(*words)
            return grid

        self._table = table
        self._live = Live(console=Console(no_color=not color), get_renderable=table, refresh_per_second=8)

    def __enter__(self) -> _Steps:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, event: ConnectionProgress) -> None:
        """One event."""
        states = ", ".join(
            f"{who} says {word}" for who, word in (("Atlas", event.status), ("AWS", event.cloud_status)) if word
        )
        text = f"{event.action}: {event.detail}" if event.state == "done" else states
        self._rows[event.step.description] = (event.state, text, event.step_elapsed)
        if self._live is None and event.state == "done":
            print(f"{event.number}/{event.count} {event.step.description}: {text}", flush=True)
