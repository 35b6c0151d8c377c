"""The command `demo`: `connect` and `disconnect` on a local Atlas and a local EC2, without an account."""

from __future__ import annotations

import sys

from .._wording import outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import Any

    from ..models import Connection, ConnectionProgress
    from .grammar import Commands

__all__ = ["add"]

_GROUP_ID = "5f7cac1adf5d6c6306f4b283"


def add(commands: Commands) -> None:
    """Register the command."""
    summary = "connect and disconnect a local cloud, without an account"
    more = "Runs on a local Atlas and a local EC2, and deletes what it creates there."
    parser = commands.add_parser("demo", help=summary, description=f"{summary.capitalize()}. {more}")
    parser.add_argument(
        "--speed", type=float, default=60.0, metavar="N", help="run the clock of Atlas N times as fast (%(default)s)"
    )
    parser.add_argument("--serverless", action="store_true", help="use a serverless instance, not a dedicated cluster")
    parser.add_argument("--no-color", action="store_true", help="show no colors")
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    from .. import aws
    from ..testing import AtlasEmulator
    from ..testing.ec2 import LocalEc2

    deployment = {"instance_name": "Instance0"} if options.serverless else {"cluster_name": "Cluster0"}
    with AtlasEmulator(speed=options.speed) as atlas, LocalEc2(atlas) as ec2, atlas.client() as client:
        print(f"Local Atlas: {atlas.base_url} (its clock runs {options.speed:g} times as fast)")
        print(f"Local EC2: {ec2.endpoint_url} (with {ec2.vpc_id()})\n")
        known: dict[str, Any] = {"client": ec2.client(), "vpc_id": ec2.vpc_id(), "atlas": client, **deployment}

        def shown(function: Callable[..., Connection]) -> Connection:
            with _Steps(color=not options.no_color) as steps:
                return function(_GROUP_ID, **known, on_progress=steps)

        named = ", ".join(f"{name}={value!r}" for name, value in deployment.items())
        print(f">>> aws.connect({_GROUP_ID!r}, {named}, vpc_id={ec2.vpc_id()!r})")
        connection = shown(aws.connect)
        print(f"\n{connection.srv}\n")
        print(">>> aws.connect(…)  # again, as after a crash: every resource is adopted")
        again = shown(aws.connect)
        print("\n>>> aws.disconnect(…)  # deletes exactly what connect created")
        gone = shown(aws.disconnect)
        requests = atlas.stats().requests
    created = [one for one in (connection, again) if one.cloud_endpoint_origin == "created"]
    print(f"\n{requests} requests to Atlas; {len(created)} VPC endpoint created.")
    print(f"Deleted: {', '.join(f'{one.kind} {one.id}' for one in gone.deletions)}.")
    return 0


class _Steps:
    """The steps: a live table on a terminal if rich is installed, else one line per finished step."""

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
            f"{who}: {word}" for who, word in (("Atlas", event.status), ("AWS", event.cloud_status)) if word
        )
        text = outcome(event.action, event.detail) if event.state == "done" else states
        self._rows[event.step.description] = (event.state, text, event.step_elapsed)
        if self._live is None and event.state == "done":
            print(f"{event.number}/{event.count} {event.step.description}: {text}", flush=True)
