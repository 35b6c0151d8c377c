"""The command `atlas-privatelink`."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import threading
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (by default the process's own) and return its exit code."""
    parser = argparse.ArgumentParser(prog="atlas-privatelink", description="MongoDB Atlas private endpoints.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_emulator(commands)
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
    except BrokenPipeError:
        # Nobody reads any more; without this, Python would complain about it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    return code


def _add_emulator(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from atlas_privatelink.testing import DigestMode

    parser = commands.add_parser(
        "emulator",
        help="run a local Atlas until Ctrl-C",
        description="Run a local Atlas until Ctrl-C. Prints its address and the environment that points clients to "
        "it, then one line for each request.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--public-key", default="abcdefgh", metavar="KEY", help="public API key (%(default)s)")
    parser.add_argument(
        "--private-key",
        default="01234567-89ab-cdef-0123-456789abcdef",
        metavar="KEY",
        help="private API key (%(default)s)",
    )
    parser.add_argument(
        "--speed", type=float, default=1.0, metavar="N", help="let time pass N times as fast (%(default)s)"
    )
    parser.add_argument(
        "--digest",
        default="jetty",
        choices=get_args(DigestMode),
        metavar="MODE",
        help="how to challenge: %(choices)s (%(default)s)",
    )
    parser.set_defaults(run=_run_emulator)


def _run_emulator(options: argparse.Namespace) -> int:
    from atlas_privatelink.testing import AtlasEmulator

    # Before anything is printed: whoever has read the address may stop us.
    stopped = threading.Event()

    def stop(*_: object) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    emulator = AtlasEmulator(
        host=options.host,
        port=options.port,
        public_key=options.public_key,
        private_key=options.private_key,
        speed=options.speed,
        digest=options.digest,
    )
    try:
        emulator.start()
    except (ValueError, OSError) as error:
        print(f"atlas-privatelink: error: {error}", file=sys.stderr)
        return 2 if isinstance(error, ValueError) else 1
    with emulator:
        print(emulator.base_url)
        for name, value in emulator.environment().items():
            print(f"export {name}={shlex.quote(value)}")
        sys.stdout.flush()
        running = True
        while running:
            running = not stopped.wait(0.1)
            for request in emulator.take_finished_requests():
                print(request.method, request.target, request.status or "no answer", file=sys.stderr)
    return 0
