"""A local Azure beside the local Atlas, for tests and demonstrations of `connect`: no account, no network.

    with AtlasEmulator(speed=60) as atlas, LocalAzure(atlas) as local:
        azure.connect(
            GROUP_ID,
            cluster_name="Cluster0",
            region="eastus2",
            subnet_id=local.subnet_id(),
            client=local.client(),
            atlas=atlas.client(),
        )

It has as much of Azure Resource Manager as private endpoints need, and Azure's own SDK talks to it
(`pip install 'atlas-privatelink[azure]'`). A private endpoint is created by name, its provisioning takes a few looks,
its network interface gets an address from the subnet, and its connection is Pending until Atlas, which it was
registered with, is AVAILABLE. Once Atlas has removed it, its connection is Disconnected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ._azure_answers import AzureAnswers, NewServices
from ._azure_atlas import AtlasSide
from ._azure_client import IN_PROCESS_HOST, client_of, in_process_transport
from ._azure_faults import Fault
from ._azure_rules import TOKEN
from ._azure_world import Endpoint, World
from ._rest import LoopbackServer

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from ..clouds.azure import AzureCloud
    from . import AtlasEmulator

__all__ = ["LocalAzure"]

_SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
_GROUP, _NETWORK = "rg-orders", "vnet-orders"
_SUBNETS = {"default": "10.0.0.0/24", "backend": "10.0.1.0/24"}
_PROVISIONING = ("Updating", "Succeeded", "Failed", "Canceled", "Deleting")
_CONNECTION = ("Pending", "Approved", "Rejected", "Disconnected")


class LocalAzure(AzureAnswers):
    """A local Azure that knows what a local Atlas knows. Start it with `with` or `start()`.

    It begins with one subscription, the resource group `rg-orders` and the virtual network `vnet-orders` with the
    subnets `default` and `backend`.

    Args:
        atlas: The local Atlas; it has to be started. `None` for an Azure that knows every Private Link service.
        location: The region of the first virtual network.
        looks: How many times a private endpoint is looked at before it is created, or gone.
        list_lag: How many lists do not show a new private endpoint yet, and still show one that is gone.
    """

    def __init__(
        self, atlas: AtlasEmulator | None = None, *, location: str = "eastus2", looks: int = 2, list_lag: int = 0
    ) -> None:
        super().__init__(World(AtlasSide(atlas), looks=looks, list_lag=list_lag))
        self._server: LoopbackServer | None = None
        self.subscription_id = _SUBSCRIPTION
        """The first subscription."""
        self.resource_group = _GROUP
        """Its first resource group."""
        self.add_virtual_network(_NETWORK, location=location)

    # its life

    def start(self) -> Self:
        """Begin to listen on a free port of this machine. Does nothing if it was started before."""
        if self._server is None:
            self._server = LoopbackServer(self._answer)
        return self

    def stop(self) -> None:
        """Stop for good. Does nothing if it was stopped before."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """Where it listens."""
        if self._server is None:
            raise RuntimeError("the local Azure is not started: use it in a with statement, or call start()")
        return self._server.base_url

    def client(
        self, subscription_id: str | None = None, *, in_process: bool = False, token: str = TOKEN, **options: Any
    ) -> Any:
        """An `azure.mgmt.network.NetworkManagementClient` of it, which does not repeat what fails.

        Args:
            subscription_id: Its subscription; by default the first.
            in_process: Whether it calls the local Azure without sockets; it does not have to be started then.
            token: Its access token.
            **options: Further options of the client.

        Raises:
            ConfigurationError: Azure's SDK is missing.
        """
        url = f"http://{IN_PROCESS_HOST}" if in_process else self.base_url
        transport = {"transport": in_process_transport(self._answer)} if in_process else {}
        return client_of(url, subscription_id or self.subscription_id, token, {**transport, **options})

    def cloud(self, subnet_id: str | None = None, *, in_process: bool = False, **options: Any) -> AzureCloud:
        """An `AzureCloud` of it.

        Args:
            subnet_id: The subnet; by default `default`.
            in_process: Whether it calls the local Azure without sockets.
            **options: Further arguments of `AzureCloud`.
        """
        from ..clouds.azure import AzureCloud

        subnet = subnet_id or self.subnet_id()
        client = options.pop("client", None) or self.client(subnet.split("/")[2], in_process=in_process)
        return AzureCloud(subnet, client=client, **options)

    # what there is

    def add_resource_group(self, name: str, *, subscription_id: str | None = None) -> None:
        """Create a resource group, and its subscription if that is new."""
        with self._lock:
            self._world.add_group(subscription_id or self.subscription_id, name)

    def add_virtual_network(
        self,
        name: str,
        *,
        location: str = "eastus2",
        subnets: dict[str, str] | None = None,
        resource_group: str | None = None,
        subscription_id: str | None = None,
    ) -> str:
        """Create a virtual network, and its resource group and subscription if they are new; returns its id.

        Args:
            name: Its name.
            location: Its region.
            subnets: Address prefixes, by the names of the subnets; by default `default` and `backend`.
            resource_group: Its resource group; by default `rg-orders`.
            subscription_id: Its subscription; by default the first.
        """
        subscription, group = subscription_id or self.subscription_id, resource_group or self.resource_group
        with self._lock:
            self._world.add_group(subscription, group)
            return self._world.add_network(subscription, group, name, location, subnets or _SUBNETS).id

    def subnet_id(self, name: str = "default", *, network_id: str | None = None) -> str:
        """The id of a subnet; by default one of `vnet-orders`."""
        return f"{network_id or next(iter(self._world.networks.values())).id}/subnets/{name}"

    def add_private_endpoint(
        self,
        name: str,
        service: str,
        *,
        subnet_id: str | None = None,
        resource_group: str | None = None,
        subscription_id: str | None = None,
        tags: dict[str, str] | None = None,
    ) -> str:
        """Create a private endpoint as somebody else would, ready and Pending; returns its id.

        Args:
            name: Its name.
            service: The Private Link service that it leads to.
            subnet_id: Its subnet; by default `default` of `vnet-orders`.
            resource_group: Its resource group; by default `rg-orders`.
            subscription_id: Its subscription; by default the first.
            tags: Its tags.
        """
        subscription, group = subscription_id or self.subscription_id, resource_group or self.resource_group
        subnet = subnet_id or self.subnet_id()
        with self._lock:
            self._world.add_group(subscription, group)
            network = self._world.network_of_subnet(subnet)
            location = "" if network is None else network.location
            properties = {"privateLinkServiceId": service}
            connections = [{"name": name, "properties": properties}]
            wanted = {
                "location": location,
                "tags": tags or {},
                "properties": {"subnet": {"id": subnet}, "manualPrivateLinkServiceConnections": connections},
            }
            key = (subscription.lower(), group.lower(), name.lower())
            _, endpoint = self._world.put(key, name, wanted, {"if-none-match": "*"})
            endpoint.provisioning, endpoint.looks_left, endpoint.lists_left = "Succeeded", 0, 0
            return endpoint.id

    def endpoints(self) -> list[dict[str, Any]]:
        """The private endpoints that there are, oldest first, with id, name, state, connection, subnet_id, leads_to,
        address and tags."""
        with self._lock:
            self._world.hear_atlas()
            return [
                {
                    "id": one.id,
                    "name": one.name,
                    "state": one.provisioning,
                    "connection": one.link,
                    "subnet_id": one.subnet_id,
                    "leads_to": one.connection["privateLinkServiceId"],
                    "address": one.address,
                    "tags": dict(one.tags),
                }
                for one in self._world.endpoints.values()
            ]

    def created(self) -> list[str]:
        """The ids of all private endpoints that were ever created, in their order."""
        return list(self._world.created)

    def put_tags(self, endpoint_id: str, tags: dict[str, str]) -> None:
        """Replace all tags of a private endpoint, as somebody else would."""
        with self._lock:
            self._endpoint(endpoint_id).tags = dict(tags)

    def remove(self, endpoint_id: str) -> None:
        """Let a private endpoint be gone at once, as if somebody else had deleted it."""
        with self._lock:
            self._endpoint(endpoint_id)
            self._world.vanish(_key(endpoint_id))

    # what goes wrong

    def force_state(self, endpoint_id: str, state: str, description: str = "") -> None:
        """Let a private endpoint be in a state, whatever Atlas says.

        Args:
            endpoint_id: Its id.
            state: Of its provisioning: `Updating`, `Succeeded`, `Failed`, `Canceled` or `Deleting`; or of its
                connection: `Pending`, `Approved`, `Rejected` or `Disconnected`.
            description: What the owner of the service says about the connection.
        """
        with self._lock:
            endpoint = self._endpoint(endpoint_id)
            endpoint.forced, endpoint.looks_left = True, 0
            if state in _PROVISIONING:
                endpoint.provisioning = state
            elif state in _CONNECTION:
                endpoint.provisioning, endpoint.link, endpoint.said = "Succeeded", state, description
            else:
                raise ValueError(f"state must be one of {(*_PROVISIONING, *_CONNECTION)}, got {state!r}")

    def fail(
        self,
        operation: str | None = None,
        *,
        code: str | None = "InternalServerError",
        message: str = "An error occurred.",
        status: int = 500,
        executed: bool = False,
        times: int = 1,
        after: int = 0,
        retry_after: float | None = None,
    ) -> None:
        """Arm a fault.

        Args:
            operation: Only this operation, such as `"PrivateEndpoints.CreateOrUpdate"`.
            code: The error's code; `None` breaks the connection instead.
            message: The error's message.
            status: The HTTP status.
            executed: Whether the operation is executed all the same.
            times: How many calls it takes.
            after: How many pass before.
            retry_after: Seconds for the header `Retry-After`.
        """
        with self._lock:
            fault = Fault(operation, code, message, status, executed, times, after, retry_after)
            self._faults.armed.append(fault)

    def throttle_every(self, every: int | None, *, retry_after: float = 0.0) -> None:
        """Refuse every so-manieth call with 429; `None` ends it."""
        with self._lock:
            self._faults.throttle_every(every, retry_after)

    def forget_faults(self) -> None:
        """Disarm all faults; permissions and policies stay."""
        with self._lock:
            self._faults.forget()

    def refuse_new_services(self, times: int, *, code: str = "InvalidPrivateLinkServiceId", status: int = 400) -> None:
        """Let the first calls that create a private endpoint to a service be refused, as if Azure did not know it
        everywhere yet.

        Args:
            times: How many calls for each service.
            code: The error's code.
            status: The HTTP status.
        """
        self._new_services = NewServices(times, code, status, {})

    def deny(self, *actions: str, resource_group: str | None = None) -> None:
        """Take permissions away, such as `Microsoft.Network/privateEndpoints/write`; the list of permissions shows it.

        Args:
            *actions: The actions.
            resource_group: Where; by default everywhere.
        """
        scope = None if resource_group is None else resource_group.lower()
        with self._lock:
            self._faults.denied |= {(action, scope) for action in actions}

    def allow_all(self) -> None:
        """Give all permissions back."""
        with self._lock:
            self._faults.denied.clear()

    def strip_tags(self, *keys: str) -> None:
        """Let a policy take tags away from what is created or changed; without keys, all of them."""
        self._world.policies.stripped = {key.lower() for key in keys} if keys else None

    def change_tags(
        self, tags: dict[str, str] | None = None, *, key_case: Literal["upper", "lower"] | None = None
    ) -> None:
        """Let a policy add or replace tags of what is created or changed, or change the case of their keys."""
        self._world.policies.added, self._world.policies.key_case = dict(tags or {}), key_case

    def _endpoint(self, endpoint_id: str) -> Endpoint:
        return self._world.endpoints[_key(endpoint_id)]


def _key(endpoint_id: str) -> tuple[str, str, str]:
    parts = endpoint_id.lower().strip("/").split("/")
    return parts[1], parts[3], parts[7]
