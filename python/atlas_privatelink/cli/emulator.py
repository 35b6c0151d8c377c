"""The command `emulator`: a local Atlas."""

from __future__ import annotations

import sys

from .grammar import command
from .text import PROGRAM

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from .grammar import Commands

__all__ = ["add"]


class _DigestModes:
    """The names of the modes, which are looked up only when they are needed: `testing` takes a while to import."""

    def __iter__(self) -> Iterator[str]:
        from typing import get_args

        from ..testing import DigestMode

        return iter(get_args(DigestMode))

    def __contains__(self, name: object) -> bool:
        return name in tuple(self)


def add(commands: Commands) -> None:
    """Register the command."""
    _, own = command(
        commands,
        "emulator",
        _run,
        "run a local Atlas until Ctrl-C",
        more="Prints its URL, environment variables for clients, and then one line per request.",
        atlas=False,
        output=(),
    )
    own.add_argument("--host", default="127.0.0.1", help="loopback address to listen on (%(default)s)")
    own.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    own.add_argument("--public-key", default="abcdefgh", metavar="KEY", help="public API key (%(default)s)")
    own.add_argument(
        "--private-key",
        default="01234567-89ab-cdef-0123-456789abcdef",
        metavar="KEY",
        help="private API key (%(default)s)",
    )
    own.add_argument(
        "--speed", type=float, default=1.0, metavar="N", help="run its clock N times as fast (%(default)s)"
    )
    own.add_argument(
        "--digest",
        default="jetty",
        choices=_DigestModes(),
        metavar="MODE",
        help="kind of digest challenge: %(choices)s (%(default)s)",
    )


def _run(options: argparse.Namespace) -> int:
    import shlex
    import signal
    import threading

    from ..testing import AtlasEmulator

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
        print(f"{PROGRAM}: error: {error}", file=sys.stderr)
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
