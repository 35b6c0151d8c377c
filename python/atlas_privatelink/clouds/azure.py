"""Azure: one private endpoint of a virtual network for each endpoint service."""

from __future__ import annotations

import re
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..errors import CloudPermissionDenied, NotOwned, ValidationError
from ..models.connection import Check
from .azure_calls import Calls
from .azure_checks import Checks, unreadable_check
from .azure_creation import Creation
from .azure_ids import ResourceId, canonical, canonical_location, group_path, same
from .azure_json import part, parts
from .azure_search import Search
from .azure_shown import PrivateEndpoint, Wishes, derived_name, identity
from .ownership import checked_user_tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Literal

    from typing_extensions import Self

    from ..models.connection import CloudEndpoint
    from .base import ServiceToReach

__all__ = ["AzureCloud"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]")
_GROUP = re.compile(r"[\w.()-]{0,89}[\w()-]")
_SUBSCRIPTION = re.compile(r"[0-9A-Fa-f-]{36}")
# Azure allows 50 tags, and the mark takes up to five
_MOST_TAGS, _LONGEST_KEY, _LONGEST_VALUE = 45, 512, 256
_TAGS_API = "2021-04-01"


class AzureCloud:
    """A private endpoint in a virtual network of yours.

    Args:
        subnet_id: The subnet's full resource id,
            `/subscriptions/…/resourceGroups/…/providers/Microsoft.Network/virtualNetworks/…/subnets/…`. An endpoint in
            another subnet of the same virtual network is used, too.
        resource_group: Where to create the private endpoint; by default the resource group of the virtual network.
        location: Azure's region of the private endpoint, in any spelling; it has to be the virtual network's, which is
            looked up by default.
        name: The private endpoint's name, for another one beside the network's first; by default derived.
        tags: Tags of the private endpoint, beside those that mark it.
        credential: What authenticates you, an `azure.core.credentials.TokenCredential`; by default
            `azure.identity.DefaultAzureCredential()`.
        subscription_id: The subscription of the private endpoint; by default the client's, or else the subnet's.
        client: An `azure.mgmt.network.NetworkManagementClient` to use, in place of a credential. Its credential has to
            be good for both subscriptions.

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
        subnet = _checked_subnet(subnet_id)
        _check(name, _NAME, "name", "2 to 64 letters, digits, '_', '.' and '-', not beginning or ending with a mark")
        _check(resource_group, _GROUP, "resource_group", "a resource group's name, not its id")
        _check(subscription_id, _SUBSCRIPTION, "subscription_id", "a subscription's id")
        if client is not None and credential is not None:
            raise ValidationError("client has a credential of its own: give it alone", field="client")
        self._tags = _checked_tags(tags)
        self._subnet, self._subnet_id, self._name = subnet, subnet_id, name
        self._location = None if location is None else canonical_location(location)
        self._resource_group = resource_group or subnet.group
        of_client = getattr(getattr(client, "_config", None), "subscription_id", None)
        self._subscription = str(subscription_id or of_client or subnet.subscription)
        self._wishes = Wishes(subnet_id, resource_group, subscription_id, self._tags)
        self._calls = Calls(client, credential, self._subscription)
        self._network_location: str | None = None
        self._spellings: dict[str, str] = {}
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<AzureCloud subnet_id={self._subnet_id!r} resource_group={self._resource_group!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened here; a client or credential that was given stays open."""
        self._calls.close()

    @property
    def network(self) -> str:
        """The virtual network's resource id in lower case; with the endpoint's name where it was given one."""
        return identity(self._here, self._name)

    @property
    def network_region(self) -> str | None:
        """The virtual network's region; known after `check`."""
        return None if self._network_location is None else canonical_location(self._network_location)

    @property
    def _here(self) -> str:
        return canonical(self._subnet.network_path)

    # what there is

    def check(self) -> None:
        """Look whether there are the subnet and the resource group, and whether they can be read.

        Raises:
            ValidationError: There is no such subnet or resource group.
            CloudPermissionDenied: Azure does not let you see it, or knows no credential of yours.
            CloudError: Any other failure.
        """
        network = self._read_network()
        subnets = parts(network, "properties", "subnets")
        if not any(same(one.get("id"), self._subnet.path) for one in subnets):
            raise ValidationError(f"subnet_id: Azure has no subnet {self._subnet_id}", field="subnet_id")
        group = group_path(self._subscription, self._resource_group)
        path = f"{group}/providers/Microsoft.Network/privateEndpoints"
        if self._calls.get("PrivateEndpoints.List", path) is None:
            rule = f"resource_group: subscription {self._subscription} has no resource group {self._resource_group}"
            raise ValidationError(rule, field="resource_group")

    def preflight(self, service: ServiceToReach | None) -> Sequence[Check]:
        """Check the network, its region, free addresses, permissions, and whether the name is free.

        Args:
            service: What the endpoint will lead to; `None` where Atlas has not named it yet.
        """
        network = self._read_network()
        checks = Checks(self._calls, self._subnet, self._subscription, self._resource_group)
        found = [*checks.of_network(network, self._location), *checks.of_permissions()]
        search = self._search(network)
        search.run()
        found += unreadable_check(search.unreadable)
        if service is not None:
            found += self._name_check(service)
        return found

    def bill(self, service: ServiceToReach | None) -> Sequence[str]:
        """What Azure bills by the hour, in words, without prices."""
        region = None if service is None or service.region is None else canonical_location(service.region)
        crosses = region is not None and self.network_region not in (None, region)
        traffic = "traffic, also between the two regions" if crosses else "traffic"
        return (f"Azure: 1 private endpoint, per hour in any state, plus {traffic}",)

    def find(self, service: ServiceToReach) -> Sequence[CloudEndpoint]:
        """What leads from the virtual network to the service, whoever created it, in whichever resource group and
        subscription it is and can be read.

        Raises:
            CloudError: Azure refuses, or does not answer.
        """
        ids = {one.key: one.text_id for one in self._search().run() if one.leads_to(service)}
        own = self._own_path(service)
        ids.setdefault(canonical(own), own)
        # the lists can be older than the last creation and deletion
        endpoints = [self._read(text_id) for _, text_id in sorted(ids.items())]
        return [self._show(one) for one in endpoints if one is not None and self._counts(one) and one.leads_to(service)]

    def find_ours(self, group_id: str) -> Sequence[CloudEndpoint]:
        """Every endpoint of this virtual network that carries our mark for an Atlas project.

        Raises:
            CloudError: Azure refuses, or does not answer.
        """
        listed = [one for one in self._search().run() if _is_of(one, group_id)]
        endpoints = [self._read(one.text_id) for one in listed]
        shown = [self._show(one) for one in endpoints if one is not None and _is_of(one, group_id)]
        return [one for one in shown if one.network == self.network]

    def describe(self, endpoint_id: str) -> CloudEndpoint | None:
        """The private endpoint as it is now; `None` where there is none, or it is another subscription's that these
        credentials do not reach.

        Until its network interface has an address, it is `creating`: Atlas wants the address, too.

        Args:
            endpoint_id: Its full resource id.

        Raises:
            ValidationError: That is no resource id of a private endpoint.
            CloudError: Azure refuses, or does not answer.
        """
        parsed = ResourceId.parse("privateEndpoints", endpoint_id)
        if parsed is None:
            rule = "endpoint_id must be a private endpoint's full resource id (/subscriptions/…/privateEndpoints/…)"
            raise ValidationError(f"{rule}, not {endpoint_id!r}", field="endpoint_id")
        try:
            endpoint = self._read(endpoint_id)
        except CloudPermissionDenied:
            known = {self._subscription.lower(), self._subnet.subscription.lower()}
            if parsed.subscription.lower() in known or canonical(endpoint_id) in self._spellings:
                raise
            return None
        return None if endpoint is None else self._show(endpoint)

    def planned(self, service: ServiceToReach | None) -> str:
        """What `create` would create, in words."""
        name = self._name if service is None else self.name_for(service)
        what = "a private endpoint" if name is None else f"private endpoint {name}"
        leading = "" if service is None else f", leading to {service.name}"
        return f"{what} in subnet {self._subnet.subnet} of {self._subnet.name}{leading}"

    def planned_id(self, service: ServiceToReach) -> str:
        """The resource id of the private endpoint that `create` would create."""
        return self._own_path(service)

    def name_for(self, service: ServiceToReach) -> str:
        """The name of the private endpoint to a service: the one given, or one derived from the connection."""
        if self._name is not None:
            return self._name
        return derived_name(service.group_id, service.service_id, self._here, canonical(service.name))

    # what is changed

    def create(self, service: ServiceToReach) -> CloudEndpoint:
        """Begin to create the private endpoint. Called twice, or by two callers at once, it still creates one.

        One of the same name that is being deleted is waited for.

        Raises:
            CloudError: Azure refuses, or does not answer; the name belongs to something else; or what was created does
                not carry our mark.
        """
        if self._network_location is None:
            self._read_network()
        creation = Creation(
            self._calls,
            service,
            path=self._own_path(service),
            identity=self.network,
            location=str(self._network_location),
            wishes=self._wishes,
        )
        endpoint, origin = creation.run()
        return self._show(endpoint, origin)

    def update(self, endpoint: CloudEndpoint, service: ServiceToReach) -> Sequence[str]:
        """Set the missing tags of an endpoint of ours, with Azure's merge of tags. Subnet, resource group and
        subscription of a private endpoint cannot be changed.

        Raises:
            NotOwned: It is not ours, or not the one that it was.
            CloudError: Azure refuses, or does not answer.
        """
        there = self._read(endpoint.id)
        if there is None or not endpoint.is_ours:
            raise NotOwned(f"{endpoint.id} is not ours, or gone: nothing was changed", endpoint=endpoint)
        self._compare(endpoint, there, "nothing was changed")
        missing = self._wishes.missing_tags(there)
        if missing:
            path = f"{there.id.path}/providers/Microsoft.Resources/tags/default"
            body = {"operation": "Merge", "properties": {"tags": missing}}
            self._calls.send("Tags.UpdateAtScope", "PATCH", path, body=body, api_version=_TAGS_API)
        return [f"tag {key} set to {value!r}" for key, value in missing.items()]

    def delete(self, endpoint: CloudEndpoint) -> None:
        """Begin to delete the private endpoint, if it still is the one that was seen; one that is gone already is no
        error.

        Azure deletes by path. What remains is the moment between the last look and the deletion.

        Raises:
            NotOwned: It is another one now, or has lost its mark.
            CloudError: Azure refuses, or does not answer.
        """
        there = self._read(endpoint.id)
        if there is None:
            return
        self._compare(endpoint, there, "it was not deleted")
        if there.state()[1] != "deleting":
            self._calls.send("PrivateEndpoints.Delete", "DELETE", there.id.path, missing_ok=True)

    def _compare(self, endpoint: CloudEndpoint, there: PrivateEndpoint, consequence: str) -> None:
        now = self._show(there, with_address=False)
        if None not in (endpoint.fingerprint, now.fingerprint) and endpoint.fingerprint != now.fingerprint:
            text = f"{endpoint.id} is another endpoint than the one that was seen: {consequence}"
            raise NotOwned(text, endpoint=now)
        if endpoint.is_ours and now.service_id != endpoint.service_id:
            text = f"{endpoint.id} does not carry the mark of this package any more: {consequence}"
            raise NotOwned(text, endpoint=now)

    # reading

    def _read_network(self) -> dict[str, Any]:
        network = self._calls.get("VirtualNetworks.Get", self._subnet.network_path)
        if network is None:
            raise ValidationError(f"subnet_id: Azure has no subnet {self._subnet_id}", field="subnet_id")
        self._network_location = str(network.get("location") or "")
        return network

    def _search(self, network: dict[str, Any] | None = None) -> Search:
        there = self._read_network() if network is None else network
        return Search(self._calls, there, (self._subscription, self._resource_group))

    def _read(self, endpoint_id: str) -> PrivateEndpoint | None:
        parsed = ResourceId.parse("privateEndpoints", endpoint_id)
        sent = None if parsed is None else self._calls.get("PrivateEndpoints.Get", parsed.path)
        return None if sent is None else PrivateEndpoint(sent)

    def _own_path(self, service: ServiceToReach) -> str:
        return ResourceId(self._subscription, self._resource_group, "privateEndpoints", self.name_for(service)).path

    def _counts(self, endpoint: PrivateEndpoint) -> bool:
        """Whether an endpoint belongs to this connection's network, and has its name where it was given one."""
        return endpoint.network == self._here and (self._name is None or endpoint.id.name.lower() == self._name.lower())

    def _show(
        self,
        endpoint: PrivateEndpoint,
        origin: Literal["created", "adopted"] | None = None,
        *,
        with_address: bool = True,
    ) -> CloudEndpoint:
        with self._lock:
            text_id = self._spellings.setdefault(endpoint.key, endpoint.text_id)
        is_settled = endpoint.state()[1] in ("pending", "available")
        address = self._address(endpoint.interface_ids) if is_settled and with_address else None
        here = self._counts(endpoint)
        shown = endpoint.shown(
            text_id=text_id,
            address=address,
            network=self.network if here else endpoint.network,
            wishes=self._wishes if endpoint.network == self._here else None,
        )
        return replace(shown, origin=origin)

    def _address(self, interface_ids: Iterable[str]) -> str | None:
        for interface_id in interface_ids:
            parsed = ResourceId.parse("networkInterfaces", interface_id)
            interface = None if parsed is None else self._calls.get("NetworkInterfaces.Get", parsed.path)
            for one in parts(interface, "properties", "ipConfigurations"):
                address = part(one, "properties").get("privateIPAddress")
                if address:
                    return str(address)
        return None

    def _name_check(self, service: ServiceToReach) -> list[Check]:
        name = self.name_for(service)
        try:
            endpoint = self._read(self._own_path(service))
        except CloudPermissionDenied:
            return [Check("name", "warning", "not checked: this needs Microsoft.Network/privateEndpoints/read")]
        if endpoint is None or (self._counts(endpoint) and endpoint.leads_to(service)):
            return [Check("name", "ok", f"{name} is free or leads to the service")]
        way = "choose another name, or delete it"
        return [Check("name", "failure", f"{endpoint.text_id} exists and leads elsewhere: {way}")]


def _is_of(endpoint: PrivateEndpoint, group_id: str) -> bool:
    owner = endpoint.owner()
    return owner is not None and owner[0].group_id == group_id


def _checked_subnet(subnet_id: object) -> ResourceId:
    subnet = ResourceId.parse("subnets", subnet_id)
    if subnet is None:
        rule = "subnet_id must be a subnet's full resource id (/subscriptions/…/virtualNetworks/…/subnets/…)"
        raise ValidationError(f"{rule}, not {subnet_id!r}", field="subnet_id")
    return subnet


def _check(value: object, form: re.Pattern[str], field: str, rule: str) -> None:
    if value is not None and not (isinstance(value, str) and form.fullmatch(value)):
        raise ValidationError(f"{field} must be {rule}, not {value!r}", field=field)


def _checked_tags(tags: Mapping[str, str] | None) -> dict[str, str]:
    given = checked_user_tags("tags", tags)
    if len(given) > _MOST_TAGS:
        raise ValidationError(f"tags: at most {_MOST_TAGS}, beside the mark; got {len(given)}", field="tags")
    if len({key.lower() for key in given}) < len(given):
        raise ValidationError("tags: Azure does not tell keys apart by case, and two of them are one", field="tags")
    for key, value in given.items():
        if not 0 < len(key) <= _LONGEST_KEY or re.search(r"[<>%&\\?/]", key):
            rule = f"tags: a key must have 1 to {_LONGEST_KEY} characters, none of <>%&\\?/"
            raise ValidationError(f"{rule}; got {key!r}", field="tags")
        if len(value) > _LONGEST_VALUE:
            rule = f"tags: a value must have at most {_LONGEST_VALUE} characters"
            raise ValidationError(f"{rule}; that of {key!r} has {len(value)}", field="tags")
    return given
