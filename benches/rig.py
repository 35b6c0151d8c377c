"""Clients in processes of their own, which create endpoints at a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benches.targets import ROOT, Emulator, Jetty, Target

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

CORE = "core"
"""The name of the client that is a program of its own; all others are modules in `clients/`."""
_SECONDS = 300.0


@dataclass(frozen=True)
class Run:
    """What one process of a client did."""

    client: str
    creates: int
    created: int
    """Creations that the client knows of."""
    made: int
    """Creations that the server knows of."""
    requests: int
    connections: int
    wall: float
    cpu: float
    peak_kib: int | None = None
    errors: dict[str, int] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        """Creations that ended in an error."""
        return self.creates - self.created


class Rig:
    """The servers and the programs; a context manager."""

    def __init__(self) -> None:
        self._core = build_core()
        self.jetty = Jetty()
        self.emulator = Emulator()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.jetty.stop()
        self.emulator.stop()

    def warm_up(self) -> None:
        """Let Jetty's machine compile what it does most, before anybody is measured against it."""
        for _ in range(4):
            self.run("ours_async", 2000, 50)

    def run(self, client: str, creates: int, in_flight: int, target: Target | None = None) -> Run:
        """One client, one process; against Jetty if nothing else is said."""
        target = target or self.jetty
        target.reset()
        program = [str(self._core)] if client == CORE else [sys.executable, "-m", "benches.client", client]
        done = subprocess.run(
            [*program, target.base_url, target.public_key, target.private_key, str(creates), str(in_flight)],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
            stdout=subprocess.PIPE,
            timeout=_SECONDS,
            check=True,
        )
        counted = json.loads(done.stdout)
        counts = target.counts()
        return Run(
            client=client,
            creates=counted["creates"],
            created=counted["created"],
            made=counts.made,
            requests=counts.requests,
            connections=counts.connections,
            wall=counted["wall"],
            cpu=counted["cpu"],
            peak_kib=counted.get("peak_kib"),
            errors=counted["errors"],
        )


def build_core() -> Path:
    """The program of the core alone."""
    command = ["cargo", "build", "--release", "--bench", "core", "--message-format=json-render-diagnostics"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    messages = map(json.loads, built.stdout.splitlines())
    return next(Path(m["executable"]) for m in messages if m.get("executable") and m["target"]["name"] == CORE)
