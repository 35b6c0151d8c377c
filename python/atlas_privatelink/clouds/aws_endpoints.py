"""The VPC endpoints of one VPC, as EC2 shows them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..errors import CloudError
from .aws_calls import NOT_FOUND
from .aws_shown import Wishes, identity, is_interface, shown, tags_of
from .aws_subnets import Subnets, unfit, zone_of
from .ownership import ENDPOINT_NAME_TAG, MARK_TAG, PROJECT_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..models.connection import CloudEndpoint
    from .aws_calls import Calls

__all__ = ["Endpoints"]

_ID = re.compile(r"vpce-[0-9a-f]{8,17}")


class Endpoints:
    """The VPC endpoints of one VPC.

    Args:
        calls: boto3's clients.
        region: The VPC's region.
        vpc_id: The VPC.
        name: The endpoint's name, where the caller has given it one.
        wishes: What endpoints are compared with.
        subnets: The subnets to choose from.
    """

    def __init__(
        self, calls: Calls, region: str, vpc_id: str, *, name: str | None, wishes: Wishes, subnets: Subnets
    ) -> None:
        self._calls, self._region, self._vpc_id, self._name = calls, region, vpc_id, name
        self._wishes, self._subnets = wishes, subnets

    def read(self, endpoint_id: str) -> dict[str, Any] | None:
        """A VPC endpoint of any VPC; `None` where EC2 has none of that id, or does not show it."""
        if not _ID.fullmatch(endpoint_id):
            # EC2 would refuse it as malformed
            return None
        try:
            answer = self._calls.call(self._region, "describe_vpc_endpoints", endpoint_id, VpcEndpointIds=[endpoint_id])
        except CloudError as error:
            if error.code in NOT_FOUND:
                return None
            raise
        found: list[dict[str, Any]] = answer.get("VpcEndpoints") or []
        return found[0] if found else None

    def listed(self, service_name: str) -> list[dict[str, Any]]:
        """The interface endpoints of the VPC to a service, in any state and of any name, oldest first."""
        return self._list(service_name, {"service-name": service_name})

    def of_project(self, group_id: str) -> list[dict[str, Any]]:
        """The interface endpoints of the VPC with the tags of an Atlas project, in any state, oldest first."""
        return self._list(group_id, {"tag-key": MARK_TAG, f"tag:{PROJECT_TAG}": group_id})

    def _list(self, about: str, wanted: Mapping[str, str]) -> list[dict[str, Any]]:
        filters = [{"Name": name, "Values": [value]} for name, value in {"vpc-id": self._vpc_id, **wanted}.items()]
        method = "describe_vpc_endpoints"
        found = self._calls.pages(self._region, method, "VpcEndpoints", f"{self._vpc_id} {about}", Filters=filters)
        return sorted(filter(is_interface, found), key=_age)

    def usable(self, listed: Sequence[dict[str, Any]]) -> list[CloudEndpoint]:
        """Those of the name that was given, as they are now, without what is only remembered.

        Args:
            listed: What a list has shown; it may be older than the last deletion.
        """
        endpoints: list[CloudEndpoint] = []
        for one in filter(self._has_name, listed):
            endpoint = self.show(one)
            if endpoint.is_alive:
                endpoint = self.show(self.read(endpoint.id) or one)
            if endpoint.phase != "gone":
                endpoints.append(endpoint)
        return endpoints

    def _has_name(self, one: Mapping[str, Any]) -> bool:
        if self._name is None:
            return True
        tags = tags_of(one)
        return self._name == tags.get(ENDPOINT_NAME_TAG, tags.get("Name"))

    @property
    def network(self) -> str:
        """The network, with the endpoint's name where it was given one."""
        return identity(self._vpc_id, self._name)

    def show(self, one: Mapping[str, Any]) -> CloudEndpoint:
        """A VPC endpoint, compared with what is wanted."""
        uncovered = {zone_of(subnet) for subnet in self.missing_subnets(one)}
        return shown(one, vpc_id=self._vpc_id, name=self._name, wishes=self._wishes, uncovered=uncovered)

    def missing_subnets(self, one: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The subnets that were given and are in zones that a VPC endpoint is not in, though its service is: one for
        each such zone. Empty where the service's zones were not looked up, or the endpoint is in other subnets."""
        given = self._subnets.given_before() if self._wishes.subnet_ids else ()
        own: list[str] = one.get("SubnetIds") or []
        by_id = {str(subnet["SubnetId"]): subnet for subnet in given}
        if not by_id or not set(own) <= set(by_id):
            return []
        zones = self._subnets.known_zones(str(one.get("ServiceName")))
        covered = {zone_of(by_id[subnet_id]) for subnet_id in own}
        missing: dict[str, dict[str, Any]] = {}
        for subnet in given:
            zone = zone_of(subnet)
            is_wanted = unfit(subnet) is None and zones is not None and zone in zones
            if is_wanted and zone not in covered:
                missing.setdefault(zone, subnet)
        return list(missing.values())


def _age(one: Mapping[str, Any]) -> tuple[str, str]:
    return shown(one).created_at, one["VpcEndpointId"]
