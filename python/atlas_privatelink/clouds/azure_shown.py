"""How a private endpoint of Azure is read: where it leads, whose it is, its state, and how it differs from the
arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import CloudError
from ..models.connection import CloudEndpoint
from .azure_ids import ResourceId, canonical, same
from .azure_json import part, parts
from .ownership import Mark, identity_digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from .base import ServiceToReach

    Phase = Literal["creating", "pending", "available", "deleting", "failed"]

__all__ = ["PrivateEndpoint", "Wishes", "derived_name", "identity"]


def identity(network: str, name: str | None) -> str:
    """The identity of an endpoint's network: with the endpoint's name where the caller has given it one."""
    return network if name is None else f"{network} {name.lower()}"


def derived_name(group_id: str, service_id: str, network: str, target: str) -> str:
    """The name of an endpoint that the caller has given none.

    Args:
        group_id: The Atlas project.
        service_id: Atlas's id of the endpoint service.
        network: The canonical id of the virtual network.
        target: The canonical id of the Private Link service.
    """
    return f"atlas-{identity_digest(group_id, service_id, network, target)[:16]}"


@dataclass(frozen=True)
class Wishes:
    """The attributes that the caller has asked for."""

    subnet_id: str
    """The subnet."""
    resource_group: str | None = None
    """The resource group, where it was given."""
    subscription: str | None = None
    """The subscription, where it was given."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    """Tags beside the mark."""

    def drift(self, endpoint: PrivateEndpoint) -> tuple[str, ...]:
        """How an endpoint differs, in words."""
        found: list[str] = []
        if not same(endpoint.subnet_id, self.subnet_id):
            found.append(f"subnet is {_last(endpoint.subnet_id)}, not {_last(self.subnet_id)}")
        for what, there, wanted in (
            ("resource group", endpoint.id.group, self.resource_group),
            ("subscription", endpoint.id.subscription, self.subscription),
        ):
            if wanted is not None and there.lower() != wanted.lower():
                found.append(f"{what} is {there}, not {wanted}")
        for key, value in self.missing_tags(endpoint).items():
            tag = endpoint.tag(key)
            found.append(f"tag {key} is missing" if tag is None else f"tag {key} is {tag!r}, not {value!r}")
        return tuple(found)

    def missing_tags(self, endpoint: PrivateEndpoint) -> dict[str, str]:
        """The tags that an endpoint does not have, or has with another value."""
        return {key: value for key, value in self.tags.items() if endpoint.tag(key) != value}


class PrivateEndpoint:
    """A private endpoint as Azure sends it.

    Args:
        sent: What was JSON.

    Raises:
        CloudError: It is something else.
    """

    def __init__(self, sent: Mapping[str, Any]) -> None:
        self._properties = part(sent, "properties")
        parsed = ResourceId.parse("privateEndpoints", sent.get("id"))
        if parsed is None:
            text = f"Azure: PrivateEndpoints.Get failed: the response is no private endpoint: {sent.get('id')!r}"
            raise CloudError(text, operation="PrivateEndpoints.Get", is_transient=True)
        self.id = parsed
        # Atlas may tell the case of the fixed parts apart
        self.text_id = parsed.path
        self.etag = str(sent["etag"]) if sent.get("etag") else None
        """Azure's word for this state of it."""
        self.tags = {str(key): str(value) for key, value in part(sent, "tags").items()}
        self.subnet_id = str(part(self._properties, "subnet").get("id") or "")

    @property
    def key(self) -> str:
        """The id in the spelling that stands for all."""
        return canonical(self.text_id)

    @property
    def network(self) -> str:
        """The canonical id of its virtual network; empty where it has none."""
        subnet = ResourceId.parse("subnets", self.subnet_id)
        return "" if subnet is None else canonical(subnet.network_path)

    @property
    def _connection(self) -> Mapping[str, Any]:
        kinds = ("manualPrivateLinkServiceConnections", "privateLinkServiceConnections")
        connections = [one for kind in kinds for one in parts(self._properties, kind)]
        # Azure allows one
        return part(connections[0], "properties") if connections else {}

    @property
    def target(self) -> str:
        """The Private Link service that it leads to, as Azure spells it; empty where it leads to none."""
        return str(self._connection.get("privateLinkServiceId") or "")

    def leads_to(self, service: ServiceToReach) -> bool:
        """Whether it leads to a service."""
        return same(self.target, service.name)

    def tag(self, key: str) -> str | None:
        """The value of a tag. Azure does not tell their keys apart by case."""
        return next((value for one, value in self.tags.items() if one.lower() == key.lower()), None)

    def owner(self) -> tuple[Mark, str] | None:
        """The mark, if it belongs to this endpoint, and the identity that it was written for."""
        mark = Mark.read(self.tags)
        if mark is None:
            return None
        target = canonical(self.target)
        name = derived_name(mark.group_id, mark.service_id, self.network, target)
        # tags that were copied to an endpoint of another name are no mark
        if self.id.name.lower() == name and mark.belongs_to(self.network, target):
            return mark, self.network
        named = identity(self.network, self.id.name)
        return (mark, named) if mark.belongs_to(named, target) else None

    @property
    def provisioning(self) -> str:
        """Azure's word for how far its creation or deletion is."""
        return str(self._properties.get("provisioningState") or "Updating")

    @property
    def interface_ids(self) -> list[str]:
        """Its network interfaces: Azure creates one, with a new id each time."""
        return [str(one["id"]) for one in parts(self._properties, "networkInterfaces") if one.get("id")]

    @property
    def fingerprint(self) -> str | None:
        """What tells it from another endpoint of the same id."""
        words = [canonical(one) for one in self.interface_ids]
        words += [str(self._properties["resourceGuid"]).lower()] if self._properties.get("resourceGuid") else []
        return " ".join(words) or None

    def state(self) -> tuple[str, Phase, str | None]:
        """Azure's word, what it means, and what went wrong; before it is known whether it has an address."""
        provisioning, link = self.provisioning, part(self._connection, "privateLinkServiceConnectionState")
        word, said = str(link.get("status") or "Pending"), str(link.get("description") or "")
        if provisioning.lower() == "deleting":
            return provisioning, "deleting", None
        if provisioning.lower() in ("failed", "canceled"):
            return provisioning, "failed", "its activity log in Azure says why"
        if word.lower() in ("rejected", "disconnected", "removed"):
            why = said or "the owner of the service has refused or ended the connection"
            return word, "failed", why
        if provisioning.lower() != "succeeded":
            return provisioning, "creating", None
        return word, ("available" if word.lower() == "approved" else "pending"), None

    @property
    def is_repeatable(self) -> bool:
        """Whether it has failed in a way that Azure tries once more when it is created again."""
        return self.provisioning.lower() in ("failed", "canceled")

    def shown(self, *, text_id: str, address: str | None, network: str, wishes: Wishes | None) -> CloudEndpoint:
        """The endpoint as the protocol wants it.

        Args:
            text_id: The spelling of its id to show.
            address: Its address: until it has one, it is being created, because Atlas wants it.
            network: The identity of its network, for one that is not ours.
            wishes: What to compare it with.
        """
        status, phase, trouble = self.state()
        if phase in ("pending", "available") and address is None:
            status, phase = self.provisioning, "creating"
        owner = self.owner()
        mark = None if owner is None else owner[0]
        return CloudEndpoint(
            text_id,
            status,
            phase,
            error_message=trouble,
            private_endpoint_ip_address=address,
            network=network if owner is None else owner[1],
            leads_to=self.target or None,
            is_ours=mark is not None,
            service_id=None if mark is None else mark.service_id,
            service_created=mark is not None and mark.service_created,
            made_by=None if mark is None else mark.made_by,
            tags=tuple(sorted(self.tags.items())),
            drift=() if wishes is None else wishes.drift(self),
            fingerprint=self.fingerprint,
        )


def _last(resource_id: str) -> str:
    return resource_id.strip("/").rpartition("/")[2]
