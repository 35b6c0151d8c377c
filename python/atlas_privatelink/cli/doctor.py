"""The command `doctor`: what stands between this machine and Atlas."""

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
        "explain which credentials were found where, and whether they work",
        more="Looks at credentials, host, certificates and proxy as the other commands find them, and makes one call, "
        "which reads and changes nothing. Shows no secret. Exit code: 0 where nothing is wrong; 4 where credentials "
        "are missing, or Atlas refuses them or this address; 1 where something else is wrong. With --output value, "
        "shows one word: ok, warning or failure.",
        output=("output",),
    )
    own.add_argument("--aws", dest="ask_aws", action="store_true", help="ask AWS whose its credentials are")
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
