"""The command `atlas-privatelink`.

Each module with a function `add` has some of its commands. What takes long to import is imported where a command runs,
so that `--help` and completion are quick.
"""

from __future__ import annotations

import os
import sys

from . import completion, connecting, demo, doctor, emulator, endpoints, services
from .grammar import Parser
from .text import PROGRAM

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (by default the process's own) and return its exit code."""
    from .interruption import Interruption, Terminated, Termination
    from .notices import notices

    words = sys.argv[1:] if arguments is None else list(arguments)
    parser = _parser()
    options = parser.parse_args(words)
    options.root, options.interruption = parser, Interruption(words)
    options.names, options.resumable = {}, False
    try:
        with Termination(), notices(debug=getattr(options, "debug", False)):
            code: int = options.run(options)
            sys.stdout.flush()
    except KeyboardInterrupt as interrupt:
        from .failures import INTERRUPTED, TERMINATED

        options.interruption.tell()
        return TERMINATED if isinstance(interrupt, Terminated) else INTERRUPTED
    except BrokenPipeError:
        # Nobody reads any more; without this, Python would complain about it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        return _failed(error, options)
    return code


def _failed(error: Exception, options: argparse.Namespace) -> int:
    from .failures import exit_code, report
    from .text import put

    put(report(error, options.parser, options.names), sys.stderr)
    if options.resumable:
        options.interruption.tell_command()
    return exit_code(error)


def _parser() -> Parser:
    from .. import __version__

    parser = Parser(prog=PROGRAM, description="MongoDB Atlas private endpoints.")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (endpoints, connecting, services, emulator, demo, doctor, completion):
        module.add(commands)
    return parser
