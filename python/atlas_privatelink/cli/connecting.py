"""The commands for both sides, Atlas and your own cloud: `connect`, `disconnect` and `iam-policy`."""

from __future__ import annotations

from .grammar import add_options, command
from .waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping
    from typing import Any

    from .grammar import Commands

__all__ = ["add"]

# by cloud: the arguments of its module's functions, and the options that they come from
_ARGUMENTS: Mapping[str, Mapping[str, str]] = {
    "aws": {
        "instance_name": "instance_name",
        "region": "region",
        "vpc_id": "vpc_id",
        "subnet_ids": "subnet_ids",
        "security_group_ids": "security_group_ids",
        "tags": "tags",
        "comment": "comment",
        "profile": "aws_profile",
        "vpc_endpoint": "vpc_endpoint",
    },
    "azure": {
        "instance_name": "instance_name",
        "region": "region",
        "subnet_id": "subnet_ids",
        "resource_group": "resource_group",
        "location": "location",
        "name": "endpoint_name",
        "tags": "tags",
        "comment": "comment",
        "subscription_id": "subscription_id",
    },
    "gcp": {
        "project": "gcp_project_id",
        "region": "region",
        "network": "network",
        "subnetwork": "subnetwork",
        "name": "endpoint_name",
        "labels": "tags",
    },
}
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "aws": (),
    "azure": ("subnet_ids",),
    "gcp": ("gcp_project_id", "region", "network", "subnetwork"),
}
_OF_CONNECT_ALONE = ("security_group_ids", "tags", "location", "vpc_endpoint")
_OPTIONS = tuple(dict.fromkeys(option for options in _ARGUMENTS.values() for option in options.values()))
# the deployment is chosen apart from these
_OF_CLOUDS = tuple(option for option in _OPTIONS if option != "instance_name")


def add(commands: Commands) -> None:
    """Register the commands."""
    _, own = command(
        commands,
        "connect",
        _connect,
        "make a private endpoint on both sides, and show the connection string",
        more="What is there is adopted: run it again wherever it was stopped, and it goes on.",
    )
    _add_deployment(own)
    add_options(own, *_OF_CLOUDS)
    add_options(own, "plan", "timeout")

    _, own = command(
        commands,
        "disconnect",
        _disconnect,
        "undo connect",
        more="Removes the endpoint in your cloud, the endpoint in Atlas and, where nothing else uses it, its service.",
    )
    _add_deployment(own)
    add_options(own, *(option for option in _OF_CLOUDS if option not in _OF_CONNECT_ALONE))
    add_options(own, "keep_service", "force", "timeout")

    _, own = command(
        commands,
        "iam-policy",
        _iam_policy,
        "print the smallest IAM policy for connect and disconnect on AWS",
        atlas=False,
        output=False,
    )
    add_options(own, "region", help="the one region to allow (default: all)")
    add_options(own, "account_id")


def _add_deployment(own: argparse._ArgumentGroup) -> None:
    add_options(own.add_mutually_exclusive_group(required=True), "cluster_name", "instance_name")
    add_options(own, "cloud")


def _connect(options: argparse.Namespace) -> int:
    return _through(options, "connect", plan=options.plan)


def _disconnect(options: argparse.Namespace) -> int:
    return _through(options, "disconnect", keep_service=options.keep_service)


def _through(options: argparse.Namespace, function: str, **more: Any) -> int:
    from importlib import import_module

    from .atlas import open_client, project_of
    from .confirmation import confirmed
    from .output import write

    arguments = _arguments(options)
    with open_client(options) as client:
        group_id = project_of(options)
        deployment = options.cluster_name or options.instance_name
        if function == "disconnect" and not confirmed(options, f"disconnect {deployment} from your network"):
            return 1
        cloud: Any = import_module(f"..{options.cloud}", __package__)
        connection = wait_until(
            options,
            "",
            options.interruption.words,
            lambda progress: getattr(cloud, function)(
                group_id,
                **arguments,
                **more,
                cluster_name=options.cluster_name,
                atlas=client,
                timeout=options.timeout,
                on_progress=progress,
            ),
            "",
        )
    write(connection, options.output)
    return 0


def _arguments(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments for the cloud's own function, beside those that all clouds have."""
    from .failures import UsageError
    from .grammar import refuse

    names = _ARGUMENTS[options.cloud]
    options.names = names
    refuse(options, (option for option in _OPTIONS if option not in names.values()), f"is not for {options.cloud}")
    shown = options.parser
    for needed in _NEEDED[options.cloud]:
        if not getattr(options, needed):
            raise UsageError(f"{options.cloud} needs {shown.names()[needed]}")
    arguments = {name: getattr(options, option) for name, option in names.items() if hasattr(options, option)}
    for name in ("tags", "labels"):
        if arguments.get(name) is not None:
            arguments[name] = dict(arguments[name])
    if "subnet_id" in arguments:
        arguments["subnet_id"], *surplus = arguments["subnet_id"]
        if surplus:
            raise UsageError(f"{options.cloud} takes one {shown.names()['subnet_ids']}")
    if arguments.get("vpc_endpoint") is not None:
        arguments["vpc_endpoint"] = _given(arguments["vpc_endpoint"])
    return arguments


def _given(vpc_endpoint_id: str) -> Callable[[str], str]:
    from .failures import UsageError

    # it would be looked at only after Atlas has made its half
    if not vpc_endpoint_id.startswith("vpce-"):
        raise UsageError(f"--vpc-endpoint-id must be a VPC endpoint's id (vpce-…), got {vpc_endpoint_id!r}")

    def id_of(service_name: str) -> str:
        return vpc_endpoint_id

    return id_of


def _iam_policy(options: argparse.Namespace) -> int:
    import json

    from ..aws import iam_policy

    print(json.dumps(iam_policy(region=options.region, account_id=options.account_id), indent=2))
    return 0
