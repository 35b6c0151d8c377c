"""Histories beside strangers in a local Azure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from foreign_clouds import CloudGround
from foreigners import Seen

from atlas_privatelink import Client
from atlas_privatelink.clouds.azure import AzureCloud
from atlas_privatelink.clouds.ownership import Mark, identity_digest
from atlas_privatelink.testing import AtlasEmulator
from atlas_privatelink.testing._azure_client import in_process_transport
from atlas_privatelink.testing._azure_rules import Refused
from atlas_privatelink.testing.azure import LocalAzure

_OTHERS = "99999999-8888-4777-8666-555555555555"


class AzureGround(CloudGround):
    """Two virtual networks of one subscription; strangers have a resource group of their own, and some a subscription.

    Args:
        atlas: The local Atlas.
    """

    region = "eastus2"
    moments = 80

    def __init__(self, atlas: AtlasEmulator) -> None:
        super().__init__()
        self._atlas = atlas
        self._azure = LocalAzure(atlas, location=self.region)
        self._client = self._azure.client(in_process=True, transport=in_process_transport(self._answer))

    def close(self) -> None:
        """It is not needed any more."""
        self._client.close()

    def _answer(self, asked: Any) -> Any:
        self.around()
        answer = self._azure._answer(asked)
        self.around()
        return answer

    def begin(self, variant: int) -> None:
        """Nothing is there. Azure heeds conditions or does not, and takes a few looks for everything."""
        self._azure = LocalAzure(self._atlas, location=self.region, looks=1 + variant)
        self._azure.heeds_conditions = variant != 1
        self._azure.shows_interfaces = variant != 2
        other = self._azure.add_virtual_network("vnet-other", location=self.region)
        self._subnets = [self._azure.subnet_id(), self._azure.subnet_id(network_id=other)]
        self._others_network = self._azure.add_virtual_network(
            "vnet-strangers", location=self.region, subscription_id=_OTHERS, resource_group="rg-strangers"
        )
        self._names = count(1)
        self._faults = 0

    def cloud(self, network: int) -> AzureCloud:
        """One of the virtual networks."""
        return AzureCloud(self._subnets[network], client=self._client)

    def seen(self) -> Sequence[Seen]:
        """What there is, and is not being deleted."""
        return [self._seen(one) for one in self._azure.endpoints() if one["state"] != "Deleting"]

    def _seen(self, one: dict[str, Any]) -> Seen:
        network, target = one["subnet_id"].rpartition("/subnets/")[0].lower(), one["leads_to"].lower()
        mark = Mark.read(one["tags"])
        is_marked = False
        identity: tuple[str, ...] = ()
        if mark is not None:
            digest = identity_digest(mark.group_id, mark.service_id, network, target)
            is_marked = mark.digest == digest and one["name"] == f"atlas-{digest[:16]}"
            identity = (mark.group_id, mark.service_id, network)
        is_dead = one["state"] in ("Failed", "Canceled") or one["connection"] in ("Rejected", "Disconnected")
        return Seen(one["id"], tuple(sorted(one["tags"].items())), is_marked, identity, is_dead)

    def stranger_creates(self, network: int, service: dict[str, Any], tags: dict[str, str]) -> str | None:
        """By a name of their own; every third one in another subscription, and a network there or here."""
        number = next(self._names)
        name, subscription, subnet = f"theirs-{number}", None, self._subnets[network]
        if number % 3 == 0:
            subscription = _OTHERS
        if number % 6 == 0:
            subnet = self._azure.subnet_id(network_id=self._others_network)
        target = service["privateLinkServiceResourceId"]
        try:
            return self._azure.add_private_endpoint(
                name,
                target,
                subnet_id=subnet,
                resource_group="rg-strangers",
                subscription_id=subscription,
                tags=dict(tags),
            )
        except Refused:
            return None

    def stranger_deletes(self, endpoint_id: str) -> None:
        """At once."""
        self._azure.remove(endpoint_id)

    def stranger_tags(self, endpoint_id: str, tags: dict[str, str]) -> None:
        """Whatever it is."""
        there = next(one for one in self._azure.endpoints() if one["id"] == endpoint_id)
        self._azure.put_tags(endpoint_id, {**there["tags"], **tags})

    def rejects(self, endpoint_id: str) -> None:
        """As the owner of the service does, whatever Atlas says."""
        self._azure.force_state(endpoint_id, "Rejected")

    def lag(self, lists: int) -> None:
        """In lists; by its id, a new endpoint is shown at once."""
        world = self._azure._world
        world.list_lag = lists
        for one in world.endpoints.values():
            one.lists_left = min(one.lists_left, lists)
        if not lists:
            world.ghosts.clear()

    def fail(self, *, executed: bool, times: int) -> None:
        """As Azure throttles, or with a broken connection."""
        if executed:
            self._azure.fail(code=None, executed=True, times=times)
        else:
            self._azure.fail(code="TooManyRequests", status=429, times=times, retry_after=1.0)

    def heal(self) -> None:
        """No fault is left."""
        self._azure.forget_faults()

    def register(self, atlas: Client, group_id: str, service_id: str, endpoint_id: str) -> None:
        """As a stranger."""
        address = next(one["address"] for one in self._azure.endpoints() if one["id"] == endpoint_id)
        atlas.dedicated.create_endpoint(group_id, "AZURE", service_id, endpoint_id, private_endpoint_ip_address=address)
