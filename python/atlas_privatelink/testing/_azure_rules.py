"""What the local Azure has in common with Azure Resource Manager: paths, operations, permissions, refusals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

__all__ = ["ACTIONS", "TOKEN", "Address", "Refused", "address_of"]

_SUBSCRIPTION = r"/subscriptions/(?P<subscription>[^/]+)"
_GROUP = rf"{_SUBSCRIPTION}/resourceGroups/(?P<group>[^/]+)"
_NETWORK = r"/providers/Microsoft\.Network"
_PATHS = [
    (kind, re.compile(form, re.IGNORECASE))
    for kind, form in {
        "Permissions.List": rf"{_GROUP}(?P<rest>/providers/Microsoft\.Network/.+)?"
        r"/providers/Microsoft\.Authorization/permissions",
        "Tags": rf"{_GROUP}{_NETWORK}/privateEndpoints/(?P<name>[^/]+)/providers/Microsoft\.Resources/tags/default",
        "VirtualNetworks": rf"{_GROUP}{_NETWORK}/virtualNetworks/(?P<name>[^/]+)",
        "Subnets": rf"{_GROUP}{_NETWORK}/virtualNetworks/(?P<name>[^/]+)/subnets/(?P<subnet>[^/]+)",
        "NetworkInterfaces": rf"{_GROUP}{_NETWORK}/networkInterfaces/(?P<name>[^/]+)",
        "PrivateEndpoints": rf"{_GROUP}{_NETWORK}/privateEndpoints/(?P<name>[^/]+)",
        "PrivateEndpoints.List": rf"{_GROUP}{_NETWORK}/privateEndpoints",
        "Operations": rf"{_SUBSCRIPTION}{_NETWORK}/locations/local/operations/(?P<group>[^/]+)~(?P<name>[^/]+)",
        "PrivateEndpoints.ListBySubscription": rf"{_SUBSCRIPTION}{_NETWORK}/privateEndpoints",
    }.items()
]
_VERBS = {
    ("Tags", "GET"): "Tags.GetAtScope",
    ("Tags", "PATCH"): "Tags.UpdateAtScope",
    ("VirtualNetworks", "GET"): "VirtualNetworks.Get",
    ("Subnets", "GET"): "Subnets.Get",
    ("NetworkInterfaces", "GET"): "NetworkInterfaces.Get",
    ("PrivateEndpoints", "GET"): "PrivateEndpoints.Get",
    ("PrivateEndpoints", "PUT"): "PrivateEndpoints.CreateOrUpdate",
    ("PrivateEndpoints", "DELETE"): "PrivateEndpoints.Delete",
    ("Operations", "GET"): "Operations.Get",
    ("PrivateEndpoints.List", "GET"): "PrivateEndpoints.List",
    ("PrivateEndpoints.ListBySubscription", "GET"): "PrivateEndpoints.ListBySubscription",
    ("Permissions.List", "GET"): "Permissions.List",
}

TOKEN = "token-of-the-local-azure"  # noqa: S105 - of a server that knows nobody
"""The access token."""

ACTIONS = {
    "VirtualNetworks.Get": "Microsoft.Network/virtualNetworks/read",
    "Subnets.Get": "Microsoft.Network/virtualNetworks/subnets/read",
    "NetworkInterfaces.Get": "Microsoft.Network/networkInterfaces/read",
    "PrivateEndpoints.Get": "Microsoft.Network/privateEndpoints/read",
    "PrivateEndpoints.List": "Microsoft.Network/privateEndpoints/read",
    "PrivateEndpoints.ListBySubscription": "Microsoft.Network/privateEndpoints/read",
    "PrivateEndpoints.CreateOrUpdate": "Microsoft.Network/privateEndpoints/write",
    "PrivateEndpoints.Delete": "Microsoft.Network/privateEndpoints/delete",
    "Tags.GetAtScope": "Microsoft.Resources/tags/read",
    "Tags.UpdateAtScope": "Microsoft.Resources/tags/write",
    "Operations.Get": "Microsoft.Network/locations/operations/read",
    "Permissions.List": "Microsoft.Authorization/permissions/read",
}
"""The action that a role needs for each operation."""


class Refused(Exception):
    """An error that Azure answers with."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after = status, code, message, retry_after

    @property
    def body(self) -> dict[str, Any]:
        """As Azure sends it."""
        return {"error": {"code": self.code, "message": self.message, "details": []}}


@dataclass(frozen=True)
class Address:
    """What a request is about."""

    operation: str
    """Azure's name of it, such as `PrivateEndpoints.Get`."""
    subscription: str
    group: str
    """Empty where it is about a whole subscription."""
    name: str
    subnet: str

    @property
    def group_key(self) -> tuple[str, str]:
        """Subscription and resource group, in lower case."""
        return self.subscription.lower(), self.group.lower()

    @property
    def key(self) -> tuple[str, str, str]:
        """Subscription, resource group and name, in lower case."""
        return (*self.group_key, self.name.lower())


def address_of(method: str, path: str) -> Address:
    """What a request is about.

    Raises:
        Refused: Nothing is there.
    """
    for kind, form in _PATHS:
        match = form.fullmatch(path)
        operation = _VERBS.get((kind, method))
        if match is not None and operation is not None:
            found = {"group": "", "name": "", "subnet": "", **match.groupdict()}
            return Address(operation, found["subscription"], found["group"], found["name"], found["subnet"])
    raise Refused(400, "InvalidResourceType", f"The local Azure has nothing for {method} {path}.")
