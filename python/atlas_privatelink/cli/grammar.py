"""The command's grammar: what every option is called and means, in one table, and how a command gets its own."""

from __future__ import annotations

import argparse
import os
import sys

from .text import PROGRAM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, NoReturn

    Commands = argparse._SubParsersAction[Any]
    Run = Callable[[argparse.Namespace], int]
    Option = tuple[tuple[str, ...], Mapping[str, Any]]

__all__ = [
    "ATLAS",
    "LOG",
    "OUTPUT",
    "Parser",
    "actions_of",
    "add_options",
    "add_parser",
    "add_positional",
    "command",
    "commands_of",
    "has_commands",
    "name_of",
    "refuse",
    "words_for",
]

PROVIDERS = ("AWS", "AZURE", "GCP")
FORMATS = ("table", "json", "jsonl", "value")

ATLAS = ("group_id", "profile", "base_url", "request_timeout")
"""What every command that talks to Atlas takes."""
OUTPUT = ("output", "quiet")
"""What every command that shows a result takes."""
LOG = ("debug",)
"""What every command that talks to Atlas takes, about what it shows beside its result."""


class Formatter(argparse.HelpFormatter):
    """Help that names an option's value once, after its last name."""

    def __init__(self, prog: str) -> None:
        # with a width it need not ask for the terminal's, which it does for each argument and at some cost
        super().__init__(prog, max_help_position=32, width=_width())

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        return f"{', '.join(action.option_strings)} {self._format_args(action, action.dest.upper())}"


class Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong."""

    def __init__(self, **settings: Any) -> None:
        # an abbreviation would change its meaning with the next option that is added
        super().__init__(formatter_class=Formatter, allow_abbrev=False, **settings)

    def names(self) -> dict[str, str]:
        """What people call its options and arguments, by the names of Python's arguments."""
        return {action.dest: name_of(action) for action in actions_of(self)}

    def error(self, message: str) -> NoReturn:
        """Says so, and ends the process with 2."""
        self.exit(2, f"{PROGRAM}: error: {message} (see `{self.prog} --help`)\n")


def _width() -> int:
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    try:
        return max(os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1).columns - 2, 40)
    except (OSError, ValueError):
        return 100


def comma_list(text: str) -> list[str]:
    """A list in one value: `A,B`."""
    return [part.strip() for part in text.split(",") if part.strip()]


def pair(text: str) -> tuple[str, str]:
    """Two texts in one value: `NAME=TEXT`."""
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise argparse.ArgumentTypeError(f"must look like NAME=TEXT, got {text!r}")
    return name, value


# by the name of the Python argument that each stands for
_OPTIONS: Mapping[str, Option] = {
    # of every command that talks to Atlas
    "group_id": (
        ("--project-id", "--projectId"),
        {"metavar": "ID", "help": "Atlas project (default: $MONGODB_ATLAS_PROJECT_ID, then the profile's)"},
    ),
    "profile": (
        ("--profile", "-P"),
        {"metavar": "NAME", "help": "Atlas CLI profile with credentials, host and project"},
    ),
    "base_url": (
        ("--base-url",),
        {"metavar": "URL", "help": "URL of Atlas, up to /api/atlas (default: $MONGODB_ATLAS_BASE_URL)"},
    ),
    "request_timeout": (
        ("--request-timeout",),
        {"metavar": "SECONDS", "type": float, "help": "timeout of one request to Atlas (default: 30)"},
    ),
    # of every command that shows something
    "output": (
        ("--output", "-o"),
        {"metavar": "FORMAT", "choices": FORMATS, "default": "table", "help": "%(choices)s (default: %(default)s)"},
    ),
    "quiet": (("--quiet", "-q"), {"action": "store_true", "help": "show no progress"}),
    "debug": (("--debug",), {"action": "store_true", "help": "log each request and step to stderr"}),
    # which deployment
    "instance_name": (
        ("--instance", "--instance-name", "--instanceName"),
        {"metavar": "NAME", "help": "serverless instance"},
    ),
    "cluster_name": (
        ("--cluster", "--cluster-name", "--clusterName"),
        {"metavar": "NAME", "help": "dedicated cluster"},
    ),
    "service_id": (
        ("--service", "--service-id", "--serviceId"),
        {"metavar": "ID", "help": "endpoint service of dedicated clusters"},
    ),
    "provider": (
        ("--provider",),
        {"choices": PROVIDERS, "type": str.upper, "help": "cloud provider of the endpoint service (default: AWS)"},
    ),
    # what to do with it
    "endpoint_id": (
        (),
        {
            "metavar": "ENDPOINT",
            "help": "endpoint ID of Atlas (with --instance) or of your cloud (with --service)",
        },
    ),
    "comment": (
        ("--comment",),
        {
            "metavar": "TEXT",
            "help": "up to 79 characters; use a unique comment so that a re-run finds the same endpoint",
        },
    ),
    "if_exists": (
        ("--if-exists",),
        {
            "metavar": "WHAT",
            "choices": ("adopt", "create", "error"),
            "help": "adopt returns an existing endpoint; create makes another one (default for serverless instances); "
            "error fails (default for everything else)",
        },
    ),
    "cloud_provider_endpoint_id": (
        ("--cloud-provider-endpoint-id",),
        {"metavar": "ID", "help": "VPC endpoint (vpce-…) or Azure private endpoint (/subscriptions/…)"},
    ),
    "provider_name": (
        ("--provider",),
        {
            "choices": PROVIDERS[:2],
            "type": str.upper,
            "help": "cloud provider of the instance; required without --cloud-provider-endpoint-id",
        },
    ),
    "private_endpoint_ip_address": (
        ("--private-endpoint-ip-address",),
        {"metavar": "IP", "help": "Azure: IP address of the private endpoint"},
    ),
    "gcp_project_id": (
        ("--gcp-project-id",),
        {"metavar": "ID", "help": "Google Cloud: project of the endpoint"},
    ),
    "endpoints": (
        ("--endpoint",),
        {
            "metavar": "NAME=IP",
            "type": pair,
            "action": "append",
            "help": "Google Cloud: name and IP address of a forwarding rule (repeatable)",
        },
    ),
    "region": (("--region",), {"metavar": "NAME", "help": "region, such as us-east-1"}),
    "supported_remote_regions": (
        ("--supported-remote-regions",),
        {
            "metavar": "A,B",
            "type": comma_list,
            "action": "extend",
            "help": "AWS: other regions whose VPC endpoints it accepts (repeatable)",
        },
    ),
    "port_mapping_enabled": (
        ("--port-mapping-enabled",),
        {"action": "store_true", "default": None, "help": "Google Cloud: one forwarding rule for all nodes"},
    ),
    # how to go about it
    "until": (
        ("--until",),
        {
            "metavar": "STATUS",
            "choices": ("RESERVED", "AVAILABLE", "DELETED"),
            "type": str.upper,
            "help": "%(choices)s (default: %(default)s)",
        },
    ),
    "timeout": (
        ("--timeout",),
        {"metavar": "SECONDS", "type": float, "default": 3600.0, "help": "timeout in total (default: 3600)"},
    ),
    "wait": (("--wait",), {"action": "store_true"}),
    "force": (("--force",), {"action": "store_true", "help": "do not ask for confirmation"}),
    "account_id": (("--account-id",), {"metavar": "ID", "help": "AWS account (default: any)"}),
}


def add_options(
    container: argparse._ActionsContainer, *names: str, table: Mapping[str, Option] | None = None, **changes: Any
) -> None:
    """Give a parser or a group of it these options, with `changes` to what the table says.

    Args:
        container: The parser or group.
        names: The options, by the names of Python's arguments.
        table: Another table than that of this module.
        changes: Settings of argparse.
    """
    for name in names:
        flags, settings = (table or _OPTIONS)[name]
        all_settings: dict[str, Any] = {"dest": name, **settings, **changes}
        container.add_argument(*flags, **all_settings)


def add_positional(container: argparse._ActionsContainer, name: str, **changes: Any) -> None:
    """Give a parser one of the table's as an argument without a flag."""
    settings = {**_OPTIONS[name][1], **changes}
    container.add_argument(name, **settings)


def command(
    commands: Commands,
    name: str,
    run: Run,
    summary: str,
    *,
    more: str = "",
    atlas: bool = True,
    output: Sequence[str] = OUTPUT,
) -> tuple[Parser, argparse._ActionsContainer]:
    """Register a command: its parser, and the container of its own options.

    Args:
        commands: Where to.
        name: What it is called.
        run: What it does: takes the parsed options and returns the exit code.
        summary: Its help in half a sentence.
        more: What the command's own help says beyond that.
        atlas: Whether it talks to Atlas.
        output: Options about how it shows its result.
    """
    parser = add_parser(commands, name, run, summary, more=more)
    if atlas:
        add_options(parser.add_argument_group("Atlas"), *ATLAS)
    shown = (*output, *(LOG if atlas else ()))
    if shown:
        add_options(parser.add_argument_group("output"), *shown)
    return parser, parser


def add_parser(commands: Commands, name: str, run: Run, summary: str, *, more: str = "") -> Parser:
    """Register a command without options, with the arguments of `command`."""
    description = f"{summary[0].upper()}{summary[1:]}. {more}".strip()
    parser: Parser = commands.add_parser(name, help=summary, description=description)
    parser.set_defaults(run=run, parser=parser)
    return parser


def refuse(options: argparse.Namespace, names: Iterable[str], why: str) -> None:
    """Refuse options that were given and do not go with the others.

    Raises:
        UsageError: One of them was given.
    """
    from .failures import UsageError

    for name in names:
        if getattr(options, name, None) is not None:
            raise UsageError(f"{options.parser.names()[name]} {why}")


def actions_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Its options and arguments, in the order of the help; those without help text are not meant to be seen."""
    return [action for action in parser._actions if action.help != argparse.SUPPRESS]


def commands_of(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Name, summary and parser of each of its commands."""
    for action in parser._actions:
        if has_commands(action):
            found: Any = action
            summaries = {choice.dest: choice.help or "" for choice in found._choices_actions}
            for name, child in found.choices.items():
                yield name, summaries.get(name, ""), child


def has_commands(action: argparse.Action) -> bool:
    """Whether it is what takes the name of a command."""
    return action.nargs == argparse.PARSER


def name_of(action: argparse.Action) -> str:
    """What people call it."""
    return action.option_strings[0] if action.option_strings else str(action.metavar or action.dest)


def words_for(parser: argparse.ArgumentParser, path: Iterable[str], values: Mapping[str, Any]) -> list[str]:
    """The words of a command line that `parser` reads as these values; those of the defaults are left out."""
    words = list(path)
    for name in path:
        parser = next(child for known, _, child in commands_of(parser) if known == name)
    for action in actions_of(parser):
        value: str | float | list[Any] | tuple[str, str] | None = values.get(action.dest)
        if value is None or value is False or value == action.default:
            continue
        for each in value if isinstance(value, list) else [value]:
            text = _word(each)
            if not action.option_strings:
                words.append(text)
            elif action.nargs == 0:
                words.append(action.option_strings[0])
            elif text.startswith("-"):
                words.append(f"{action.option_strings[0]}={text}")
            else:
                words += [action.option_strings[0], text]
    return words


def _word(value: str | float | tuple[str, str]) -> str:
    if isinstance(value, tuple):
        return "=".join(value)
    return value if isinstance(value, str) else f"{value:g}"
