"""One AWS account of the local EC2."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from ._ec2_accounts import SECRET_ACCESS_KEY, access_key_of
from ._ec2_region import ZONES
from ._ec2_transport import make_client

if TYPE_CHECKING:
    from collections.abc import Collection

    from ._ec2_world import World

__all__ = ["Ec2Account"]


class Ec2Account:
    """An account with its own credentials, VPCs and VPC endpoints, which other accounts do not see.

    `LocalEc2` is one itself; `LocalEc2.account` opens others.
    """

    account_id: str
    """12 digits."""
    region: str
    """The region of all methods that are given none."""

    @property
    def _world(self) -> World:
        raise NotImplementedError

    @property
    def endpoint_url(self) -> str:
        """Where the local EC2, and its STS, listens."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """The variables that point boto3 here, with this account's credentials."""
        return {
            "AWS_ENDPOINT_URL_EC2": self.endpoint_url,
            "AWS_ENDPOINT_URL_STS": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": access_key_of(self.account_id),
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, region: str | None = None, *, service: str = "ec2", in_process: bool = False) -> Any:
        """A boto3 client with this account's credentials, which does not repeat what fails.

        Args:
            region: Its region.
            service: `"ec2"` or `"sts"`.
            in_process: Answer in the caller's own thread, without sockets: less time for each call. Only for use in
                this process.
        """
        return make_client(
            self._world,
            self.endpoint_url,
            service=service,
            region=region or self.region,
            access_key_id=access_key_of(self.account_id),
            in_process=in_process,
        )

    # networks

    def vpc_id(self, region: str | None = None) -> str:
        """The VPC that there is in a region from the beginning."""
        vpc: str = self._backend(region).get_default_vpc().id
        return vpc

    def subnet_ids(self, region: str | None = None, *, vpc_id: str | None = None) -> list[str]:
        """The subnets of a VPC, by default that of `vpc_id()`, by the names of their zones."""
        subnets = self._backend(region).describe_subnets(filters={"vpc-id": [vpc_id or self.vpc_id(region)]})
        return [subnet.id for subnet in sorted(subnets, key=lambda subnet: str(subnet.availability_zone))]

    def add_vpc(self, region: str | None = None, *, cidr: str = "10.0.0.0/16", dns_support: bool = True) -> str:
        """Make one more VPC, with a subnet in each zone that Atlas's services are in; its id.

        Args:
            region: The region.
            cidr: Its addresses, /16 to /24.
            dns_support: Whether Amazon's DNS server answers in it (`enableDnsSupport`).
        """
        backend = self._backend(region)
        vpc_id: str = backend.create_vpc(cidr).id
        backend.modify_vpc_attribute(vpc_id, "enable_dns_support", dns_support)
        self._world.open_default_groups(backend)
        for zone in ZONES:
            self.add_subnet(zone, region=region, vpc_id=vpc_id)
        return vpc_id

    def add_subnet(
        self, zone: str, *, region: str | None = None, vpc_id: str | None = None, ipv6_native: bool = False
    ) -> str:
        """Make one more subnet, of 16 addresses at least; its id.

        Args:
            zone: Its zone, such as `"a"` or `"us-east-1a"`.
            region: The region.
            vpc_id: The VPC, by default that of `vpc_id()`.
            ipv6_native: Whether it has IPv6 addresses only, so that Atlas's services cannot be reached from it.
        """
        backend, vpc_id = self._backend(region), vpc_id or self.vpc_id(region)
        name = zone if len(zone) > 1 else f"{backend.region_name}{zone}"
        if ipv6_native:
            subnet = backend.create_subnet(
                vpc_id, None, f"2600:1f18:{len(backend.describe_subnets()):x}::/64", name, ipv6_native=True
            )
        else:
            subnet = backend.create_subnet(vpc_id, self._free_cidr(backend, vpc_id), availability_zone=name)
        subnet_id: str = subnet.id
        return subnet_id

    def exhaust_subnet(self, subnet_id: str, *, region: str | None = None, free: int = 0) -> None:
        """Let a subnet have no free addresses left, or only so many."""
        subnet = self._backend(region).get_subnet(subnet_id)
        subnet._available_ip_addresses += free - subnet.available_ip_address_count

    def _free_cidr(self, backend: Any, vpc_id: str) -> str:
        taken = [one.cidr for one in backend.describe_subnets(filters={"vpc-id": [vpc_id]}) if one.cidr_block]
        whole = ipaddress.ip_network(backend.vpcs[vpc_id].cidr_block)
        candidates = whole.subnets(new_prefix=min(whole.prefixlen + 4, 28))
        return str(next(one for one in candidates if not any(one.overlaps(other) for other in taken)))

    def _backend(self, region: str | None) -> Any:
        return self._world.region(self.account_id, region or self.region).backend

    # VPC endpoints

    def vpc_endpoints(self, region: str | None = None) -> list[dict[str, Any]]:
        """The VPC endpoints of a region that are not deleted, oldest first, as they are now, whatever EC2 shows: with
        id, state, service name, VPC, subnets, security groups, and tags."""
        with self._world.lock:
            of_region = self._world.region(self.account_id, region or self.region)
            return [
                {
                    "id": one.id,
                    "state": one.state,
                    "service_name": one.service_name,
                    "vpc_id": one.vpc_id,
                    "subnet_ids": list(one.subnet_ids),
                    "security_group_ids": list(one.security_group_ids),
                    "tags": of_region.tags(one.id),
                }
                for one in of_region.alive()
            ]

    # permissions

    def deny(self, *actions: str) -> None:
        """Let the account have no permission for actions: they get 403 `UnauthorizedOperation`.

        Args:
            *actions: `"CreateVpcEndpoint"`; `"CreateTags"`, which creation with tags wants, too; or
                `"vpce:AllowMultiRegion"`, which an endpoint to a service of another region wants.
        """
        self._world.faults.denied[self.account_id].update(map(_iam_name, actions))

    def allow(self, *actions: str) -> None:
        """Give permissions back."""
        self._world.faults.denied[self.account_id].difference_update(map(_iam_name, actions))

    def role(
        self, name: str = "atlas-privatelink", *, external_id: str | None = None, trusted: Collection[str] | None = None
    ) -> str:
        """Make a role that STS lets be assumed, or change it.

        Args:
            name: Its name.
            external_id: What `AssumeRole` has to say; with anything else it gets 403 `AccessDenied`.
            trusted: The accounts that may assume it; by default all.

        Returns:
            Its ARN.
        """
        return self._world.credentials.add_role(self.account_id, name, external_id, trusted)


def _iam_name(action: str) -> str:
    return action if ":" in action else f"ec2:{action}"
