"""Azure's half: from nothing to a private connection string in one call, by Azure's own SDK.

>>> from atlas_privatelink import azure
>>> subnet_id = "/subscriptions/…/providers/Microsoft.Network/virtualNetworks/orders/subnets/default"
>>> connection = azure.connect(GROUP_ID, cluster_name="Cluster0", region="eastus2", subnet_id=subnet_id)
>>> connection.srv
'mongodb+srv://cluster0-pl-0.abcde.mongodb.net'

`aconnect` and `adisconnect` are the same for asyncio. The SDK comes with `pip install 'atlas-privatelink[azure]'`.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from ._async.azure import aconnect, adisconnect
from ._sync.azure import connect, disconnect
from .cloud import sdk_module
from .errors import CloudError, CloudPermissionDenied, ValidationError
from .models.connection import CloudEndpoint

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from typing import Literal

    from typing_extensions import Self

    from .cloud import ServiceToReach

__all__ = ["AzureCloud", "aconnect", "adisconnect", "connect", "disconnect"]

_SUBNET_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Network"
    r"/virtualNetworks/(?P<network>[^/]+)/subnets/(?P<subnet>[^/]+)",
    re.IGNORECASE,
)
_ENDPOINT_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Network"
    r"/privateEndpoints/(?P<name>[^/]+)",
    re.IGNORECASE,
)
_INTERFACE_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Network"
    r"/networkInterfaces/(?P<name>[^/]+)",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]")
_RESOURCE_GROUP = re.compile(r"[\w.()-]{0,89}[\w()-]")

# a name is free again once the endpoint that bore it is gone, which takes Azure a minute or two
_DELETION_SECONDS = 600.0
_DELETION_PAUSE = 2.0


class AzureCloud:
    """A private endpoint in a subnet of yours.

    Its name is derived from the Private Link service and the subnet, and Azure creates by name: however often it is
    called, and from wherever, there is one.

    Args:
        subnet_id: The subnet's full resource id,
            `/subscriptions/…/resourceGroups/…/providers/Microsoft.Network/virtualNetworks/…/subnets/…`.
        resource_group: Where to put the private endpoint; by default the resource group of the virtual network.
        location: Azure's region of the private endpoint, such as `eastus2`; it has to be the virtual network's, which
            is looked up by default.
        name: The private endpoint's name; by default derived.
        tags: Tags of the private endpoint, beside those that say what it is for.
        credential: What authenticates you, an `azure.core.credentials.TokenCredential`; by default
            `azure.identity.DefaultAzureCredential()`.
        subscription_id: The subscription of the private endpoint; by default the subnet's.
        client: An `azure.mgmt.network.NetworkManagementClient` to use, in place of a credential.

    Raises:
        ValidationError: An argument breaks a rule; `field` names it.
    """

    provider: Literal["AZURE"] = "AZURE"

    def __init__(
        self,
        subnet_id: str,
        *,
        resource_group: str | None = None,
        location: str | None = None,
        name: str | None = None,
        tags: Mapping[str, str] | None = None,
        credential: Any = None,
        subscription_id: str | None = None,
        client: Any = None,
    ) -> None:
        subnet = _matched(_SUBNET_ID, subnet_id)
        if subnet is None:
            rule = "subnet_id must be a subnet's full resource id (/subscriptions/…/virtualNetworks/…/subnets/…)"
            raise ValidationError(f"{rule}, not {subnet_id!r}", field="subnet_id")
        if name is not None and _matched(_NAME, name) is None:
            rule = "name must have 2 to 64 letters, digits, '_', '.' and '-', and begin with a letter or digit"
            raise ValidationError(f"{rule}, and not end with '.' or '-', not {name!r}", field="name")
        if resource_group is not None and _matched(_RESOURCE_GROUP, resource_group) is None:
            rule = "resource_group must be a resource group's name, not its id"
            raise ValidationError(f"{rule}: {resource_group!r}", field="resource_group")
        if client is not None and (credential is not None or subscription_id is not None):
            rule = "client has a credential and a subscription of its own: give it alone"
            raise ValidationError(rule, field="client")
        self._subnet_id, self._subnet = subnet_id, subnet
        self._resource_group = resource_group or subnet["group"]
        self._subscription = subscription_id or subnet["subscription"]
        self._location, self._name, self._tags = location, name, dict(tags or {})
        self._credential, self._client = credential, client
        self._own: list[Any] = []
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<AzureCloud subnet_id={self._subnet_id!r} resource_group={self._resource_group!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened here; a client or credential that was given stays open."""
        with self._lock:
            own, self._own = self._own, []
            if own:
                self._client = None
        for opened in own:
            opened.close()

    @property
    def network(self) -> str:
        """The subnet's resource id, which Azure does not tell apart by case."""
        return self._subnet_id.lower()

    def check(self) -> None:
        """Look whether there are the subnet and the resource group, and whether they can be read.

        Raises:
            ValidationError: There is no such subnet or resource group. CloudPermissionDenied: Azure does not let you
            see it, or knows no credential of yours. CloudError: any other failure.
        """
        subnet = self._subnet
        with _asking("Subnets.Get"):
            found = _found(self._api.subnets.get, subnet["group"], subnet["network"], subnet["subnet"])
        if found is None:
            raise ValidationError(f"subnet_id: Azure has no subnet {self._subnet_id}", field="subnet_id")
        with _asking("PrivateEndpoints.List"):
            listed = _found(lambda: list(self._api.private_endpoints.list(self._resource_group)))
        if listed is None:
            rule = f"resource_group: subscription {self._subscription} has no resource group {self._resource_group}"
            raise ValidationError(rule, field="resource_group")

    def adopt(self, service: ServiceToReach) -> CloudEndpoint | None:
        """The private endpoint in the subnet that leads to the service, if there is one that is alive.

        It is looked for by its name first, and then among all private endpoints of the resource group.

        Raises:
            CloudError: Azure refuses, or does not answer.
        """
        named = self._get(self._resource_group, self.name_for(service))
        if named is not None and self._leads_to(named, service):
            shown = self._shown(named)
            if shown.is_alive:
                return shown
        with _asking("PrivateEndpoints.List"):
            listed = list(self._api.private_endpoints.list(self._resource_group))
        for endpoint in listed:
            if self._leads_to(endpoint, service):
                shown = self._shown(endpoint)
                if shown.is_alive:
                    return shown
        return None

    def create(self, service: ServiceToReach) -> CloudEndpoint:
        """Begin to create the private endpoint. Called twice, or by two at a time, it still creates one.

        One of the same name that is just being deleted is waited for.

        Raises:
            CloudError: Azure refuses, or does not answer; the name belongs to something else; or what bears it was
            rejected, which Azure has no way back from.
        """
        name = self.name_for(service)
        there = self._until_name_is_free(name, service)
        if there is not None:
            return there
        wanted: dict[str, Any] = {
            "location": self._where(),
            "tags": {**service.tags, **self._tags},
            "properties": {
                "subnet": {"id": self._subnet_id},
                # Atlas approves it itself: nobody here has rights on its service, which an automatic approval needs
                "manualPrivateLinkServiceConnections": [
                    {
                        "name": name,
                        "properties": {
                            "privateLinkServiceId": service.name,
                            "requestMessage": f"Atlas project {service.group_id}"[:140],
                        },
                    }
                ],
            },
        }
        operation = "PrivateEndpoints.CreateOrUpdate"
        try:
            with _asking(operation):
                # its progress is watched with `describe`, which also works after whoever began it was killed
                begun = self._api.private_endpoints.begin_create_or_update(
                    self._resource_group, name, wanted, polling=False
                )
                made = begun.result()
        except CloudError as error:
            made = self._made_by_another(name, service, error)
        return self._shown(made)

    def describe(self, endpoint_id: str) -> CloudEndpoint | None:
        """The private endpoint as it is now; `None` where there is none.

        Until its network interface has an address, it is `creating`: Atlas wants to be told the address, too.

        Args:
            endpoint_id: Its full resource id.

        Raises:
            ValidationError: That is no resource id of a private endpoint.
            CloudError: Azure refuses, or does not answer.
        """
        endpoint = self._get_by_id(endpoint_id)
        return None if endpoint is None else self._shown(endpoint)

    def delete(self, endpoint_id: str) -> None:
        """Begin to delete the private endpoint; one that is gone already is no error.

        Args:
            endpoint_id: Its full resource id.

        Raises:
            ValidationError: That is no resource id of a private endpoint.
            CloudError: Azure refuses, or does not answer.
        """
        if self._get_by_id(endpoint_id) is None:
            return
        named = _endpoint_named(endpoint_id)
        with _asking("PrivateEndpoints.Delete"):
            _found(self._api.private_endpoints.begin_delete, named["group"], named["name"], polling=False)

    def planned(self, service: ServiceToReach | None) -> str:
        """What `create` would create, in words."""
        name = self._name if service is None else self.name_for(service)
        what = "a private endpoint" if name is None else f"private endpoint {name}"
        leading = "" if service is None else f", leading to {service.name}"
        return f"{what} in subnet {self._subnet['subnet']} of {self._subnet['network']}{leading}"

    def name_for(self, service: ServiceToReach) -> str:
        """The name of the private endpoint to a service: the one given, or one derived from service and subnet."""
        if self._name is not None:
            return self._name
        what = "\n".join((service.name, self._subnet_id)).lower()
        return f"atlas-{sha256(what.encode()).hexdigest()[:12]}"

    @property
    def _api(self) -> Any:
        with self._lock:
            if self._client is None:
                network = _sdk("azure.mgmt.network")
                if self._credential is None:
                    self._credential = _sdk("azure.identity").DefaultAzureCredential()
                    self._own.append(self._credential)
                # the SDK's own ten retries would go on for minutes, where everything here may be called again
                self._client = network.NetworkManagementClient(
                    self._credential, self._subscription, retry_total=4, connection_timeout=10, read_timeout=60
                )
                self._own.append(self._client)
            return self._client

    def _get(self, resource_group: str, name: str) -> Any:
        with _asking("PrivateEndpoints.Get"):
            return _found(self._api.private_endpoints.get, resource_group, name)

    def _get_by_id(self, endpoint_id: str) -> Any:
        named = _endpoint_named(endpoint_id)
        endpoint = self._get(named["group"], named["name"])
        # the client sees one subscription, and another's endpoint may bear the same name
        return endpoint if endpoint is not None and _same(endpoint.id, endpoint_id) else None

    def _where(self) -> str:
        if self._location is None:
            with _asking("VirtualNetworks.Get"):
                found = self._api.virtual_networks.get(self._subnet["group"], self._subnet["network"])
            self._location = str(found.location)
        return self._location

    def _leads_to(self, endpoint: Any, service: ServiceToReach) -> bool:
        subnet = endpoint.subnet.id if endpoint.subnet else None
        return _same(subnet, self._subnet_id) and any(
            _same(connection.private_link_service_id, service.name) for connection in _connections(endpoint)
        )

    def _until_name_is_free(self, name: str, service: ServiceToReach) -> CloudEndpoint | None:
        """What bears the name already and is good; nothing, if it is free or bears a failure that can be repeated."""
        operation, until = "PrivateEndpoints.CreateOrUpdate", monotonic() + _DELETION_SECONDS
        while (endpoint := self._get(self._resource_group, name)) is not None:
            if not self._leads_to(endpoint, service):
                why = f"{endpoint.id} exists and leads elsewhere: choose another name, or delete it"
                raise CloudError(f"Azure: {operation}: {why}", operation=operation, code="NameTaken")
            shown = self._shown(endpoint)
            if shown.is_alive:
                return shown
            if shown.phase == "failed":
                if _is(endpoint.provisioning_state, "failed", "canceled"):
                    # Azure's way to try again is to create it once more
                    return None
                why = f"{endpoint.id} is {shown.status} ({shown.error_message}): delete it, and connect again"
                raise CloudError(f"Azure: {operation}: {why}", operation=operation, code=shown.status)
            if monotonic() > until:
                why = f"{endpoint.id} is still being deleted after {_DELETION_SECONDS:g} s"
                raise CloudError(f"Azure: {operation}: {why}", operation=operation, code=shown.status)
            sleep(_DELETION_PAUSE)
        return None

    def _made_by_another(self, name: str, service: ServiceToReach, error: CloudError) -> Any:
        """What another call has begun to create in the same moment; otherwise the error holds."""
        if error.code not in _BUSY:
            raise error
        endpoint = self._get(self._resource_group, name)
        if endpoint is None or not self._leads_to(endpoint, service):
            raise error
        return endpoint

    def _shown(self, endpoint: Any) -> CloudEndpoint:
        provisioning = _word(endpoint.provisioning_state) or "Updating"
        state = next((one.private_link_service_connection_state for one in _connections(endpoint)), None)
        connection = _word(state and state.status) or "Pending"
        description = (state and state.description) or None
        shown = CloudEndpoint(str(endpoint.id), provisioning, "creating")
        if _is(provisioning, "deleting"):
            return replace(shown, phase="deleting")
        if _is(provisioning, "failed", "canceled"):
            return replace(shown, phase="failed", error_message="its activity log in Azure says why")
        if _is(connection, "rejected", "disconnected", "removed"):
            why = description or "the owner of the service has refused or ended the connection"
            return replace(shown, status=connection, phase="failed", error_message=why)
        if not _is(provisioning, "succeeded"):
            return shown
        address = self._address(endpoint)
        if address is None:
            return shown
        phase: Literal["available", "pending"] = "available" if _is(connection, "approved") else "pending"
        return replace(shown, status=connection, phase=phase, private_endpoint_ip_address=address)

    def _address(self, endpoint: Any) -> str | None:
        for interface in endpoint.network_interfaces or ():
            named = _matched(_INTERFACE_ID, interface.id)
            if named is None:
                continue
            with _asking("NetworkInterfaces.Get"):
                found = _found(self._api.network_interfaces.get, named["group"], named["name"])
            for configuration in (found and found.ip_configurations) or ():
                if configuration.private_ip_address:
                    return str(configuration.private_ip_address)
        return None


class AzureRemains(AzureCloud):
    """The same for `disconnect`, which has to find what failed or was rejected, too."""

    def adopt(self, service: ServiceToReach) -> CloudEndpoint | None:
        """The private endpoint in the subnet that leads to the service: one that is alive, or the one of our name.

        Raises:
            CloudError: Azure refuses, or does not answer.
        """
        alive = super().adopt(service)
        if alive is not None:
            return alive
        named = self._get(self._resource_group, self.name_for(service))
        return self._shown(named) if named is not None and self._leads_to(named, service) else None

    def describe(self, endpoint_id: str) -> CloudEndpoint | None:
        """The private endpoint as it is now; `gone` where there is none in the subnet's subscription: Atlas may still
        know it.

        Args:
            endpoint_id: Its full resource id.

        Raises:
            ValidationError: That is no resource id of a private endpoint.
            CloudError: Azure refuses, or does not answer.
        """
        shown = super().describe(endpoint_id)
        # one of another subscription is not there for us, and may be alive all the same
        seen = _same(_endpoint_named(endpoint_id)["subscription"], self._subnet["subscription"])
        return CloudEndpoint(endpoint_id, "gone", "gone") if shown is None and seen else shown


# Azure's words for: somebody else is just working on it
_BUSY = {"AnotherOperationInProgress", "Conflict", "CanceledAndSupersededDueToAnotherOperation", "RetryableError"}


def _word(word: Any) -> str:
    """A word of Azure's, which some of its SDKs wrap into an enumeration."""
    return str(getattr(word, "value", word) or "")


def _is(word: Any, *words: str) -> bool:
    return _word(word).lower() in words


def _same(one: str | None, other: str) -> bool:
    """Whether two resource ids are one: Azure does not tell them apart by case, and answers in whichever it likes."""
    return one is not None and one.strip("/").lower() == other.strip("/").lower()


def _connections(endpoint: Any) -> list[Any]:
    manual, automatic = endpoint.manual_private_link_service_connections, endpoint.private_link_service_connections
    return [*(manual or ()), *(automatic or ())]


def _matched(pattern: re.Pattern[str], value: object) -> dict[str, str] | None:
    match = pattern.fullmatch(value) if isinstance(value, str) else None
    return None if match is None else match.groupdict()


def _endpoint_named(endpoint_id: str) -> dict[str, str]:
    named = _matched(_ENDPOINT_ID, endpoint_id)
    if named is None:
        rule = "endpoint_id must be a private endpoint's full resource id (/subscriptions/…/privateEndpoints/…)"
        raise ValidationError(f"{rule}, not {endpoint_id!r}", field="endpoint_id")
    return named


def _sdk(module: str) -> Any:
    return sdk_module(module, extra="azure")


def _found(call: Any, *arguments: Any, **options: Any) -> Any:
    """What a call returns; `None` where Azure has no such resource."""
    try:
        return call(*arguments, **options)
    except _sdk("azure.core.exceptions").ResourceNotFoundError:
        return None


@contextmanager
def _asking(operation: str) -> Generator[None]:
    """Every failure of Azure's SDK as one `CloudError`."""
    exceptions = _sdk("azure.core.exceptions")
    try:
        yield
    except exceptions.AzureError as error:
        raise _cloud_error(operation, error, exceptions) from error


def _cloud_error(operation: str, error: Any, exceptions: Any) -> CloudError:
    answer = getattr(error, "error", None)
    status = getattr(error, "status_code", None)
    code = (answer and answer.code) or (str(status) if status else None)
    text = (answer and answer.message) or getattr(error, "message", None) or str(error)
    refused = isinstance(error, exceptions.ClientAuthenticationError) or status in (401, 403)
    # the SDK's texts have several lines, with every detail once more as JSON
    text = " ".join(str(text).split())
    if refused or status:
        message = f"Azure refused {operation}: {code}: {text}" if code else f"Azure refused {operation}: {text}"
    else:
        message = f"Azure: {operation} failed: {text}"
    return (CloudPermissionDenied if refused else CloudError)(message, operation=operation, code=code)
