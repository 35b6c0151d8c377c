"""The command `doctor`: problems between this machine and Atlas."""

from __future__ import annotations

import sys

from .grammar import add_options, command
from .networks import OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator
    from typing import TextIO

    from .._doctor import Finding
    from ..errors import AtlasError
    from .grammar import Commands

__all__ = ["add"]

# a mark, the longest name, and the blanks between
_INDENT = len("x authentication  ")


def add(commands: Commands) -> None:
    """Register the command."""
    _, own = command(
        commands,
        "doctor",
        _run,
        "check which credentials are used, where they come from, and whether they work",
        more="Looks for credentials, host, certificates and proxy in the same places as the other commands, and makes "
        "one call that only reads. Shows no secrets. Exit codes: 0 if there are no problems; 4 if credentials are "
        "missing, or Atlas rejects them or this IP address; 1 for other problems. --output value prints one word: ok, "
        "warning or failure.",
        output=("output",),
    )
    own.add_argument(
        "--aws", dest="ask_aws", action="store_true", help="ask AWS for the identity behind its credentials"
    )
    add_options(own, "aws_profile", table=OPTIONS["aws"])


def _run(options: argparse.Namespace) -> int:
    from .._doctor import diagnose
    from ..errors import ValidationError
    from .atlas import project_of
    from .failures import DENIED, ERROR, UsageError, in_terms_of

    options.names = {"timeout": "request_timeout"}

    def text(error: AtlasError) -> str:
        return in_terms_of(options.parser, error, options.names) if isinstance(error, ValidationError) else str(error)

    try:
        group_id = project_of(options)
    except UsageError:
        group_id = None
    given = {"profile": options.profile, "base_url": options.base_url, "timeout": options.request_timeout}
    findings = diagnose(
        {name: value for name, value in given.items() if value is not None},
        group_id=group_id,
        aws_profile=options.aws_profile,
        ask_aws=options.ask_aws,
        text=text,
    )
    failed = {finding.name for finding in _shown(findings, options.output) if finding.verdict == "failure"}
    if failed & {"credentials", "authentication"}:
        return DENIED
    return ERROR if failed else 0


def _shown(findings: Iterable[Finding], how: str) -> Iterator[Finding]:
    """The findings, each once it is shown."""
    from .output import write, write_list
    from .text import put

    if how in ("table", "jsonl"):
        for finding in findings:
            _put(finding, sys.stdout) if how == "table" else write(finding, how)
            # what comes next may take a while
            sys.stdout.flush()
            yield finding
        return
    all_of_them = list(findings)
    if how == "json":
        write_list(all_of_them, how)
    else:
        verdicts = {finding.verdict for finding in all_of_them}
        put(next((worst for worst in ("failure", "warning") if worst in verdicts), "ok"), sys.stdout)
    yield from all_of_them


def _put(finding: Finding, stream: TextIO) -> None:
    from .text import lines_for, marks_for, put

    head = f"{marks_for(stream)[finding.verdict]} {finding.name}".ljust(_INDENT)
    for text in filter(None, (finding.what, finding.advice)):
        for line in lines_for(text, stream, _INDENT):
            put(f"{head}{line}", stream)
            head = " " * _INDENT
