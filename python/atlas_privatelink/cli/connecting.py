"""The commands for both sides, Atlas and your own cloud: `connect`, `disconnect` and `iam-policy`."""

from __future__ import annotations

import sys

from .grammar import ATLAS, LOG, OUTPUT, add_options, add_parser, command
from .networks import CLOUDS, CONNECT_ONLY, NAMES, OPTIONS, REQUIRED, arguments_of
from .waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from ..models import Connection
    from .grammar import Commands, Option, Parser
    from .progress import Progress

__all__ = ["add"]

# what connect and disconnect take beside the network, by the names of Python's arguments
_OPTIONS: Mapping[str, Option] = {
    "region": (
        ("--region",),
        {"metavar": "NAME", "help": "region of the endpoint service (default: the cluster's only region)"},
    ),
    "comment": (
        ("--comment",),
        {"metavar": "TEXT", "help": "serverless: text for the endpoint's comment in Atlas, up to 70 characters"},
    ),
    "plan": (("--plan",), {"action": "store_true"}),
    "on_drift": (
        ("--on-drift",),
        {
            "metavar": "WHAT",
            "choices": ("warn", "error", "update"),
            "default": "warn",
            "help": "if an existing endpoint differs from the options: %(choices)s (default: %(default)s)",
        },
    ),
    "replace_failed": (
        ("--replace-failed",),
        {"action": "store_true", "help": "replace an endpoint service that is FAILED and has no endpoints"},
    ),
    "made_by": (
        ("--made-by",),
        {"metavar": "TEXT", "help": "written on new resources, such as the name and run of a pipeline"},
    ),
    "delete_service": (
        ("--delete-service",),
        {"action": "store_true", "help": "delete the endpoint service even if connect did not create it"},
    ),
    "keep_service": (
        ("--keep-service",),
        {
            "dest": "delete_service",
            "action": "store_false",
            "help": "keep the endpoint service: refuse to delete its last endpoint, with which Atlas deletes it",
        },
    ),
    "delete_adopted": (
        ("--delete-adopted",),
        {"action": "store_true", "help": "also delete an endpoint of this network that connect did not create"},
    ),
}


def add(commands: Commands) -> None:
    """Register the commands."""
    summary = "create a private endpoint on both sides and show the connection string"
    more = "Existing resources are reused: run it again to resume an interrupted run."
    clouds = _with_clouds(commands, "connect", summary, more)
    for cloud, name in CLOUDS.items():
        summary = f"connect a network on {name} to a cluster{_or_instance(cloud)}"
        _add_connect(add_parser(clouds, cloud, _connect, summary, more=more), cloud)
    summary = "connect several networks, on any cloud, to a cluster"
    text = "Every network is checked before anything is created. "
    _add_connect_many(add_parser(clouds, "many", _connect_many, summary, more=text + more))

    summary = "delete what connect created"
    more = (
        "Lists the resources first, and deletes exactly that list after confirmation. Resources that connect did not "
        "create are kept."
    )
    clouds = _with_clouds(commands, "disconnect", summary, more)
    for cloud, name in CLOUDS.items():
        summary = f"disconnect a network on {name} from a cluster{_or_instance(cloud)}"
        _add_disconnect(add_parser(clouds, cloud, _disconnect, summary, more=more), cloud)

    _, own = command(
        commands,
        "iam-policy",
        _iam_policy,
        "print the smallest IAM policy for connect and disconnect on AWS",
        atlas=False,
        output=(),
    )
    add_options(own, "region", help="region to allow (default: all)")
    add_options(own, "account_id")


def _or_instance(cloud: str) -> str:
    return "" if cloud == "gcp" else " or serverless instance"


def _with_clouds(commands: Commands, name: str, summary: str, more: str) -> Commands:
    parser = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}. {more}")
    clouds: Commands = parser.add_subparsers(title="clouds", metavar="CLOUD", required=True)
    return clouds


def _add_connect(parser: Parser, cloud: str) -> None:
    _add_atlas(parser, cloud, needed=True)
    _add_network(parser, cloud, OPTIONS[cloud])
    what = parser.add_argument_group("what to do")
    _add_own(what, "plan", help="only show what would be created and what is billed")
    _add_own(what, "on_drift", "replace_failed", "made_by")
    add_options(what, "timeout")
    _add_output(parser)


def _add_connect_many(parser: Parser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        help="list of networks: TOML if the name ends with .toml, else JSON; - for JSON on stdin",
    )
    atlas = parser.add_argument_group("Atlas")
    add_options(atlas, "cluster_name", required=True)
    _add_own(atlas, "region", help="region of the endpoint services, for networks without a region of their own")
    add_options(atlas, *ATLAS)
    what = parser.add_argument_group("what to do")
    _add_own(what, "plan", help="only show what would be created and what is billed")
    _add_own(what, "on_drift", "made_by")
    add_options(what, "timeout")
    _add_output(parser)


def _add_disconnect(parser: Parser, cloud: str) -> None:
    _add_atlas(parser, cloud, needed=False)
    _add_network(parser, cloud, [option for option in OPTIONS[cloud] if option not in CONNECT_ONLY])
    what = parser.add_argument_group("what to do")
    _add_own(what, "plan", help="only show what would be deleted")
    service = what.add_mutually_exclusive_group()
    _add_own(service, "delete_service", "keep_service", default=None)
    _add_own(what, "delete_adopted")
    add_options(what, "force", "timeout")
    _add_output(parser)


def _add_own(container: argparse._ActionsContainer, *names: str, **changes: Any) -> None:
    add_options(container, *names, table=_OPTIONS, **changes)


def _add_atlas(parser: Parser, cloud: str, *, needed: bool) -> None:
    atlas = parser.add_argument_group("Atlas")
    if cloud == "gcp":
        add_options(atlas, "cluster_name", required=needed)
    else:
        add_options(atlas.add_mutually_exclusive_group(required=needed), "cluster_name", "instance_name")
    _add_own(atlas, "region")
    if cloud != "gcp":
        _add_own(atlas, "comment")
    add_options(atlas, *ATLAS)


def _add_network(parser: Parser, cloud: str, names: Iterable[str]) -> None:
    group = parser.add_argument_group(CLOUDS[cloud])
    for name in names:
        add_options(group, name, table=OPTIONS[cloud], **({"required": True} if name in REQUIRED else {}))


def _add_output(parser: Parser) -> None:
    add_options(parser.add_argument_group("output"), *OUTPUT, *LOG)


def _cloud_of(options: argparse.Namespace) -> str:
    """The cloud that the command is about: the last word of its name."""
    return str(options.parser.prog.split()[-1])


def _function(cloud: str, name: str) -> Callable[..., Connection]:
    from importlib import import_module

    function: Callable[..., Connection] = getattr(import_module(f"..{cloud}", __package__), name)
    return function


def _deployment(options: argparse.Namespace, cloud: str) -> dict[str, Any]:
    options.names = NAMES
    found = {"cluster_name": options.cluster_name, "region": options.region}
    if cloud != "gcp":
        found |= {"instance_name": options.instance_name, "comment": options.comment}
    return found


def _connect(options: argparse.Namespace) -> int:
    from .atlas import open_client, project_of
    from .connections import write_connection

    cloud = _cloud_of(options)
    arguments = {**_deployment(options, cloud), **arguments_of(options, cloud), **_how(options)}
    arguments["replace_failed"] = options.replace_failed
    with open_client(options) as client:
        group_id = project_of(options)
        connection = _shown_if_refused(
            options,
            lambda progress: _function(cloud, "connect")(group_id, **arguments, atlas=client, on_progress=progress),
        )
    write_connection(connection, options.output, _named(options))
    return 0


def _named(options: argparse.Namespace) -> Callable[[str], str]:
    """Puts the names of options into a text."""
    from .failures import with_options

    return lambda text: with_options(options.parser, text, options.names)


def _how(options: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(options, name) for name in ("on_drift", "made_by", "timeout", "plan")}


def _connect_many(options: argparse.Namespace) -> int:
    from contextlib import ExitStack

    from .. import connect_many
    from ..errors import ConnectManyFailed
    from .atlas import open_client, project_of
    from .connections import write_connections
    from .network_lists import clouds_of

    if options.file == "-":
        options.interruption.purpose = "to resume, with the same list on stdin"
    with ExitStack() as stack:
        clouds = clouds_of(options.file)
        for cloud in clouds:
            stack.callback(getattr(cloud, "close", bool))
        client = stack.enter_context(open_client(options))
        arguments = {"cluster_name": options.cluster_name, "region": options.region, **_how(options)}
        group_id = project_of(options)
        try:
            connections = _shown_if_refused(
                options,
                lambda progress: connect_many(group_id, clouds, **arguments, atlas=client, on_progress=progress),
            )
        except ConnectManyFailed as error:
            options.resumable = True
            write_connections(error.connections, options.output, _named(options), errors=error.errors)
            raise
    write_connections(connections, options.output, _named(options))
    return 0


def _shown_if_refused(options: argparse.Namespace, call: Callable[[Progress], Any]) -> Any:
    """What a call returns; the checks of a plan are shown where one of them has failed, too."""
    from ..errors import PreflightFailed
    from .connections import write_checks

    try:
        return wait_until(options, "", options.interruption.words, call, "", purpose=options.interruption.purpose)
    except PreflightFailed as error:
        if options.plan:
            write_checks(error, options.output, _named(options))
        raise


def _disconnect(options: argparse.Namespace) -> int:
    from .atlas import open_client, project_of
    from .confirmation import confirmed_list
    from .connections import write_disconnection
    from .failures import ERROR, FAILED, UsageError, complain

    cloud = _cloud_of(options)
    deployment = _deployment(options, cloud)
    if not any(deployment.get(name) for name in ("cluster_name", "instance_name", "region")):
        instance = "" if cloud == "gcp" else ", --instance"
        raise UsageError(f"--cluster{instance} or --region is needed")
    service = {"delete_service": options.delete_service, "delete_adopted": options.delete_adopted}
    arguments = {**deployment, **arguments_of(options, cloud), **service, "plan": options.plan}
    arguments["timeout"] = options.timeout

    def call(progress: Progress) -> Connection:
        def confirm(plan: Connection) -> bool:
            return confirmed_list(options, plan, progress)

        return _function(cloud, "disconnect")(
            group_id, **arguments, confirm=None if options.force else confirm, atlas=client, on_progress=progress
        )

    with open_client(options) as client:
        group_id = project_of(options)
        connection = wait_until(options, "", options.interruption.words, call, "")
    if connection.planned and not options.plan:
        print("nothing was deleted", file=sys.stderr)
        return ERROR
    write_disconnection(connection, options.output)
    if connection.left and not connection.deletions:
        complain(f"nothing {'would be' if options.plan else 'was'} deleted: {'; '.join(connection.left)}")
        return FAILED
    return 0


def _iam_policy(options: argparse.Namespace) -> int:
    import json

    from ..aws import iam_policy

    print(json.dumps(iam_policy(region=options.region, account_id=options.account_id), indent=2))
    return 0
