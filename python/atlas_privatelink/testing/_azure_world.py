"""What there is in the local Azure: subscriptions, resource groups, virtual networks and private endpoints."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, cast

from ._azure_rules import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._azure_atlas import AtlasSide

__all__ = ["Endpoint", "Network", "Policies", "World", "resource_id"]

Key = tuple[str, str, str]


def resource_id(subscription: str, group: str, kind: str, name: str) -> str:
    """The id of a resource of Microsoft.Network."""
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/{kind}/{name}"


@dataclass
class Network:
    """A virtual network."""

    id: str
    name: str
    location: str
    subnets: dict[str, str]
    """Address prefixes, by the names of the subnets."""

    def subnet_id(self, name: str) -> str:
        """The id of a subnet."""
        return f"{self.id}/subnets/{name}"


@dataclass
class Endpoint:
    """A private endpoint, and its network interface."""

    id: str
    name: str
    location: str
    tags: dict[str, str]
    subnet_id: str
    connection: dict[str, Any]
    """Name, service and message of its connection."""
    is_manual: bool
    interface_id: str
    address: str
    provisioning: str = "Updating"
    link: str = "Pending"
    said: str = ""
    looks_left: int = 0
    """How many times it is looked at before its creation or deletion is done."""
    lists_left: int = 0
    """How many lists do not show it yet; of one that is gone, how many still show it."""
    was_approved: bool = False
    forced: bool = False

    @property
    def etag(self) -> str:
        """Changes with its state."""
        state = f"{self.interface_id} {self.tags} {self.provisioning} {self.link}"
        return f'W/"{sha256(state.encode()).hexdigest()[:32]}"'

    def sent(self, *, with_interface: bool) -> dict[str, Any]:
        """As Azure sends it."""
        state = {"status": self.link, "description": self.said, "actionsRequired": "None"}
        connection = {
            "name": self.connection["name"],
            "properties": {
                "provisioningState": "Succeeded",
                "privateLinkServiceId": self.connection["privateLinkServiceId"],
                "requestMessage": self.connection.get("requestMessage"),
                "privateLinkServiceConnectionState": state,
            },
        }
        return {
            "id": self.id,
            "name": self.name,
            "etag": self.etag,
            "type": "Microsoft.Network/privateEndpoints",
            "location": self.location,
            "tags": dict(self.tags),
            "properties": {
                "provisioningState": self.provisioning,
                "subnet": {"id": self.subnet_id},
                "networkInterfaces": [{"id": self.interface_id}] if with_interface else [],
                "manualPrivateLinkServiceConnections": [connection] if self.is_manual else [],
                "privateLinkServiceConnections": [] if self.is_manual else [connection],
                "customDnsConfigs": [],
            },
        }


@dataclass
class Policies:
    """Azure Policies that modify tags."""

    stripped: set[str] | None = field(default_factory=set[str])
    """Keys in lower case that are taken away; `None` for all."""
    added: dict[str, str] = field(default_factory=dict[str, str])
    """Tags that are added or replaced."""
    key_case: str | None = None
    """`upper` or `lower` for keys that change their case."""

    def applied(self, tags: dict[str, str]) -> dict[str, str]:
        """What becomes of tags."""
        kept = {
            key: value for key, value in tags.items() if self.stripped is not None and key.lower() not in self.stripped
        }
        kept.update(self.added)
        if self.key_case == "upper":
            return {key.upper(): value for key, value in kept.items()}
        return {key.lower(): value for key, value in kept.items()} if self.key_case == "lower" else kept


class World:
    """What there is. Not thread-safe: the local Azure asks it one request at a time.

    Args:
        atlas: The local Atlas.
        looks: How many times a private endpoint is looked at before it is created, or gone.
        list_lag: How many lists do not show a new one yet, and still show one that is gone.
    """

    def __init__(self, atlas: AtlasSide, *, looks: int, list_lag: int) -> None:
        self.atlas, self.looks, self.list_lag = atlas, looks, list_lag
        self.groups: dict[tuple[str, str], str] = {}
        self.subscriptions: dict[str, str] = {}
        self.networks: dict[Key, Network] = {}
        self.endpoints: dict[Key, Endpoint] = {}
        self.ghosts: dict[Key, Endpoint] = {}
        """Private endpoints that are gone, and still listed."""
        self.created: list[str] = []
        self.policies = Policies()
        self._generation = 0

    # what is there

    def add_group(self, subscription: str, group: str) -> None:
        """Create a resource group."""
        self.subscriptions.setdefault(subscription.lower(), subscription)
        self.groups.setdefault((subscription.lower(), group.lower()), group)

    def add_network(self, subscription: str, group: str, name: str, location: str, subnets: dict[str, str]) -> Network:
        """Create a virtual network."""
        network = Network(resource_id(subscription, group, "virtualNetworks", name), name, location, dict(subnets))
        self.networks[subscription.lower(), group.lower(), name.lower()] = network
        return network

    def network_of_subnet(self, subnet_id: str) -> Network | None:
        """The virtual network of a subnet."""
        for network in self.networks.values():
            for name in network.subnets:
                if network.subnet_id(name).lower() == subnet_id.lower():
                    return network
        return None

    def check_group(self, subscription: str, group: str) -> None:
        """Refuse a subscription or resource group that does not exist."""
        if subscription.lower() not in self.subscriptions:
            text = f"The subscription '{subscription}' could not be found."
            raise Refused(404, "SubscriptionNotFound", text)
        if group and (subscription.lower(), group.lower()) not in self.groups:
            raise Refused(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")

    # what is shown

    def network_sent(self, network: Network) -> dict[str, Any]:
        """A virtual network as Azure sends it."""
        subnets = [self.subnet_sent(network, name) for name in network.subnets]
        properties = {"addressSpace": {"addressPrefixes": list(network.subnets.values())}, "subnets": subnets}
        return {"id": network.id, "name": network.name, "location": network.location, "properties": properties}

    def subnet_sent(self, network: Network, name: str) -> dict[str, Any]:
        """A subnet as Azure sends it."""
        there = [one for one in self._listed() if one.subnet_id.lower() == network.subnet_id(name).lower()]
        properties: dict[str, Any] = {
            "addressPrefix": network.subnets[name],
            "privateEndpoints": [{"id": one.id} for one in there],
            "ipConfigurations": [
                {"id": f"{one.interface_id}/ipConfigurations/privateEndpointIpConfig"} for one in there
            ],
            "privateEndpointNetworkPolicies": "Disabled",
        }
        return {"id": network.subnet_id(name), "name": name, "properties": properties}

    def listed(self, subscription: str, group: str | None) -> list[Endpoint]:
        """The private endpoints that a list shows; each list brings them closer to what there is."""
        for key in list(self.endpoints):
            self.age(key)
        found = [
            one for key, one in self._shown_by_lists() if key[0] == subscription.lower() and group in (None, key[1])
        ]
        for one in (*self.endpoints.values(), *self.ghosts.values()):
            one.lists_left = max(one.lists_left - 1, 0)
        return found

    def _listed(self) -> list[Endpoint]:
        return [one for _, one in self._shown_by_lists()]

    def _shown_by_lists(self) -> list[tuple[Key, Endpoint]]:
        there = [(key, one) for key, one in self.endpoints.items() if one.lists_left == 0]
        return there + [(key, one) for key, one in self.ghosts.items() if one.lists_left > 0]

    # what changes

    def put(self, key: Key, name: str, wanted: dict[str, Any], conditions: Mapping[str, str]) -> tuple[int, Endpoint]:
        """Create or update a private endpoint: 201 and the new one, or 200 and the one that was there."""
        properties = wanted["properties"]
        kinds = {"manualPrivateLinkServiceConnections": True, "privateLinkServiceConnections": False}
        [(is_manual, connection)] = [(kinds[kind], one) for kind in kinds for one in properties.get(kind) or ()]
        connection = {"name": connection["name"], **connection["properties"]}
        there = self.endpoints.get(key)
        network = self._checked(wanted, connection["privateLinkServiceId"], there)
        tags = self.policies.applied(cast("dict[str, str]", wanted.get("tags") or {}))
        if there is None and "if-match" in conditions:
            raise Refused(412, "PreconditionFailed", f"The resource {name} does not exist.")
        if there is not None:
            if conditions.get("if-none-match") == "*" or conditions.get("if-match", there.etag) != there.etag:
                raise Refused(412, "PreconditionFailed", f"The resource {name} exists, or has changed.")
            self._update(there, properties["subnet"]["id"], tags)
            return 200, there
        self._generation += 1
        guid = sha256(f"{key}{self._generation}".encode()).hexdigest()[:8]
        endpoint = Endpoint(
            resource_id(self.subscriptions[key[0]], self.groups[key[:2]], "privateEndpoints", name),
            name,
            wanted["location"],
            tags,
            properties["subnet"]["id"],
            connection,
            is_manual,
            resource_id(self.subscriptions[key[0]], self.groups[key[:2]], "networkInterfaces", f"{name}.nic.{guid}"),
            self._free_address(network, properties["subnet"]["id"]),
            looks_left=self.looks,
            lists_left=self.list_lag,
        )
        self.endpoints[key] = endpoint
        self.ghosts.pop(key, None)
        self.created.append(endpoint.id)
        return 201, endpoint

    def _checked(self, wanted: dict[str, Any], service: str, there: Endpoint | None) -> Network:
        subnet_id = wanted["properties"]["subnet"]["id"]
        network = self.network_of_subnet(subnet_id)
        if network is None:
            raise Refused(400, "InvalidResourceReference", f"Subnet {subnet_id} was not found.")
        if wanted["location"].replace(" ", "").lower() != network.location.replace(" ", "").lower():
            text = f"Resource {subnet_id} is in {network.location}, and not in {wanted['location']}."
            raise Refused(400, "InvalidResourceLocation", text)
        if there is not None and there.connection["privateLinkServiceId"].lower() != service.lower():
            code = "CannotChangePrivateLinkConnectionOnPrivateEndpoint"
            raise Refused(400, code, f"The connection of {there.name} cannot be changed.")
        if not self.atlas.knows(service):
            raise Refused(404, "PrivateLinkServiceNotFound", f"Private link service {service} was not found.")
        return network

    def _update(self, there: Endpoint, subnet_id: str, tags: dict[str, str]) -> None:
        if there.provisioning in ("Updating", "Deleting"):
            text = f"Another operation on {there.name} is in progress."
            raise Refused(409, "AnotherOperationInProgress", text)
        if there.subnet_id.lower() != subnet_id.lower():
            raise Refused(400, "InvalidRequestFormat", f"The subnet of {there.name} cannot be changed.")
        there.tags = tags
        if there.provisioning in ("Failed", "Canceled"):
            there.provisioning, there.looks_left, there.forced = "Updating", self.looks, False

    def _free_address(self, network: Network, subnet_id: str) -> str:
        name = subnet_id.rpartition("/")[2].lower()
        [prefix] = [prefix for one, prefix in network.subnets.items() if one.lower() == name]
        taken = {one.address for one in self.endpoints.values() if one.subnet_id.lower() == subnet_id.lower()}
        # Azure keeps the first four, and the last one
        for address in list(ip_network(prefix).hosts())[3:]:
            if str(address) not in taken:
                return str(address)
        raise Refused(400, "SubnetIsFull", f"Subnet {name} with address prefix {prefix} is already full.")

    def delete(self, key: Key) -> bool:
        """Begin to delete a private endpoint; whether there was one."""
        there = self.endpoints.get(key)
        if there is None:
            return False
        if there.provisioning == "Updating" and there.looks_left > 0:
            text = f"Another operation on {there.name} is in progress."
            raise Refused(409, "AnotherOperationInProgress", text)
        if there.provisioning != "Deleting":
            there.provisioning, there.looks_left, there.forced = "Deleting", self.looks, False
        return True

    def merge_tags(self, key: Key, tags: dict[str, str]) -> dict[str, str]:
        """Set tags, and leave others; keys are not told apart by case."""
        there = self.endpoints[key]
        merged = dict(there.tags)
        for name, value in tags.items():
            known = next((one for one in merged if one.lower() == name.lower()), name)
            merged[known] = value
        there.tags = self.policies.applied(merged)
        return there.tags

    def age(self, key: Key) -> Endpoint | None:
        """A private endpoint after one more look at it; `None` where there is none any more."""
        there = self.endpoints.get(key)
        if there is None:
            return None
        if there.looks_left > 0:
            there.looks_left -= 1
            if there.looks_left == 0 and not there.forced:
                if there.provisioning == "Deleting":
                    self.vanish(key)
                    return None
                there.provisioning = "Succeeded"
        self._hear(there)
        return there

    def hear_atlas(self) -> None:
        """Bring all connections up to what Atlas says."""
        for there in self.endpoints.values():
            self._hear(there)

    def _hear(self, there: Endpoint) -> None:
        if there.forced:
            return
        word = self.atlas.connection(there.id)
        if word is not None:
            there.link, there.was_approved = word, there.was_approved or word == "Approved"
        elif there.was_approved:
            # the owner of the service has removed it
            there.link, there.said = "Disconnected", "Connection deleted by the owner of the service."

    def vanish(self, key: Key) -> None:
        """Let a private endpoint be gone; lists may still show it."""
        gone = self.endpoints.pop(key)
        if self.list_lag:
            ghost = deepcopy(gone)
            ghost.provisioning, ghost.lists_left = "Succeeded", self.list_lag
            self.ghosts[key] = ghost
