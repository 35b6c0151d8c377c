"""What is checked in Azure before anything is created, without creating anything."""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import IPv4Network, ip_network
from typing import TYPE_CHECKING, Any

from ..errors import CloudError, CloudPermissionDenied
from ..models.connection import Check
from .azure_ids import canonical_location, group_path, same
from .azure_json import part, parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .azure_calls import Calls
    from .azure_ids import ResourceId

__all__ = ["Checks", "is_allowed", "permission_checks", "unreadable_check"]

_AUTHORIZATION = "providers/Microsoft.Authorization/permissions"
_AUTHORIZATION_API = "2022-04-01"
_READ_PERMISSIONS = "Microsoft.Authorization/permissions/read"
# the first four addresses of a subnet, and its last
_RESERVED_ADDRESSES = 5

_OF_ENDPOINT = (
    "Microsoft.Network/privateEndpoints/read",
    "Microsoft.Network/privateEndpoints/write",
    "Microsoft.Network/networkInterfaces/read",
)
_OF_DELETION = ("Microsoft.Network/privateEndpoints/delete",)
_OF_SUBNET = ("Microsoft.Network/virtualNetworks/subnets/join/action",)


class Checks:
    """One preflight.

    Args:
        calls: Azure.
        subnet: The subnet of the endpoint.
        subscription: The subscription of the endpoint.
        resource_group: The resource group of the endpoint.
    """

    def __init__(self, calls: Calls, subnet: ResourceId, subscription: str, resource_group: str) -> None:
        self._calls, self._subnet = calls, subnet
        self._subscription, self._resource_group = subscription, resource_group

    def of_network(self, network: Mapping[str, Any], location: str | None) -> list[Check]:
        """The network, its region, and the subnet's free addresses.

        Args:
            network: The virtual network, as Azure sends it.
            location: The region that the caller has asked for.
        """
        there, name = str(network.get("location") or ""), self._subnet.name
        found = [Check("network", "ok", f"{name} is in {there}")]
        if location is not None and canonical_location(there) != location:
            detail = f"{name} is in {there}, and a private endpoint has to be in the same region, not in {location}"
            found.append(Check("location", "failure", detail))
        for subnet in parts(network, "properties", "subnets"):
            if same(subnet.get("id"), self._subnet.path):
                found.append(_address_check(str(self._subnet.subnet), part(subnet, "properties")))
        return found

    def of_permissions(self) -> list[Check]:
        """The actions that `connect` and `disconnect` need."""
        group = group_path(self._subscription, self._resource_group)
        named = f"resource group {self._resource_group}"
        found = self._permissions(group, named, _OF_ENDPOINT, _OF_DELETION)
        return found + self._permissions(self._subnet.path, f"subnet {self._subnet.subnet}", _OF_SUBNET)

    def _permissions(
        self, scope: str, named: str, needed: Sequence[str], needed_later: Sequence[str] = ()
    ) -> list[Check]:
        try:
            path = f"{scope}/{_AUTHORIZATION}"
            permissions = self._calls.list("Permissions.List", path, api_version=_AUTHORIZATION_API)
        except CloudPermissionDenied:
            detail = f"those in {named} are not checked: this needs {_READ_PERMISSIONS}"
            return [Check("permissions", "warning", detail)]
        except CloudError as error:
            if error.is_transient:
                raise
            return [Check("permissions", "warning", f"those in {named} are not checked: {error}")]
        return permission_checks(permissions, named, needed, needed_later)


def unreadable_check(unreadable: Iterable[str]) -> list[Check]:
    """A warning for private endpoints in the network that cannot be read: one may lead to the service."""
    ids = sorted(unreadable)
    if not ids:
        return []
    more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
    detail = (
        f"private endpoints of the network cannot be read, and one of them may lead to the service already: "
        f"{', '.join(ids[:3])}{more}; this needs Microsoft.Network/privateEndpoints/read in their resource groups"
    )
    return [Check("existing endpoints", "warning", detail)]


def permission_checks(
    permissions: Sequence[Mapping[str, Any]], named: str, needed: Sequence[str], needed_later: Sequence[str] = ()
) -> list[Check]:
    """Which actions are allowed.

    Args:
        permissions: Azure's list of them.
        named: The scope, in words.
        needed: What `connect` needs.
        needed_later: What only `disconnect` needs.
    """
    found: list[Check] = []
    missing = [action for action in needed if not is_allowed(permissions, action)]
    if missing:
        found.append(Check("permissions", "failure", f"missing in {named}: {', '.join(missing)}"))
    later = [action for action in needed_later if not is_allowed(permissions, action)]
    if later:
        detail = f"missing in {named}: {', '.join(later)}, which disconnect needs"
        found.append(Check("permissions", "warning", detail))
    return found or [Check("permissions", "ok", f"those in {named} are sufficient")]


def is_allowed(permissions: Iterable[Mapping[str, Any]], action: str) -> bool:
    """Whether one of the roles allows an action: `notActions` takes from its own role only."""
    return any(
        _matches(role.get("actions"), action) and not _matches(role.get("notActions"), action) for role in permissions
    )


def _matches(patterns: Iterable[str] | None, action: str) -> bool:
    for pattern in patterns or ():
        if re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), action, re.IGNORECASE):
            return True
    return False


def _address_check(name: str, properties: Mapping[str, Any]) -> Check:
    prefixes = [str(one) for one in properties.get("addressPrefixes") or [properties.get("addressPrefix") or ""]]
    sizes: list[int] = []
    for prefix in prefixes:
        with suppress(ValueError):
            network = ip_network(prefix, strict=False)
            if isinstance(network, IPv4Network):
                sizes.append(network.num_addresses)
    if not sizes:
        return Check("addresses", "warning", f"those of subnet {name} are not checked: it shows no IPv4 prefix")
    # an approximation: what is being created or deleted does not show
    free = sum(sizes) - _RESERVED_ADDRESSES * len(sizes) - len(properties.get("ipConfigurations") or ())
    if free < 1:
        return Check("addresses", "warning", f"subnet {name} seems to have no free address in {', '.join(prefixes)}")
    return Check("addresses", "ok", f"subnet {name} has about {free} free")
