"""Which subnets a VPC endpoint goes into: one in each zone, with free IPv4 addresses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..errors import CloudError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from .aws_calls import Calls

__all__ = ["Subnets", "zone_of"]


def zone_of(subnet: Mapping[str, Any]) -> str:
    """The zone of a subnet."""
    return str(subnet["AvailabilityZone"])


def unfit(subnet: Mapping[str, Any]) -> str | None:
    """Why a subnet cannot take an endpoint of Atlas's, which has an IPv4 address."""
    if subnet.get("Ipv6Native"):
        return "has IPv6 addresses only"
    if subnet.get("AvailableIpAddressCount", 1) < 1:
        return "has no free address"
    return None


class Subnets:
    """The subnets of one VPC to choose from.

    Args:
        calls: boto3's clients.
        region: The VPC's region.
        vpc_id: The VPC; `None` for that of the subnets.
        given: Subnets of the arguments; empty for all of the VPC.
        zones: What is known of the services' zones, by service name; it is added to.
    """

    def __init__(
        self,
        calls: Calls,
        region: str,
        vpc_id: str | None,
        given: tuple[str, ...],
        zones: MutableMapping[str, frozenset[str]],
    ) -> None:
        self._calls, self._region, self._vpc_id, self._given, self._zones = calls, region, vpc_id, given, zones
        self._before: list[dict[str, Any]] | None = None

    def all(self) -> list[dict[str, Any]]:
        """Those to choose from, the preferred ones first.

        Raises:
            ValidationError: One that was given does not exist, or they are not in one VPC.
        """
        return self._all_given() if self._given else self._all_of_vpc()

    def _all_of_vpc(self) -> list[dict[str, Any]]:
        filters = [{"Name": "vpc-id", "Values": [self._vpc_id]}]
        about = self._vpc_id or ""
        found = self._calls.pages(self._region, "describe_subnets", "Subnets", about, Filters=filters)
        # those of Local Zones and the like are never a service's
        of_region = re.compile(rf"{self._region}[a-z]")
        return sorted((one for one in found if of_region.fullmatch(zone_of(one))), key=_subnet_id)

    def _all_given(self) -> list[dict[str, Any]]:
        about = " ".join(self._given)
        try:
            found = self._calls.pages(self._region, "describe_subnets", "Subnets", about, SubnetIds=list(self._given))
        except CloudError as error:
            if error.code is not None and error.code.endswith((".NotFound", ".Malformed")):
                raise ValidationError(f"subnet_ids: {error}", field="subnet_ids") from error
            raise
        by_id = {one["SubnetId"]: one for one in found}
        missing = [subnet_id for subnet_id in self._given if subnet_id not in by_id]
        if missing:
            rule = f"subnet_ids: {', '.join(missing)} does not exist in {self._region}"
            raise ValidationError(rule, field="subnet_ids")
        subnets = [by_id[subnet_id] for subnet_id in self._given]
        vpcs = {one["VpcId"] for one in subnets}
        expected = self._vpc_id or subnets[0]["VpcId"]
        if vpcs != {expected}:
            rule = f"subnet_ids have to be in one VPC, {expected}; they are in {', '.join(sorted(vpcs))}"
            raise ValidationError(rule, field="subnet_ids")
        self._before = subnets
        return subnets

    def given_before(self) -> list[dict[str, Any]]:
        """The subnets that were given, as they were seen last; empty where they were not looked up."""
        return self._before or []

    def zones_of(self, service_name: str, service_region: str) -> frozenset[str] | None:
        """The zones that a service is in; `None` for a service of another region, whose zones are its own.

        Raises:
            CloudError: EC2 does not know the service (yet), or refuses.
        """
        if service_region != self._region:
            return None
        if service_name not in self._zones:
            method, parameters = "describe_vpc_endpoint_services", {"ServiceNames": [service_name]}
            try:
                details = self._calls.pages(self._region, method, "ServiceDetails", service_name, **parameters)
            except CloudError as error:
                raise self._calls.outlive_fresh_service(error, service_name) from error
            zones = frozenset(zone for detail in details for zone in detail["AvailabilityZones"])
            if not zones:
                return None
            self._zones[service_name] = zones
        return self._zones[service_name]

    def known_zones(self, service_name: str) -> frozenset[str] | None:
        """The zones of a service that was looked up before."""
        return self._zones.get(service_name)

    def chosen(self, service_name: str, service_region: str) -> list[dict[str, Any]]:
        """One subnet in each zone of a service; for a service of another region in each zone.

        Raises:
            ValidationError: There is none.
            CloudError: EC2 refuses, or does not know the service yet.
        """
        subnets = self.all()
        zones = self.zones_of(service_name, service_region)
        chosen = one_per_zone(subnets, zones)
        if chosen:
            return chosen
        there = ", ".join(f"{one['SubnetId']} ({zone_of(one)}{_but(one)})" for one in subnets) or "none"
        field = "subnet_ids" if self._given else "vpc_id"
        where = "" if zones is None else f": {service_name} is in {', '.join(sorted(zones))}"
        rule = f"no subnet with free IPv4 addresses is in a zone of the service{where}; the subnets are {there}"
        raise ValidationError(f"{field}: {rule}", field=field)


def one_per_zone(subnets: list[dict[str, Any]], zones: frozenset[str] | None) -> list[dict[str, Any]]:
    """The first subnet that fits in each zone.

    Args:
        subnets: The preferred ones first.
        zones: The zones that count; `None` for all.
    """
    chosen: dict[str, dict[str, Any]] = {}
    for one in subnets:
        if unfit(one) is None and (zones is None or zone_of(one) in zones):
            chosen.setdefault(zone_of(one), one)
    return list(chosen.values())


def _but(subnet: Mapping[str, Any]) -> str:
    reason = unfit(subnet)
    return "" if reason is None else f", {reason}"


def _subnet_id(subnet: Mapping[str, Any]) -> str:
    return str(subnet["SubnetId"])
