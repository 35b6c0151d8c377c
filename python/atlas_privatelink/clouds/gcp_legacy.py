"""Endpoints to services that are not port-mapped: a group of forwarding rules `<group>-<number>`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .gcp_names import natural, numbered
from .gcp_parts import Group, grouped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .gcp_parts import Part

__all__ = ["DISABLED_ON", "group_named", "groups_to", "is_complete", "numbered_targets"]

DISABLED_ON = "2027-04-30"
"""The day on which MongoDB disables services that are not port-mapped."""


def numbered_targets(name: str, attachments: Iterable[str]) -> dict[str, str]:
    """The rules of a group with their service attachments, numbered by one order whatever Atlas's, which changes."""
    return {f"{name}-{i}": target for i, target in enumerate(sorted(attachments, key=natural))}


def groups_to(parts: Iterable[Part], attachments: Iterable[str]) -> list[Group]:
    """The groups that lead to attachments of a service, complete or not, whoever created them."""
    wanted = set(attachments)
    groups: dict[str, list[Part]] = {}
    for part in parts:
        name = numbered(part.name)
        if name is not None and part.target in wanted:
            groups.setdefault(name, []).append(part)
    return [grouped(name, _one_for_each(members)) for name, members in groups.items()]


def group_named(name: str, parts: Iterable[Part], attachments: Iterable[str] | None) -> Group | None:
    """The group of a name.

    Rules that are numbered like it and lead to another service are not part of it.

    Args:
        name: The name of the group.
        parts: The parts with names `<name>-<number>`.
        attachments: The service attachments of its service; `None` where they are not known: then they are those of the
            rule with the lowest number, as far as their names differ only by their numbers.
    """
    members = sorted((part for part in parts if numbered(part.name) == name), key=lambda part: natural(part.name))
    if not members:
        return None
    if attachments is None:
        ours = [part for part in members if part.mark is not None]
        like = _stem((ours or members)[0].target)
        members = [part for part in members if _stem(part.target) == like]
    else:
        wanted = set(attachments)
        members = [part for part in members if part.target in wanted]
    return Group(name, _one_for_each(members)) if members else None


def is_complete(group: Group, attachments: Iterable[str] | None) -> bool:
    """Whether each attachment has its rule; where they are not known, whether each address has."""
    targets = {part.target for part in group.parts if part.rule is not None}
    return all(part.rule is not None for part in group.parts) if attachments is None else targets == set(attachments)


def _stem(target: str) -> str:
    return re.sub(r"\d+$", "", target)


def _one_for_each(members: Iterable[Part]) -> tuple[Part, ...]:
    """Without rules that lead where one with a lower number leads."""
    first: dict[str, Part] = {}
    for part in sorted(members, key=lambda part: natural(part.name)):
        first.setdefault(part.target, part)
    return tuple(first.values())
