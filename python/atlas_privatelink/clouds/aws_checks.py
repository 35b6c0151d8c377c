"""What could prevent a VPC endpoint, checked without creating anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import CloudError, CloudPermissionDenied, ValidationError
from ..models.connection import Check
from .aws_calls import UNKNOWN_SERVICE
from .aws_creation import parameters_of, specifications_of
from .aws_subnets import Subnets, one_per_zone, unfit, zone_of
from .ownership import MARK_TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeVar

    from ..models.connection import CloudEndpoint
    from .aws_calls import Calls
    from .base import ServiceToReach

    T = TypeVar("T")

__all__ = ["Checks"]

# the ports of Atlas's nodes behind one endpoint
_FIRST_PORT, _LAST_PORT = 1024, 65535
# such a name is never given out
_NO_SERVICE = "com.amazonaws.vpce.{region}.vpce-svc-00000000000000000"


class Checks:
    """The checks of one VPC.

    Args:
        calls: boto3's clients.
        region: The VPC's region.
        vpc_id: The VPC.
        subnets: The subnets to choose from.
        groups: Security groups of the arguments; empty for the VPC's own.
    """

    def __init__(self, calls: Calls, region: str, vpc_id: str, subnets: Subnets, groups: Sequence[str]) -> None:
        self._calls, self._region, self._vpc_id = calls, region, vpc_id
        self._subnets, self._groups = subnets, groups

    def asking(self, name: str, permission: str, look: Callable[[], T]) -> tuple[T | None, list[Check]]:
        """What a look has shown; where it was refused, nothing and a warning.

        Raises:
            CloudError: AWS cannot be asked at all at the moment.
        """
        try:
            return look(), []
        except CloudPermissionDenied as error:
            text = f"not checked: it needs the permission {permission} ({error})"
            return None, [Check(name, "warning", text)]
        except CloudError as error:
            if error.is_transient:
                raise
            return None, [Check(name, "warning", f"not checked: {error}")]

    # the VPC

    def of_vpc(self) -> list[Check]:
        """Whether the VPC resolves names."""
        enabled, problem = self.asking("DNS resolution", "ec2:DescribeVpcAttribute", self._dns_support)
        if problem:
            return problem
        if not enabled:
            text = (
                f"{self._vpc_id} has enableDnsSupport off: its machines resolve Atlas's host names only with a DNS "
                "server of your own that resolves public names"
            )
            return [Check("DNS resolution", "warning", text)]
        return [Check("DNS resolution", "ok", f"{self._vpc_id} resolves DNS names")]

    def _dns_support(self) -> bool:
        asked = {"VpcId": self._vpc_id, "Attribute": "enableDnsSupport"}
        answer = self._calls.call(self._region, "describe_vpc_attribute", self._vpc_id, **asked)
        return bool(answer["EnableDnsSupport"]["Value"])

    @staticmethod
    def of_existing(endpoint: CloudEndpoint) -> list[Check]:
        """Of an endpoint that exists, nothing has to be created."""
        return [Check("VPC endpoint", "ok", f"{endpoint.id} exists and is {endpoint.status}")]

    # what would be created

    def of_creation(self, service: ServiceToReach | None, region: str) -> list[Check]:
        """Whether subnets, security groups and permissions let an endpoint be created.

        Args:
            service: What it is to lead to; `None` where Atlas has not named it yet.
            region: The region of the service.
        """
        chosen, found = self._chosen(service, region)
        found += self._of_groups()
        if chosen and not any(check.state == "failure" for check in found):
            found.append(self._trial(service, region, chosen))
        return found

    def _chosen(self, service: ServiceToReach | None, region: str) -> tuple[list[dict[str, Any]], list[Check]]:
        name = "subnets"
        try:
            subnets, problem = self.asking(name, "ec2:DescribeSubnets", self._subnets.all)
        except ValidationError as error:
            return [], [Check(name, "failure", str(error))]
        if subnets is None:
            return [], problem
        zones: frozenset[str] | None = None
        if service is not None:
            try:
                permission = "ec2:DescribeVpcEndpointServices"
                zones, problem = self.asking(
                    "zones of the service", permission, lambda: self._subnets.zones_of(service.name, region)
                )
            except CloudError as error:
                if error.code not in UNKNOWN_SERVICE:
                    raise
                problem = [Check("zones of the service", "ok", f"EC2 does not know {service.name} yet")]
        chosen = one_per_zone(subnets, zones)
        return chosen, [*problem, _subnet_check(self._vpc_id, subnets, chosen, zones)]

    def _of_groups(self) -> list[Check]:
        name = "security groups"
        groups, problem = self.asking(name, "ec2:DescribeSecurityGroups", self._read_groups)
        if groups is None:
            return problem
        found = {str(group["GroupId"]): group for group in groups}
        missing = [group_id for group_id in self._groups if group_id not in found]
        if missing:
            return [Check(name, "failure", f"{', '.join(missing)} does not exist in {self._region}")]
        strange = [group_id for group_id, group in found.items() if group.get("VpcId") != self._vpc_id]
        if strange:
            return [Check(name, "failure", f"{', '.join(strange)} belongs to another VPC than {self._vpc_id}")]
        return [_port_check(found, is_default=not self._groups)]

    def _read_groups(self) -> list[dict[str, Any]]:
        filters = [{"Name": "vpc-id", "Values": [self._vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
        if self._groups:
            # ids in a filter: one that does not exist does not hide the others
            filters = [{"Name": "group-id", "Values": list(self._groups)}]
        return self._calls.pages(
            self._region, "describe_security_groups", "SecurityGroups", self._vpc_id, Filters=filters
        )

    def _trial(self, service: ServiceToReach | None, region: str, subnets: Sequence[Mapping[str, Any]]) -> Check:
        """`CreateVpcEndpoint` with `DryRun`: EC2 says whether it would be allowed. Without a client token, which even
        a refused request might use up."""
        name, needed = "permission to create", "ec2:CreateVpcEndpoint and ec2:CreateTags"
        service_name = _NO_SERVICE.format(region=region) if service is None else service.name
        remote = None if region == self._region else region
        if remote is not None:
            needed += " and vpce:AllowMultiRegion"
        parameters = parameters_of(self._vpc_id, service_name, remote, subnets, self._groups)
        tags = specifications_of({MARK_TAG: "v1-0"})
        about = f"DryRun {self._vpc_id} {service_name}"
        try:
            self._calls.call(
                self._region, "create_vpc_endpoint", about, **parameters, TagSpecifications=tags, DryRun=True
            )
        except CloudPermissionDenied as error:
            if service is not None:
                return Check(name, "failure", f"a trial (DryRun) was refused; grant {needed}: {error}")
            text = (
                f"a trial (DryRun) with a placeholder service name was refused. That is expected only if your policy "
                f"allows certain service names; otherwise grant {needed}: {error}"
            )
            return Check(name, "warning", text)
        except CloudError as error:
            if error.code == "DryRunOperation":
                return Check(name, "ok", needed)
            if error.code in UNKNOWN_SERVICE:
                return Check(name, "ok", "not tried: EC2 does not know the service yet")
            if error.is_transient:
                raise
            text = f"a trial (DryRun) failed: {error}"
            return Check(name, "failure" if error.code == "VpcEndpointLimitExceeded" else "warning", text)
        return Check(name, "ok", needed)


def _subnet_check(
    vpc_id: str, subnets: Sequence[Mapping[str, Any]], chosen: Sequence[Mapping[str, Any]], zones: frozenset[str] | None
) -> Check:
    name = "subnets"
    in_zones = [one for one in subnets if zones is None or zone_of(one) in zones]
    unusable = {str(one["SubnetId"]): unfit(one) for one in in_zones if unfit(one)}
    why = "; ".join(f"{subnet_id} {reason}" for subnet_id, reason in unusable.items())
    if not chosen:
        where = "" if zones is None else f" in a zone of the service ({', '.join(sorted(zones))})"
        detail = f"{vpc_id} has no subnet with free IPv4 addresses{where}{f': {why}' if why else ''}"
        return Check(name, "failure", detail)
    lost = sorted({zone_of(one) for one in in_zones} - {zone_of(one) for one in chosen})
    if lost:
        return Check(name, "warning", f"no network interface will be created in {', '.join(lost)}: {why}")
    places = ", ".join(f"{one['SubnetId']} ({zone_of(one)})" for one in chosen)
    return Check(name, "ok", places if zones is not None else f"{places}; the service may not be in all of these zones")


def _port_check(groups: Mapping[str, Mapping[str, Any]], *, is_default: bool) -> Check:
    name = "security groups"
    ids = ", ".join(groups)
    rules = [rule for group in groups.values() for rule in group.get("IpPermissions") or ()]
    open_rules = [rule for rule in rules if _sources(rule) - groups.keys()]
    if _covers(open_rules):
        return Check(name, "ok", f"{ids} allows inbound TCP ports {_FIRST_PORT} to {_LAST_PORT}")
    if _covers([rule for rule in rules if _sources(rule)]):
        what = f"{ids} (the VPC's default group)" if is_default else ids
        way = "add your clients to it, or pass security_group_ids" if is_default else "add a rule for your clients"
        return Check(name, "warning", f"{what} allows inbound traffic only from its own members: {way}")
    ports = ", ".join(f"{first}-{last}" for first, last in _ports(rules)) or "none"
    text = f"{ids} allows inbound TCP ports {ports}; Atlas needs {_FIRST_PORT} to {_LAST_PORT}: add an inbound rule"
    return Check(name, "warning", text)


def _sources(rule: Mapping[str, Any]) -> set[str]:
    """Where a rule lets traffic come from. The endpoint has an IPv4 address, so that ranges of IPv6 do not count."""
    return (
        {str(one.get("CidrIp")) for one in rule.get("IpRanges") or ()}
        | {str(one.get("PrefixListId")) for one in rule.get("PrefixListIds") or ()}
        | {str(one.get("GroupId")) for one in rule.get("UserIdGroupPairs") or ()}
    )


def _ports(rules: Iterable[Mapping[str, Any]]) -> list[tuple[int, int]]:
    """The TCP ports that rules let in."""
    ranges: list[tuple[int, int]] = []
    for rule in rules:
        protocol = str(rule.get("IpProtocol"))
        if protocol == "-1":
            ranges.append((0, _LAST_PORT))
        elif protocol in ("tcp", "6"):
            ranges.append((int(rule.get("FromPort", 0)), int(rule.get("ToPort", _LAST_PORT))))
    return sorted(ranges)


def _covers(rules: Iterable[Mapping[str, Any]]) -> bool:
    """Whether all ports of Atlas's are let in, by one rule or by several."""
    following = _FIRST_PORT
    for first, last in _ports(rules):
        if first > following:
            return False
        following = max(following, last + 1)
    return following > _LAST_PORT
