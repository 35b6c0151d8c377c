"""Azure's resource ids: their parts, and how they are compared. Azure does not tell them apart by case."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .._core import cloud_region

__all__ = ["ResourceId", "canonical", "canonical_location", "group_path", "same"]

# Azure's names have letters of every language; what has a meaning in URLs is not among them
_PART = r"[^/\s?#%\\]+"
_ID = re.compile(
    rf"/subscriptions/(?P<subscription>{_PART})/resourceGroups/(?P<group>{_PART})/providers/Microsoft\.Network"
    rf"/(?P<kind>{_PART})/(?P<name>{_PART})(?:/subnets/(?P<subnet>{_PART}))?/?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ResourceId:
    """The parts of the id of a resource of Microsoft.Network; names are in the case that they were given in."""

    subscription: str
    group: str
    kind: str
    name: str
    subnet: str | None = None

    @classmethod
    def parse(cls, kind: str, text: object) -> ResourceId | None:
        """The parts of an id.

        Args:
            kind: `privateEndpoints`, `networkInterfaces`, `virtualNetworks`; or `subnets`, whose ids name the network,
                too.
            text: The id.

        Returns:
            `None` where it is not the id of such a resource.
        """
        match = _ID.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            return None
        wanted = "virtualNetworks" if kind == "subnets" else kind
        is_right = match["kind"].lower() == wanted.lower() and (match["subnet"] is not None) == (kind == "subnets")
        return cls(match["subscription"], match["group"], wanted, match["name"], match["subnet"]) if is_right else None

    @property
    def path(self) -> str:
        """The id, with Azure's own spelling of everything but the names."""
        group = group_path(self.subscription, self.group)
        path = f"{group}/providers/Microsoft.Network/{self.kind}/{self.name}"
        return path if self.subnet is None else f"{path}/subnets/{self.subnet}"

    @property
    def network_path(self) -> str:
        """Of a subnet: the id of its virtual network."""
        return ResourceId(self.subscription, self.group, self.kind, self.name).path


def group_path(subscription: str, group: str) -> str:
    """The id of a resource group."""
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


def canonical(resource_id: str) -> str:
    """The spelling that stands for all spellings of an id."""
    return f"/{resource_id.strip('/').lower()}"


def same(one: Any, other: Any) -> bool:
    """Whether two ids are one."""
    return isinstance(one, str) and isinstance(other, str) and canonical(one) == canonical(other)


def canonical_location(location: str) -> str:
    """Azure's own name of a region, from any spelling of it: `East US 2`, `EastUS2` or `US_EAST_2` is `eastus2`."""
    return cloud_region("AZURE", location).replace(" ", "").lower()
