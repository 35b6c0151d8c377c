"""As much of Azure Resource Manager's Microsoft.Network as private endpoints need, on a loopback port.

It keeps what it is told, as the real one does: a private endpoint is created by name, its provisioning takes a while,
its network interface gets an address from the subnet, and its connection is Pending until the owner of the Private Link
service approves it.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from itertools import count
from typing import Any

from .rest import Answer, Asked, RestServer

SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
GROUP = "rg-orders"
SUBNET_ID = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Network"
    "/virtualNetworks/vnet-orders/subnets/default"
)
TOKEN = "token-of-the-tests"

_PATH = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Network"
    r"/(?P<kind>[^/]+)(?:/(?P<name>[^/]+)(?:/subnets/(?P<subnet>[^/]+))?)?",
    re.IGNORECASE,
)


class AzureNetwork(RestServer):
    """The server.

    Args:
        tls: The SDK sends its tokens by https only.
        knows: Says which Private Link services there are, by resource id.
        location: Where the virtual network is.
        looks: How many times a private endpoint is looked at before it is created, or gone.
    """

    def __init__(
        self, *, tls: ssl.SSLContext, knows: Callable[[str], bool], location: str = "eastus2", looks: int = 2
    ) -> None:
        super().__init__(tls=tls)
        self.knows, self.location, self.looks = knows, location, looks
        self.groups = {GROUP}
        self.endpoints: dict[str, dict[str, Any]] = {}
        """The private endpoints there are, by group and name in lower case."""
        self.created: list[str] = []
        """The names of all that were ever created."""
        self.assigns_addresses = True
        """Whether network interfaces have got their addresses yet."""
        self._left: dict[str, int] = {}
        self._interfaces: dict[str, str] = {}
        self._addresses = count(4)

    def decide(self, name: str, status: str, description: str = "") -> None:
        """What the owner of the Private Link service says to a connection: Approved, Rejected or Disconnected."""
        with self.lock:
            state = _connection(self.endpoints[f"{GROUP}/{name}".lower()])
            state["privateLinkServiceConnectionState"] = {"status": status, "description": description}

    def fail(self, name: str) -> None:
        """Lets the provisioning fail."""
        with self.lock:
            self._left.pop(f"{GROUP}/{name}".lower(), None)
            self.endpoints[f"{GROUP}/{name}".lower()]["properties"]["provisioningState"] = "Failed"

    def handle(self, asked: Asked) -> Answer:
        """The answer to a request."""
        match = _PATH.fullmatch(asked.path)
        if match is None or "api-version" not in asked.query:
            return refusal(400, "InvalidApiVersionParameter", f"Nothing is at {asked.path}.")
        return self._refused(asked, match) or self._known(
            asked, match["group"], match["kind"].lower(), match["name"], match["subnet"]
        )

    def _refused(self, asked: Asked, match: re.Match[str]) -> Answer | None:
        subscription, group = match["subscription"], match["group"]
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return refusal(401, "InvalidAuthenticationToken", "The access token is invalid.")
        if subscription != SUBSCRIPTION:
            return refusal(404, "SubscriptionNotFound", f"The subscription {subscription} could not be found.")
        if group.lower() not in self.groups:
            return refusal(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
        return None

    def _known(self, asked: Asked, group: str, kind: str, name: str, subnet: str | None) -> Answer:
        if kind == "virtualnetworks" and asked.method == "GET":
            return self._virtual_network(name, subnet)
        if kind == "networkinterfaces" and asked.method == "GET":
            return self._interface(name)
        if kind == "privateendpoints":
            return self._private_endpoint(asked, f"{group}/{name}".lower() if name else None, group, name)
        return refusal(400, "InvalidResourceType", f"There is no {asked.method} of {kind}.")

    def _virtual_network(self, name: str, subnet: str | None) -> Answer:
        network_id, _, default = SUBNET_ID.rpartition("/subnets/")
        if name.lower() != "vnet-orders" or (subnet or default) != default:
            return refusal(404, "NotFound", f"Resource {name}/subnets/{subnet} not found.")
        if subnet is None:
            return Answer(200, {"id": network_id, "name": name, "location": self.location, "properties": {}})
        return Answer(200, {"id": SUBNET_ID, "name": subnet, "properties": {"addressPrefix": "10.0.0.0/24"}})

    def _interface(self, name: str) -> Answer:
        address = self._interfaces.get(name.lower())
        if address is None:
            return refusal(404, "ResourceNotFound", f"The network interface {name} was not found.")
        properties = {"privateIPAddress": address} if self.assigns_addresses else {}
        configuration = {"name": "ipconfig", "properties": properties}
        return Answer(200, {"id": _id("networkInterfaces", name), "properties": {"ipConfigurations": [configuration]}})

    def _private_endpoint(self, asked: Asked, key: str | None, group: str, name: str | None) -> Answer:
        if key is None or name is None:
            for one in list(self.endpoints):
                self._age(one)
            return Answer(200, {"value": [one for at, one in self.endpoints.items() if at.startswith(f"{group}/")]})
        there = self.endpoints.get(key)
        if asked.method == "PUT":
            return self._put(key, name, there, asked.body)
        if asked.method == "DELETE":
            if there is None:
                return Answer(204)
            there["properties"]["provisioningState"] = "Deleting"
            self._left[key] = self.looks
            return Answer(202, None, {"location": f"{self.base_url}/operations/1"})
        self._age(key)
        there = self.endpoints.get(key)
        if there is None:
            return refusal(404, "ResourceNotFound", f"The Resource 'privateEndpoints/{name}' was not found.")
        return Answer(200, there)

    def _put(self, key: str, name: str, there: dict[str, Any] | None, wanted: dict[str, Any]) -> Answer:
        properties = wanted["properties"]
        [connection] = properties["manualPrivateLinkServiceConnections"]
        service = connection["properties"]["privateLinkServiceId"]
        refused = self._broken_rule(wanted, service)
        if refused is not None:
            return refused
        if there is not None:
            return self._update(key, there, wanted, service)
        self.created.append(name)
        connection["properties"]["privateLinkServiceConnectionState"] = {"status": "Pending", "description": ""}
        interface = _id("networkInterfaces", f"{name}.nic")
        self.endpoints[key] = {
            "id": _id("privateEndpoints", name),
            "name": name,
            "location": wanted["location"],
            "tags": wanted.get("tags", {}),
            "properties": {**properties, "provisioningState": "Updating", "networkInterfaces": [{"id": interface}]},
        }
        self._left[key] = self.looks
        return Answer(201, self.endpoints[key], {"azure-asyncoperation": f"{self.base_url}/operations/1"})

    def _broken_rule(self, wanted: dict[str, Any], service: str) -> Answer | None:
        properties = wanted["properties"]
        if properties["subnet"]["id"].lower() != SUBNET_ID.lower():
            return refusal(400, "InvalidResourceReference", f"Subnet {properties['subnet']['id']} was not found.")
        if wanted["location"] != self.location:
            return refusal(400, "InvalidResourceLocation", "The subnet is in another location.")
        if not self.knows(service):
            return refusal(404, "PrivateLinkServiceNotFound", f"Private link service {service} was not found.")
        return None

    def _update(self, key: str, there: dict[str, Any], wanted: dict[str, Any], service: str) -> Answer:
        name, state = there["name"], there["properties"]["provisioningState"]
        if state in ("Updating", "Deleting"):
            return refusal(409, "AnotherOperationInProgress", f"Another operation on {name} is in progress.")
        if _connection(there)["privateLinkServiceId"].lower() != service.lower():
            code = "CannotChangePrivateLinkConnectionOnPrivateEndpoint"
            return refusal(400, code, f"The connection of {name} cannot be changed.")
        there["tags"] = wanted.get("tags", {})
        if state == "Failed":
            there["properties"]["provisioningState"] = "Updating"
            self._left[key] = self.looks
        return Answer(200, there)

    def _age(self, key: str) -> None:
        if key not in self._left:
            return
        self._left[key] -= 1
        if self._left[key] > 0:
            return
        del self._left[key]
        there = self.endpoints[key]
        if there["properties"]["provisioningState"] == "Deleting":
            del self.endpoints[key]
            self._interfaces.pop(f"{there['name']}.nic".lower(), None)
            return
        there["properties"]["provisioningState"] = "Succeeded"
        self._interfaces[f"{there['name']}.nic".lower()] = f"10.0.0.{next(self._addresses)}"


def _id(kind: str, name: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Network/{kind}/{name}"


def _connection(endpoint: dict[str, Any]) -> dict[str, Any]:
    [connection] = endpoint["properties"]["manualPrivateLinkServiceConnections"]
    state: dict[str, Any] = connection["properties"]
    return state


def refusal(status: int, code: str, message: str) -> Answer:
    """An error as Azure sends it."""
    return Answer(status, {"error": {"code": code, "message": message, "details": []}})
