"""Azure's resource ids: their parts, and how they are compared. Azure does not tell them apart by case."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .._core import cloud_region

__all__ = ["NETWORK_PROVIDER", "ResourceId", "canonical", "canonical_location", "group_path", "same", "segment"]

NETWORK_PROVIDER = "Microsoft.Network"
_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Network"
    r"/(?P<kind>[^/]+)/(?P<name>[^/]+)(?:/subnets/(?P<subnet>[^/]+))?/?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ResourceId:
    """The parts of the id of a resource of Microsoft.Network, in the case that they were given in."""

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
        found = cls(**match.groupdict())
        wanted = "virtualNetworks" if kind == "subnets" else kind
        is_right = found.kind.lower() == wanted.lower() and (found.subnet is not None) == (kind == "subnets")
        return found if is_right else None

    @property
    def path(self) -> str:
        """The id, as a path."""
        path = group_path(self.subscription, self.group)
        path += f"/providers/{NETWORK_PROVIDER}/{segment(self.kind)}/{segment(self.name)}"
        return path if self.subnet is None else f"{path}/subnets/{segment(self.subnet)}"

    @property
    def network_path(self) -> str:
        """Of a subnet: the id of its virtual network."""
        return ResourceId(self.subscription, self.group, self.kind, self.name).path


def group_path(subscription: str, group: str) -> str:
    """The id of a resource group."""
    return f"/subscriptions/{segment(subscription)}/resourceGroups/{segment(group)}"


def segment(text: str) -> str:
    """A name that stands for itself in a path."""
    # Azure's names have letters of every language, and those that RFC 3986 allows
    if re.search(r"[\s/?#%\\]", text):
        raise ValueError(f"no name of Azure's: {text!r}")
    return text


def canonical(resource_id: str) -> str:
    """The spelling that stands for all spellings of an id."""
    return f"/{resource_id.strip('/').lower()}"


def same(one: Any, other: Any) -> bool:
    """Whether two ids are one."""
    return isinstance(one, str) and isinstance(other, str) and canonical(one) == canonical(other)


def canonical_location(location: str) -> str:
    """Azure's own name of a region, from any spelling of it: `East US 2`, `EastUS2` or `US_EAST_2` is `eastus2`."""
    return cloud_region("AZURE", location).replace(" ", "").lower()
