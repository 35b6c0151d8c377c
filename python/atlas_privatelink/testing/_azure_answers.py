"""What the local Azure answers to requests."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from ._azure_client import IN_PROCESS_HOST
from ._azure_faults import AzureFaults
from ._azure_rules import TOKEN, Address, Refused, address_of
from ._rest import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._azure_world import Endpoint, World
    from ._rest import Asked

__all__ = ["AzureAnswers", "NewServices"]

_SPELLINGS: tuple[Callable[[str], str], ...] = (str, str.lower, str.upper)


@dataclass
class NewServices:
    """How often a new service is refused."""

    times: int = 0
    code: str = ""
    status: int = 400
    left: dict[str, int] = field(default_factory=dict[str, int])


class AzureAnswers:
    """Answers requests about what there is, one at a time.

    Args:
        world: What there is.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._faults = AzureFaults()
        self._lock = threading.RLock()
        self._answers = 0
        self._new_services = NewServices()
        self.assigns_addresses = True
        """Whether network interfaces get addresses."""
        self.shows_interfaces = True
        """Whether private endpoints show their network interfaces while they are being created."""
        self.heeds_conditions = True
        """Whether a `PUT` with `If-None-Match` or `If-Match` is refused where that does not hold. It is not documented
        whether Azure does."""
        self.changes_id_case = False
        """Whether each answer has its ids in another case."""
        self.page_size: int | None = None
        """How many resources a page of a list has; `None` for all."""
        self.calls: list[str] = []
        """The operations that were asked for since the start, in their order, such as `PrivateEndpoints.Get`."""
        self.requests: list[Asked] = []
        """The same, with method, path and body."""

    def _answer(self, asked: Asked) -> Answer | None:
        with self._lock:
            try:
                address = address_of(asked.method, asked.path)
                self.calls.append(address.operation)
                self.requests.append(asked)
                fault = self._faults.due(address.operation)
                if fault is None:
                    return self._spelled(self._handled(asked, address))
                if fault.executed:
                    self._handled(asked, address)
                if fault.code is None:
                    return None
                raise Refused(fault.status, fault.code, fault.message, retry_after=fault.retry_after)
            except Refused as refused:
                headers = {} if refused.retry_after is None else {"retry-after": f"{refused.retry_after:g}"}
                return Answer(refused.status, refused.body, headers)

    def _handled(self, asked: Asked, address: Address) -> Answer:
        if "api-version" not in asked.query:
            raise Refused(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            raise Refused(401, "InvalidAuthenticationToken", "The access token is invalid.")
        self._world.check_group(address.subscription, address.group)
        self._faults.check_allowed(address)
        handlers: dict[str, Callable[[Asked, Address], Answer]] = {
            "Permissions.List": self._permissions,
            "VirtualNetworks.Get": self._network,
            "Subnets.Get": self._network,
            "NetworkInterfaces.Get": self._interface,
            "Operations.Get": self._progress,
            "PrivateEndpoints.Get": self._get,
            "PrivateEndpoints.List": self._list,
            "PrivateEndpoints.ListBySubscription": self._list,
            "PrivateEndpoints.CreateOrUpdate": self._put,
            "PrivateEndpoints.Delete": self._delete,
            "Tags.GetAtScope": self._tags,
            "Tags.UpdateAtScope": self._tags,
        }
        return handlers[address.operation](asked, address)

    def _permissions(self, asked: Asked, address: Address) -> Answer:
        role = {"actions": ["*"], "notActions": self._faults.denied_in(address.group)}
        return Answer(200, {"value": [{**role, "dataActions": [], "notDataActions": []}]})

    def _network(self, asked: Asked, address: Address) -> Answer:
        network = self._world.networks.get(address.key)
        names = {} if network is None else {one.lower(): one for one in network.subnets}
        if network is None or (address.subnet and address.subnet.lower() not in names):
            raise _not_found(f"virtualNetworks/{address.name}")
        if address.subnet:
            return Answer(200, self._world.subnet_sent(network, names[address.subnet.lower()]))
        return Answer(200, self._world.network_sent(network))

    def _interface(self, asked: Asked, address: Address) -> Answer:
        for one in self._world.endpoints.values():
            if one.interface_id.lower() == asked.path.lower():
                has_address = self.assigns_addresses and one.provisioning in ("Succeeded", "Deleting")
                properties = {"privateIPAddress": one.address} if has_address else {}
                configurations = [{"name": "privateEndpointIpConfig", "properties": properties}]
                return Answer(200, {"id": one.interface_id, "properties": {"ipConfigurations": configurations}})
        raise _not_found(f"networkInterfaces/{address.name}")

    def _get(self, asked: Asked, address: Address) -> Answer:
        endpoint = self._world.age(address.key)
        if endpoint is None:
            raise _not_found(f"privateEndpoints/{address.name}")
        return Answer(200, self._sent(endpoint))

    def _list(self, asked: Asked, address: Address) -> Answer:
        found = self._world.listed(address.subscription, address.group.lower() or None)
        first, size = int(asked.query.get("$skipToken", "0")), self.page_size or len(found) or 1
        body: dict[str, Any] = {"value": [self._sent(one) for one in found[first : first + size]]}
        if first + size < len(found):
            version = asked.query["api-version"]
            query = f"api-version={version}&$skipToken={first + size}"
            body["nextLink"] = f"{_base_url(asked)}{asked.path}?{query}"
        return Answer(200, body)

    def _put(self, asked: Asked, address: Address) -> Answer:
        group_of_subnet = asked.body["properties"]["subnet"]["id"].split("/")[4]
        self._faults.check_action("Microsoft.Network/virtualNetworks/subnets/join/action", group_of_subnet)
        self._refuse_new_service(asked.body)
        conditions = {
            name: value for name, value in asked.headers.items() if self.heeds_conditions and name.startswith("if-")
        }
        status, endpoint = self._world.put(address.key, address.name, asked.body, conditions)
        return Answer(status, self._sent(endpoint), self._operation(asked, address))

    def _operation(self, asked: Asked, address: Address) -> dict[str, str]:
        """Where the SDK asks how far it is."""
        path = f"/subscriptions/{address.subscription}/providers/Microsoft.Network/locations/local/operations"
        url = f"{_base_url(asked)}{path}/{address.group}~{address.name}?api-version={asked.query['api-version']}"
        return {"azure-asyncoperation": url}

    def _progress(self, asked: Asked, address: Address) -> Answer:
        endpoint = self._world.age(address.key)
        is_busy = endpoint is not None and endpoint.provisioning in ("Updating", "Deleting")
        ended = "Succeeded" if endpoint is None else endpoint.provisioning
        return Answer(200, {"status": "InProgress" if is_busy else ended})

    def _refuse_new_service(self, wanted: dict[str, Any]) -> None:
        rule = self._new_services
        for connection in wanted["properties"].get("manualPrivateLinkServiceConnections") or ():
            service = connection["properties"]["privateLinkServiceId"]
            left = rule.left.setdefault(service.lower(), rule.times)
            if left > 0:
                rule.left[service.lower()] = left - 1
                raise Refused(rule.status, rule.code, f"Private link service id {service} is invalid.")

    def _delete(self, asked: Asked, address: Address) -> Answer:
        if not self._world.delete(address.key):
            return Answer(204)
        return Answer(202, None, self._operation(asked, address))

    def _tags(self, asked: Asked, address: Address) -> Answer:
        endpoint = self._world.endpoints.get(address.key)
        if endpoint is None:
            raise _not_found(f"privateEndpoints/{address.name}")
        tags = endpoint.tags
        if asked.method == "PATCH":
            if asked.body["operation"] != "Merge":
                raise Refused(400, "InvalidRequestContent", "The local Azure only merges tags.")
            tags = self._world.merge_tags(address.key, asked.body["properties"]["tags"])
        return Answer(200, {"properties": {"tags": tags}})

    def _sent(self, endpoint: Endpoint) -> dict[str, Any]:
        with_interface = self.shows_interfaces or endpoint.provisioning in ("Succeeded", "Deleting")
        return endpoint.sent(with_interface=with_interface)

    def _spelled(self, answer: Answer) -> Answer:
        if not self.changes_id_case:
            return answer
        self._answers += 1
        return Answer(answer.status, _respelled(answer.body, _SPELLINGS[self._answers % 3]), answer.headers)


def _respelled(body: object, spell: Callable[[str], str]) -> Any:
    if isinstance(body, dict):
        return {key: _respelled(value, spell) for key, value in cast("dict[str, object]", body).items()}
    if isinstance(body, list):
        return [_respelled(one, spell) for one in cast("list[object]", body)]
    return spell(body) if isinstance(body, str) and body.startswith("/subscriptions/") else body


def _base_url(asked: Asked) -> str:
    """Where the request came in; without sockets there is no header for it."""
    return f"http://{asked.headers.get('host', IN_PROCESS_HOST)}"


def _not_found(what: str) -> Refused:
    return Refused(404, "ResourceNotFound", f"The Resource 'Microsoft.Network/{what}' was not found.")
