"""Histories beside strangers in a local Google Compute."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import count
from typing import Any

from foreign_clouds import CloudGround
from foreigners import Seen

from atlas_privatelink import Client
from atlas_privatelink.clouds.gcp import GcpCloud
from atlas_privatelink.clouds.ownership import Mark, identity_digest
from atlas_privatelink.testing import AtlasEmulator
from atlas_privatelink.testing._gcp_compute import path
from atlas_privatelink.testing._rest import adapter
from atlas_privatelink.testing.gcp import LocalGcp

_DEAD = ("REJECTED", "CLOSED")
_SUBNETWORKS = ("db", "other-db")
_NETWORKS = ("vpc", "other")


class GcpGround(CloudGround):
    """Two networks of one project.

    Args:
        atlas: The local Atlas.
        port_mapping: Whether endpoints are port-mapped.
    """

    region = "us-central1"
    moments = 80

    def __init__(self, atlas: AtlasEmulator, *, port_mapping: bool = True) -> None:
        super().__init__()
        self._atlas, self._port_mapping = atlas, port_mapping
        self._google = self._first = LocalGcp(atlas, region=self.region)
        self._arguments = self._first.arguments(in_process=True)
        for client in self._first._clients:
            # the address is a name that is never looked up
            session = client.transport._session
            session.mount("http://in-process.invalid", adapter(self._answer))
            # to look for proxies in the environment takes longer than everything else
            session.trust_env = False

    def close(self) -> None:
        """It is not needed any more."""
        self._first.stop()

    def _answer(self, asked: Any) -> Any:
        self.around()
        answer = self._google._answers.answer(asked)
        self.around()
        return answer

    def begin(self, variant: int) -> None:
        """Nothing is there. Operations take a few requests, or none."""
        self._google = LocalGcp(self._atlas, region=self.region, operations_take=variant)
        other = self._google.add_network(_NETWORKS[1])
        self._google.add_subnetwork(_SUBNETWORKS[1], network=other, ip_cidr_range="10.1.0.0/24")
        self._paths = [self._google.network, other]
        self._names = count(1)
        self._faults = 0

    def cloud(self, network: int) -> GcpCloud:
        """One of the networks."""
        where = {"network": _NETWORKS[network], "subnetwork": _SUBNETWORKS[network]}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return GcpCloud(**{**self._arguments, **where}, port_mapping=self._port_mapping)

    def seen(self) -> Sequence[Seen]:
        """What there is, and is not being deleted."""
        rules, addresses = self._there("forwardingRules"), self._there("addresses")
        found = [self._seen(rule, self._address_of(rule, addresses)) for rule in rules.values()]
        # what a creation or deletion of ours has left
        alone = [self._seen(None, one) for name, one in addresses.items() if name not in rules]
        return [*found, *(one for one in alone if one.is_marked)]

    def _there(self, kind: str) -> dict[str, dict[str, Any]]:
        compute = self._google._compute
        return {
            resource["name"]: compute.shown(resource)
            for where, resource in compute.resources.items()
            if f"/{kind}/" in where and where not in compute._deleting
        }

    @staticmethod
    def _address_of(rule: dict[str, Any], addresses: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
        address = addresses.get(rule["name"])
        return address if address is not None and address.get("address") == rule["IPAddress"] else None

    def _seen(self, rule: dict[str, Any] | None, address: dict[str, Any] | None) -> Seen:
        resource = rule or address or {}
        description: str = (address or {}).get("description", "")
        tags = {**(rule or {}).get("labels", {}), "description": description}
        mark = Mark.read_text(description)
        is_marked = False
        identity: tuple[str, ...] = ()
        if mark is not None:
            network, target = self._network_of(rule, address), self._target_of(rule, description)
            name = f"atlas-{identity_digest(mark.group_id, mark.service_id, network)[:16]}"
            is_marked = resource["name"] == name and mark.belongs_to(network, target)
            identity = (mark.group_id, mark.service_id, network)
        is_dead = resource.get("pscConnectionStatus") in _DEAD
        return Seen(resource["name"], tuple(sorted(tags.items())), is_marked, identity, is_dead)

    def _network_of(self, rule: dict[str, Any] | None, address: dict[str, Any] | None) -> str:
        if rule is not None:
            return path(rule["network"])
        subnetwork = self._google._compute.subnetworks[path((address or {})["subnetwork"])]
        return path(subnetwork["network"])

    @staticmethod
    def _target_of(rule: dict[str, Any] | None, description: str) -> str:
        if rule is not None:
            return path(rule["target"])
        return description.partition("atlas-service-attachment=")[2]

    def stranger_creates(self, network: int, service: dict[str, Any], tags: dict[str, str]) -> str | None:
        """By a name of their own; a mark can only be copied to the description of the address."""
        labels = {key: value for key, value in tags.items() if key != "description"}
        made = self._google.add_rule(
            f"theirs-{next(self._names)}",
            service["serviceAttachmentNames"][0],
            network=self._paths[network],
            subnetwork=f"projects/{self._google.project}/regions/{self.region}/subnetworks/{_SUBNETWORKS[network]}",
            description=tags.get("description", ""),
            labels=labels,
        )
        name: str = made["name"]
        return name

    def stranger_deletes(self, endpoint_id: str) -> None:
        """At once, the rule with its address."""
        self._google.remove(endpoint_id)

    def stranger_tags(self, endpoint_id: str, tags: dict[str, str]) -> None:
        """A rule's labels."""
        rule = self._google._compute.resources.get(self._where("forwardingRules", endpoint_id))
        if rule is not None:
            rule["labels"] = {**rule.get("labels", {}), **{key.lower(): value for key, value in tags.items()}}

    def _where(self, kind: str, name: str) -> str:
        return f"projects/{self._google.project}/regions/{self.region}/{kind}/{name}"

    def rejects(self, endpoint_id: str) -> None:
        """As the producer does, whatever Atlas says."""
        self._google.force_state(endpoint_id, "REJECTED")

    def lag(self, lists: int) -> None:
        """In lists; by its name, a new rule or address is shown at once."""
        compute = self._google._compute
        compute.listed_after = lists
        compute._unlisted = {where: min(left, lists) for where, left in compute._unlisted.items()}

    def fail(self, *, executed: bool, times: int) -> None:
        """As Google throttles, or with a broken connection."""
        if executed:
            self._google.fail(reason=None, executed=True, times=times)
        else:
            self._google.fail(reason="rateLimitExceeded", message="Rate Limit Exceeded", status=403, times=times)

    def heal(self) -> None:
        """No fault is left."""
        self._google.forget_faults()

    def register(self, atlas: Client, group_id: str, service_id: str, endpoint_id: str) -> None:
        """As a stranger."""
        rule = self._google.forwarding_rules()[endpoint_id]
        atlas.dedicated.create_endpoint(
            group_id,
            "GCP",
            service_id,
            endpoint_id,
            gcp_project_id=self._google.project,
            endpoints=[(endpoint_id, rule["IPAddress"])],
        )
