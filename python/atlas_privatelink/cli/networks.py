"""What names a network of yours: the options of each cloud, and the entries of a list of networks."""

from __future__ import annotations

import argparse

from .grammar import comma_list, pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .grammar import Option

__all__ = ["CLOUDS", "CONNECT_ONLY", "NAMES", "OPTIONS", "REQUIRED", "arguments_of"]

CLOUDS: Mapping[str, str] = {"aws": "AWS", "azure": "Azure", "gcp": "Google Cloud"}
"""What people call the clouds."""

_IDS = {"metavar": "ID", "type": comma_list, "action": "extend"}
_PAIRS = {"metavar": "NAME=TEXT", "type": pair, "action": "append"}

OPTIONS: Mapping[str, Mapping[str, Option]] = {
    "aws": {
        "vpc_id": (("--vpc-id",), {"metavar": "ID", "help": "VPC (default: the VPC of the subnets)"}),
        "vpc_region": (
            ("--vpc-region",),
            {"metavar": "NAME", "help": "region of the VPC, if it differs from the region of the endpoint service"},
        ),
        "subnet_ids": (("--subnet-id",), {**_IDS, "help": "subnets, repeated or A,B (default: one per zone)"}),
        "security_group_ids": (
            ("--security-group-id",),
            {**_IDS, "help": "security groups, repeated or A,B (default: the VPC's default group)"},
        ),
        "tags": (("--tag",), {**_PAIRS, "help": "additional tag of the VPC endpoint (repeatable)"}),
        "name": (("--name",), {"metavar": "NAME", "help": "name of the VPC endpoint, to have a second one in a VPC"}),
        "aws_profile": (("--aws-profile",), {"metavar": "NAME", "help": "profile of the AWS configuration files"}),
        "role_arn": (("--role-arn",), {"metavar": "ARN", "help": "IAM role to assume for the VPC's account"}),
        "external_id": (("--external-id",), {"metavar": "ID", "help": "external ID that the role requires"}),
        "vpc_endpoint": (
            ("--vpc-endpoint-id",),
            {"metavar": "ID", "help": "use this VPC endpoint (vpce-…) instead of creating one; it is never deleted"},
        ),
    },
    "azure": {
        "subnet_id": (("--subnet-id",), {"metavar": "ID", "help": "full resource ID of a subnet of the VNet"}),
        "resource_group": (
            ("--resource-group",),
            {"metavar": "NAME", "help": "resource group of the private endpoint (default: the VNet's)"},
        ),
        "location": (("--location",), {"metavar": "NAME", "help": "region of the VNet (default: looked up)"}),
        "name": (
            ("--name",),
            {"metavar": "NAME", "help": "name of the private endpoint, to have a second one in a VNet"},
        ),
        "tags": (("--tag",), {**_PAIRS, "help": "additional tag of the private endpoint (repeatable)"}),
        "subscription_id": (
            ("--subscription-id",),
            {"metavar": "ID", "help": "subscription of the private endpoint (default: the subnet's)"},
        ),
    },
    "gcp": {
        "project": (("--gcp-project-id",), {"metavar": "ID", "help": "Google Cloud project, such as orders-1234"}),
        "network": (("--network",), {"metavar": "NAME", "help": "VPC network: name, or projects/…"}),
        "subnetwork": (
            ("--subnetwork",),
            {"metavar": "NAME", "help": "subnetwork of the address: name, or projects/…"},
        ),
        "port_mapping": (
            ("--no-port-mapping",),
            {
                "action": "store_false",
                "help": "legacy endpoint with up to 50 forwarding rules, which MongoDB disables on 2027-04-30",
            },
        ),
        "name": (
            ("--name",),
            {"metavar": "NAME", "help": "name of the forwarding rule, to have a second one in a network"},
        ),
        "global_access": (
            ("--global-access",),
            {
                "action": argparse.BooleanOptionalAction,
                "help": "whether clients in other regions can connect (default: yes, for a new endpoint)",
            },
        ),
        "ip_address": (
            ("--ip-address",),
            {"metavar": "IP", "help": "internal address in the subnetwork (default: Google chooses one)"},
        ),
        "labels": (("--label",), {**_PAIRS, "help": "label of the forwarding rule (repeatable)"}),
    },
}
"""By cloud, the options that name a network, by the names of Python's arguments."""

CONNECT_ONLY = frozenset(
    ("security_group_ids", "tags", "location", "vpc_endpoint", "labels", "global_access", "ip_address")
)
"""Those that `disconnect` does not take."""

REQUIRED = frozenset(("subnet_id", "project", "network", "subnetwork"))
"""Those that their cloud cannot do without."""

NAMES: Mapping[str, str] = {"profile": "aws_profile"}
"""Arguments of Python's whose options have another name, since Atlas has one of that name."""


def arguments_of(options: argparse.Namespace, cloud: str) -> dict[str, Any]:
    """The arguments that name the network, for the function of a cloud.

    Args:
        options: The parsed options.
        cloud: The cloud.
    """
    python_names = {option: name for name, option in NAMES.items()}
    found: dict[str, Any] = {}
    for option in OPTIONS[cloud]:
        if hasattr(options, option):
            value = getattr(options, option)
            found[python_names.get(option, option)] = dict(value) if option in ("tags", "labels") and value else value
    return found
