"""PrivateLink in one region of one account of the local EC2: creation, client tokens, changes, deletion."""

from __future__ import annotations

from collections import Counter
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from ._ec2_atlas import region_of_service
from ._ec2_endpoints import Lag, VpcEndpoint, check_filters, passes
from ._ec2_replies import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ._ec2_atlas import AtlasSide
    from ._ec2_faults import Ec2Faults
    from ._ec2_rules import Ec2Rules

__all__ = ["ZONES", "Region", "texts"]

ZONES = ("a", "b", "c")
"""Of each region's zones, those that Atlas's services are in."""


class Region:
    """The VPC endpoints of one region and account.

    Args:
        backend: moto's backend, for VPCs, subnets, security groups, network interfaces and tags.
        atlas: The local Atlas.
        rules: How EC2 behaves.
        faults: What is armed.
        forced: States that were forced, by the ids of VPC endpoints.
    """

    def __init__(
        self, backend: Any, atlas: AtlasSide, rules: Ec2Rules, faults: Ec2Faults, forced: dict[str, str]
    ) -> None:
        self.backend = backend
        self.name: str = backend.region_name
        self.account_id: str = backend.account_id
        self.endpoints: dict[str, VpcEndpoint] = {}
        self._atlas, self._rules, self._faults, self._forced = atlas, rules, faults, forced
        self._tokens: dict[str, tuple[dict[str, str], str | None]] = {}
        self._asked: Counter[str] = Counter()

    def alive(self) -> list[VpcEndpoint]:
        """Those that are not deleted, as they are now, oldest first."""
        self.settle()
        return [one for one in self.endpoints.values() if not one.is_deleted]

    def tags(self, vpc_endpoint_id: str) -> dict[str, str]:
        """The tags of a VPC endpoint."""
        return dict(self.backend.tags.get(vpc_endpoint_id, {}))

    def shown(self, endpoint: VpcEndpoint, *, state: str | None = None) -> dict[str, Any]:
        """A VPC endpoint as EC2 answers it."""
        groups = {one: self.backend.get_security_group_from_id(one) for one in endpoint.security_group_ids}
        names = {one: group.name for one, group in groups.items() if group is not None}
        return endpoint.shown(self.tags(endpoint.id), names, state=state)

    def reset(self) -> None:
        """Forget all VPC endpoints and client tokens."""
        for one in self.endpoints.values():
            for interface_id in one.network_interfaces.values():
                self.backend.enis.pop(interface_id, None)
            self.backend.tags.pop(one.id, None)
        self.endpoints.clear()
        self._tokens.clear()
        self._asked.clear()

    # creation

    def create(self, given: Mapping[str, Any], raw: dict[str, str]) -> dict[str, Any]:
        """`CreateVpcEndpoint`.

        Args:
            given: The parameters, by botocore's names.
            raw: The parameters as they were sent, to compare them with those of an earlier use of the client token.
        """
        self.settle()
        token = given.get("ClientToken") or ""
        compared = {
            name: value
            for name, value in raw.items()
            if self._rules.tags_count or not name.startswith("TagSpecification")
        }
        if token in self._tokens:
            endpoint = self._of_token(token, compared)
            if endpoint is not None:
                return self.shown(endpoint)
        if token and self._rules.tokens == "mismatch":
            # a use counts from its begin, also if the request is refused
            self._tokens[token] = (compared, None)
        tags = _tags_of(given)
        endpoint = self._created(given)
        self.endpoints[endpoint.id] = endpoint
        self.backend.create_tags([endpoint.id], self._rules.tags_kept(tags))
        if token:
            self._tokens[token] = (compared, endpoint.id)
        # a policy acts on what was created, so that the answer still has the tags
        return self.shown(endpoint) | {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _of_token(self, token: str, compared: dict[str, str]) -> VpcEndpoint | None:
        before, vpc_endpoint_id = self._tokens[token]
        endpoint = None if vpc_endpoint_id is None else self.endpoints[vpc_endpoint_id]
        is_deleted = endpoint is not None and endpoint.is_deleted
        if is_deleted and self._rules.tokens == "forgets":
            return None
        if before != compared or (is_deleted and self._rules.tokens == "mismatch"):
            text = f"The client token {token} was used with other parameters"
            raise Refused("IdempotentParameterMismatch", text)
        if endpoint is not None:
            endpoint.look(self._rules)
        return endpoint

    def _created(self, given: Mapping[str, Any]) -> VpcEndpoint:
        service_name: str = given.get("ServiceName") or ""
        self.check_service(service_name, given.get("ServiceRegion") or self.name)
        if given.get("VpcEndpointType") != "Interface":
            kind = given.get("VpcEndpointType") or "Gateway"
            text = f"Endpoint type ({kind}) does not match available service types ([Interface])."
            raise Refused("InvalidParameter", text)
        self._check_private_dns(service_name, given)
        vpc_id: str = given.get("VpcId") or ""
        if vpc_id not in self.backend.vpcs:
            raise Refused("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
        in_vpc = [one for one in self.endpoints.values() if one.vpc_id == vpc_id and not one.is_deleted]
        if self._rules.endpoint_quota is not None and len(in_vpc) >= self._rules.endpoint_quota:
            raise Refused("VpcEndpointLimitExceeded", f"The maximum number of VPC endpoints of {vpc_id} is reached.")
        service_region = region_of_service(service_name)
        now = self._atlas.now()
        endpoint = VpcEndpoint(
            id=f"vpce-{token_hex(9)[:17]}",
            owner_id=self.account_id,
            region=self.name,
            vpc_id=vpc_id,
            service_name=service_name,
            service_region=service_region,
            subnet_ids=[],
            security_group_ids=[],
            seen_by_atlas_from=now + (self._rules.remote_discovery_seconds if service_region != self.name else 0),
            lag_by_id=Lag(self._rules.shown_after, now + self._rules.lag_seconds),
            lag_in_lists=Lag(self._rules.lists_lag, now + self._rules.lag_seconds),
            tags_lag=Lag(self._rules.tags_lag),
        )
        subnet_ids, groups = texts(given, "SubnetIds"), texts(given, "SecurityGroupIds")
        self._check_subnets(endpoint, subnet_ids)
        self._check_groups(endpoint, groups)
        endpoint.security_group_ids = groups or [self.backend.get_default_security_group(vpc_id).id]
        self._add_subnets(endpoint, subnet_ids)
        return endpoint

    def check_service(self, service_name: str, service_region: str) -> frozenset[str]:
        """The regions, other than its own, that a service serves.

        Raises:
            Refused: It is not known here, or not in that region.
        """
        unknown = Refused("InvalidServiceName", f"The Vpc Endpoint Service '{service_name}' does not exist")
        remote = self._atlas.services().get(service_name)
        if remote is None or region_of_service(service_name) != service_region:
            raise unknown
        if service_region != self.name and self.name not in remote:
            raise unknown
        if self._asked[service_name] < self._rules.service_known_after:
            self._asked[service_name] += 1
            raise unknown
        return remote

    def _check_private_dns(self, service_name: str, given: Mapping[str, Any]) -> None:
        if str(given.get("PrivateDnsEnabled") or "").lower() == "true":
            text = (
                f"Private DNS can't be enabled because the service {service_name} does not provide a private DNS name."
            )
            raise Refused("InvalidParameter", text)

    def _check_subnets(self, endpoint: VpcEndpoint, subnet_ids: Sequence[str]) -> None:
        known = {one.id: one for one in self.backend.describe_subnets()}
        for subnet_id in subnet_ids:
            if subnet_id not in known:
                raise Refused("InvalidSubnetID.NotFound", f"The subnet ID '{subnet_id}' does not exist")
        subnets = [known[subnet_id] for subnet_id in subnet_ids]
        zones = [known[one].availability_zone for one in endpoint.subnet_ids]
        for subnet in subnets:
            zone: str = subnet.availability_zone
            if subnet.vpc_id != endpoint.vpc_id:
                raise Refused("InvalidParameter", f"Subnet {subnet.id} is not in VPC {endpoint.vpc_id}.")
            if zone in zones:
                raise Refused("DuplicateSubnetsInSameZone", f"Found another subnet in the same zone: {zone}")
            if not endpoint.is_remote and zone[-1] not in ZONES:
                text = f"does not support the availability zone of the subnet: {subnet.id}."
                raise Refused("InvalidParameter", f"The VPC endpoint service {endpoint.service_name} {text}")
            if subnet.ipv6_native:
                raise Refused("InvalidParameter", f"The IP address type ipv4 is not supported by subnet {subnet.id}.")
            if subnet.available_ip_address_count < 1:
                text = f"The specified subnet {subnet.id} does not have enough free addresses to satisfy the request."
                raise Refused("InsufficientFreeAddressesInSubnet", text)
            zones.append(zone)

    def _check_groups(self, endpoint: VpcEndpoint, group_ids: Iterable[str]) -> None:
        for group_id in group_ids:
            group = self.backend.get_security_group_from_id(group_id)
            if group is None:
                raise Refused("InvalidSecurityGroupID.NotFound", f"The security group '{group_id}' does not exist")
            if group.vpc_id != endpoint.vpc_id:
                text = f"Security group {group_id} and VPC {endpoint.vpc_id} belong to different networks."
                raise Refused("InvalidParameter", text)

    def _add_subnets(self, endpoint: VpcEndpoint, subnet_ids: Iterable[str]) -> None:
        for subnet_id in subnet_ids:
            interface = self.backend.create_network_interface(
                subnet_id,
                [],
                group_ids=list(endpoint.security_group_ids),
                description=f"VPC Endpoint Interface {endpoint.id}",
            )
            interface.interface_type = "vpc_endpoint"
            endpoint.network_interfaces[subnet_id] = interface.id
            endpoint.subnet_ids.append(subnet_id)

    def _remove_subnets(self, endpoint: VpcEndpoint, subnet_ids: Iterable[str]) -> None:
        for subnet_id in subnet_ids:
            if subnet_id in endpoint.subnet_ids:
                endpoint.subnet_ids.remove(subnet_id)
                self.backend.enis.pop(endpoint.network_interfaces.pop(subnet_id), None)

    # looks

    def describe(self, ids: Sequence[str], filters: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
        """`DescribeVpcEndpoints`: those with these ids, or all; oldest first."""
        self.settle()
        now = self._atlas.now()
        shown: list[dict[str, Any]] = []
        check_filters(filters)
        for vpc_endpoint_id in dict.fromkeys(ids):
            endpoint = self.find(vpc_endpoint_id)
            if endpoint.lag_by_id.hides(now):
                raise _not_found(vpc_endpoint_id)
        for endpoint in list(self.endpoints.values()):
            if endpoint.is_forgotten(self._rules) or (ids and endpoint.id not in ids):
                continue
            stale = not ids and endpoint.lag_in_lists.hides(now)
            if stale and not endpoint.state_in_lists:
                continue
            if not stale:
                endpoint.look(self._rules)
            one = self.shown(endpoint, state=endpoint.state_in_lists if stale else None)
            if endpoint.tags_lag.hides(now):
                one["Tags"] = []
            if passes(one, filters):
                shown.append(one)
        return shown

    def find(self, vpc_endpoint_id: str) -> VpcEndpoint:
        """The VPC endpoint of an id.

        Raises:
            Refused: There is none.
        """
        endpoint = self.endpoints.get(vpc_endpoint_id)
        if endpoint is None or endpoint.is_forgotten(self._rules):
            raise _not_found(vpc_endpoint_id)
        return endpoint

    # changes

    def modify(self, given: Mapping[str, Any]) -> None:
        """`ModifyVpcEndpoint`."""
        endpoint = self.find(given.get("VpcEndpointId") or "")
        if endpoint.is_deleted:
            raise _not_found(endpoint.id)
        self._check_private_dns(endpoint.service_name, given)
        added = [one for one in texts(given, "AddSubnetIds") if one not in endpoint.subnet_ids]
        self._check_subnets(endpoint, added)
        groups = [one for one in texts(given, "AddSecurityGroupIds") if one not in endpoint.security_group_ids]
        self._check_groups(endpoint, groups)
        removed = texts(given, "RemoveSecurityGroupIds")
        left = [one for one in [*endpoint.security_group_ids, *groups] if one not in removed]
        if not left:
            raise Refused("InvalidParameter", f"{endpoint.id} must have at least one security group.")
        endpoint.security_group_ids = left
        self._add_subnets(endpoint, added)
        self._remove_subnets(endpoint, texts(given, "RemoveSubnetIds"))
        endpoint.policy_document = given.get("PolicyDocument") or endpoint.policy_document

    def delete(self, ids: Iterable[str]) -> list[dict[str, Any]]:
        """`DeleteVpcEndpoints`: what was not deleted, and why."""
        unsuccessful: list[dict[str, Any]] = []
        for vpc_endpoint_id in ids:
            fault = self._faults.deletion(vpc_endpoint_id)
            endpoint = self.endpoints.get(vpc_endpoint_id)
            if fault is not None:
                unsuccessful.append(_unsuccessful(vpc_endpoint_id, fault.code, fault.message))
            elif endpoint is None or endpoint.is_forgotten(self._rules):
                text = f"The Vpc Endpoint Id '{vpc_endpoint_id}' does not exist"
                unsuccessful.append(_unsuccessful(vpc_endpoint_id, "InvalidVpcEndpoint.NotFound", text))
            elif not endpoint.is_deleted:
                self._forced.pop(vpc_endpoint_id, None)
                for interface_id in endpoint.network_interfaces.values():
                    self.backend.enis.pop(interface_id, None)
                endpoint.network_interfaces.clear()
                endpoint.delete(self._rules, self._atlas.now())
        return unsuccessful

    def settle(self) -> None:
        """What became of VPC endpoints since they were looked at last: Atlas decides."""
        statuses, now = self._atlas.statuses(), self._atlas.now()
        for one in self.endpoints.values():
            word = statuses.get(one.id)
            if one.id in self._forced:
                one.state = self._forced[one.id]
            elif one.state == "pendingAcceptance" and word is not None and now < one.seen_by_atlas_from:
                # Atlas was asked for a VPC endpoint that it cannot see yet
                one.state = "rejected"
            elif one.state == "pendingAcceptance":
                one.state = _STATES.get(word or "", "pendingAcceptance")
            elif one.state == "pending" and word == "AVAILABLE":
                one.state = "available"
            elif one.state in ("available", "pending") and word is None and self._rules.rejects_unregistered:
                one.state = "rejected"


# Atlas's word for a VPC endpoint, and EC2's
_STATES = {"AVAILABLE": "available", "PENDING": "pending", "REJECTED": "rejected"}


def _not_found(vpc_endpoint_id: str) -> Refused:
    return Refused("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{vpc_endpoint_id}' does not exist")


def _unsuccessful(vpc_endpoint_id: str, code: str, message: str) -> dict[str, Any]:
    return {"ResourceId": vpc_endpoint_id, "Error": {"Code": code, "Message": message}}


def texts(given: Mapping[str, Any], name: str) -> list[str]:
    """A parameter that is a list of texts; empty where it was not sent."""
    sent: list[str] = given.get(name) or []
    return sent


def _tags_of(given: Mapping[str, Any]) -> dict[str, str]:
    tags: dict[str, str] = {}
    specifications: list[dict[str, Any]] = given.get("TagSpecifications") or []
    for specification in specifications:
        kind = specification.get("ResourceType")
        if kind != "vpc-endpoint":
            raise Refused("InvalidParameter", f"'{kind}' is not a valid taggable resource type for this operation.")
        pairs: list[dict[str, str]] = specification.get("Tags") or []
        for tag in pairs:
            key, value = tag["Key"], tag.get("Value") or ""
            if key.lower().startswith("aws:"):
                raise Refused("InvalidParameterValue", f"Tag keys starting with 'aws:' are reserved, got '{key}'")
            if not 0 < len(key) <= 128 or len(value) > 256:
                text = f"Tag keys have 1 to 128 characters, values at most 256: '{key}'"
                raise Refused("InvalidParameterValue", text)
            if key in tags:
                raise Refused("InvalidParameterValue", f"Duplicate tag key '{key}' specified.")
            tags[key] = value
    if len(tags) > 50:
        raise Refused("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
    return tags
