"""What an endpoint in Google Cloud consists of, and whose it is.

A part is a forwarding rule with its internal address. A port-mapped service takes one part; a legacy service takes a
group of them, one for each service attachment. The mark is the description of the address, because a rule cannot have
labels when it is created, and Google does not keep its description.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .gcp_names import natural, numbered, path, sortable_time
from .ownership import Mark, identity_digest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .base import ServiceToReach

__all__ = [
    "Group",
    "Part",
    "Place",
    "attachments_of",
    "derived_name",
    "first_of",
    "grouped",
    "named_in",
    "numbers_in",
    "ours_among",
]

# in the description of an address: the service attachment that its rule leads to, which shows while there is no rule
_ATTACHMENT = "atlas-service-attachment"


def attachments_of(service: ServiceToReach) -> tuple[str, ...]:
    """The canonical names of a service's attachments, in Atlas's order."""
    return tuple(path(one) for one in service.attachments or (service.name,))


def first_of(attachments: Iterable[str]) -> str:
    """The one that stands for all: Atlas's order changes."""
    return min(attachments, key=natural)


@dataclass(frozen=True)
class Part:
    """A forwarding rule and the address of the same name; one of them can be missing."""

    name: str
    """The name of both."""
    rule: Any
    """Google's forwarding rule; `None` for an address of ours whose rule is missing."""
    address: Any
    """Google's address that the rule has; of rules of others it may have another name. `None` where there is none."""
    mark: Mark | None
    """The mark of the address, if it belongs to this rule and network."""
    network: str
    """The canonical network, and the endpoint's name if the mark was written for one."""
    target: str
    """The service attachment that it leads to; without a rule the one that it was created for."""
    group: str
    """Ours: the name of the endpoint, which for port mapping is that of the rule."""


@dataclass(frozen=True)
class Group:
    """The parts of one endpoint."""

    id: str
    """The name of the rule, or of the group of rules."""
    parts: tuple[Part, ...]
    """Its parts, in the order of their numbers."""

    @property
    def is_ours(self) -> bool:
        """Whether all parts carry a mark for the same service."""
        owners = {None if part.mark is None else (part.mark.group_id, part.mark.service_id) for part in self.parts}
        return len(owners) == 1 and None not in owners

    @property
    def fingerprint(self) -> str:
        """The numeric ids of everything that would be deleted with it."""
        words = [f"forwardingRules/{one.name}={one.rule.id}" for one in self.parts if one.rule is not None]
        words += [f"addresses/{one.name}={one.address.id}" for one in self.parts if one.mark is not None]
        return " ".join(words)

    @property
    def created_at(self) -> str:
        """When its first part was created."""
        resources = [part.rule or part.address for part in self.parts]
        return min((sortable_time(one.creation_timestamp) for one in resources), default="")


def numbers_in(fingerprint: str | None) -> tuple[dict[str, int], dict[str, int]]:
    """The rules and the addresses in a fingerprint, with their numeric ids."""
    rules, addresses = dict[str, int](), dict[str, int]()
    for word in (fingerprint or "").split():
        resource, _, number = word.partition("=")
        kind, _, name = resource.partition("/")
        (rules if kind == "forwardingRules" else addresses)[name] = int(number)
    return rules, addresses


def named_in(network: str, name: str | None) -> str:
    """The identity of an endpoint's network: with the endpoint's name where the caller has given it one."""
    return network if name is None else f"{network} {name}"


@dataclass(frozen=True)
class Place:
    """Where endpoints live.

    Args:
        project: The project that owns them.
        network: `projects/…/global/networks/…`, which another project may own.
    """

    project: str
    network: str

    def canonical(self, network: str | None = None) -> str:
        """The identity of a network for this project: in a shared network, each project has its own endpoints."""
        there = self.network if network is None else network
        return there if there.startswith(f"projects/{self.project}/") else f"{there} {self.project}"

    def description(self, mark: Mark, target: str) -> str:
        """What is written on the address."""
        return f"{mark.text()} {_ATTACHMENT}={target}"

    def parts(self, rules: Iterable[Any], addresses: Iterable[Any]) -> list[Part]:
        """Pair rules that lead to service attachments with their addresses; then addresses of ours without a rule."""
        by_name = {one.name: one for one in addresses if one.address_type == "INTERNAL"}
        by_user = {path(user): one for one in by_name.values() for user in one.users}
        found: list[Part] = []
        for rule in rules:
            if "/serviceAttachments/" in rule.target:
                address = by_name.get(rule.name)
                if address is not None and _has(rule, address):
                    found.append(self._part(rule, by_name.pop(rule.name)))
                else:
                    found.append(self._part(rule, by_user.get(path(rule.self_link))))
        without_rule = (self._part(None, address) for address in by_name.values())
        return found + [part for part in without_rule if part.mark is not None]

    def _part(self, rule: Any, address: Any) -> Part:
        resource: Any = address if rule is None else rule
        name: str = resource.name
        mark = None if address is None or address.name != name else Mark.read_text(address.description)
        network = self.canonical(None if rule is None else path(rule.network))
        target = path(rule.target) if rule is not None else _written_attachment(resource.description)
        if mark is not None:
            for group in filter(None, (name, numbered(name))):
                if group == derived_name(mark.group_id, mark.service_id, network) and mark.belongs_to(network, target):
                    return Part(name, rule, address, mark, network, target, group)
                if mark.belongs_to(named_in(network, group), target):
                    return Part(name, rule, address, mark, named_in(network, group), target, group)
        return Part(name, rule, address, None, network, target, name)


def derived_name(group_id: str, service_id: str, network: str) -> str:
    """The name of an endpoint that the caller has given none: from the Atlas project, the service and the network."""
    return f"atlas-{identity_digest(group_id, service_id, network)[:16]}"


def ours_among(parts: Iterable[Part], group_id: str) -> list[Group]:
    """Our endpoints for an Atlas project."""
    groups: dict[tuple[str, str], list[Part]] = {}
    for part in parts:
        if part.mark is not None and part.mark.group_id == group_id:
            groups.setdefault((part.group, part.mark.service_id), []).append(part)
    return [grouped(name, members) for (name, _), members in groups.items()]


def grouped(name: str, members: Iterable[Part]) -> Group:
    """A group with its parts in order."""
    return Group(name, tuple(sorted(members, key=lambda part: natural(part.name))))


def _written_attachment(description: str) -> str:
    words = (word.partition("=") for word in description.split())
    return next((value for key, _, value in words if key == _ATTACHMENT), "")


def _has(rule: Any, address: Any) -> bool:
    """Whether an address of the same name is the rule's; in another network, the mark would not belong to it."""
    return bool(address.address) and rule.I_p_address == address.address
