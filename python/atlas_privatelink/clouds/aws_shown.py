"""A VPC endpoint of EC2 as a `CloudEndpoint`: whose it is, what it leads to, and how it differs from the arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..models.connection import CloudEndpoint
from .ownership import ENDPOINT_NAME_TAG, RUN_TAG, Mark

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Literal

__all__ = ["Wishes", "groups_of", "identity", "is_interface", "run_of", "shown", "tags_of"]

_PHASES: dict[str, Literal["pending", "available", "deleting", "gone", "failed"]] = {
    "pendingacceptance": "pending",
    "pending": "pending",
    "available": "available",
    "partial": "available",
    "deleting": "deleting",
    "deleted": "gone",
    "rejected": "failed",
    "failed": "failed",
    "expired": "failed",
}


@dataclass(frozen=True)
class Wishes:
    """What the user has asked for; whatever is empty was left to us, and never differs."""

    security_group_ids: tuple[str, ...]
    subnet_ids: tuple[str, ...]
    tags: Mapping[str, str]


def identity(vpc_id: str, name: str | None) -> str:
    """The network, with the endpoint's name where it was given one."""
    return vpc_id if name is None else f"{vpc_id} {name}"


def tags_of(one: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a resource of EC2."""
    return {tag["Key"]: tag.get("Value") or "" for tag in one.get("Tags") or ()}


def groups_of(one: Mapping[str, Any]) -> list[str]:
    """The security groups of a VPC endpoint."""
    return [group["GroupId"] for group in one.get("Groups") or ()]


def run_of(tags: Mapping[str, str]) -> tuple[str, str]:
    """The generation of the client token, and the call of `create`, that a VPC endpoint was created with; empty where
    it does not say."""
    generation, _, nonce = tags.get(RUN_TAG, "").partition("-")
    return generation, nonce


def is_interface(one: Mapping[str, Any]) -> bool:
    """Whether a VPC endpoint is an interface endpoint."""
    return str(one.get("VpcEndpointType", "")).lower() == "interface"


def shown(
    one: Mapping[str, Any],
    *,
    vpc_id: str | None = None,
    name: str | None = None,
    wishes: Wishes | None = None,
    uncovered: Collection[str] = (),
) -> CloudEndpoint:
    """A VPC endpoint as EC2 shows it.

    Args:
        one: What EC2 answered.
        vpc_id: The VPC of the arguments.
        name: The endpoint's name of the arguments.
        wishes: What it is compared with.
        uncovered: Zones of the subnets that were asked for, in which it has none.
    """
    tags = tags_of(one)
    here, target = str(one.get("VpcId") or ""), str(one.get("ServiceName") or "")
    network = identity(here, tags.get(ENDPOINT_NAME_TAG))
    mark = Mark.read(tags)
    if mark is None or not mark.belongs_to(network, target):
        mark = None
        # somebody else's endpoint of that name will do
        is_named = name is not None and here == vpc_id and tags.get("Name") == name
        network = identity(here, name if is_named else None)
    state = str(one.get("State") or "unknown")
    last_error: Mapping[str, str] = one.get("LastError") or {}
    return CloudEndpoint(
        id=one["VpcEndpointId"],
        status=state,
        # a state that AWS adds later is one to wait through
        phase=_PHASES.get(state.lower(), "pending"),
        error_message=": ".join(filter(None, (last_error.get("Code"), last_error.get("Message")))) or None,
        network=network,
        leads_to=target or None,
        is_ours=mark is not None,
        service_id=None if mark is None else mark.service_id,
        service_created=mark is not None and mark.service_created,
        made_by=None if mark is None else mark.made_by,
        tags=tuple(sorted(tags.items())),
        drift=() if wishes is None or here != vpc_id else tuple(_drift(one, tags, wishes, uncovered)),
        created_at=_text(one.get("CreationTimestamp")),
    )


def _drift(one: Mapping[str, Any], tags: Mapping[str, str], wishes: Wishes, uncovered: Collection[str]) -> list[str]:
    found: list[str] = []
    groups = groups_of(one)
    if wishes.security_group_ids and set(groups) != set(wishes.security_group_ids):
        found.append(f"security groups are {_list(groups)}, not {_list(wishes.security_group_ids)}")
    subnets: list[str] = one.get("SubnetIds") or []
    if wishes.subnet_ids and not set(subnets) <= set(wishes.subnet_ids):
        found.append(f"subnets are {_list(subnets)}, not {_list(wishes.subnet_ids)}")
    elif uncovered:
        found.append(f"subnets are {_list(subnets)}: none in {_list(uncovered)}")
    for key, value in wishes.tags.items():
        if tags.get(key) != value:
            is_there = f"is {tags[key]!r}" if key in tags else "is missing"
            found.append(f"tag {key} {is_there}, not {value!r}" if key in tags else f"tag {key} {is_there}")
    return found


def _list(words: Collection[str]) -> str:
    return ", ".join(sorted(words)) or "none"


def _text(created: object) -> str:
    return created.astimezone(timezone.utc).isoformat() if isinstance(created, datetime) else ""
