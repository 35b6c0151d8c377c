"""AWS's side: one interface VPC endpoint of a VPC, by boto3."""

from __future__ import annotations

import re
from copy import copy
from typing import TYPE_CHECKING, Any

from .._core import cloud_region
from ..errors import CloudError, ValidationError
from . import aws_arguments as given
from .aws_calls import Calls
from .aws_changes import Changes, Deletion
from .aws_checks import Checks
from .aws_creation import Creation, Unsettled, parameters_of
from .aws_endpoints import Endpoints
from .aws_shown import Wishes, identity
from .aws_subnets import Subnets, one_per_zone, zone_of
from .ownership import ENDPOINT_NAME_TAG, Mark

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Literal

    from typing_extensions import Self

    from ..models.connection import Check, CloudEndpoint
    from .base import ServiceToReach

__all__ = ["AwsCloud"]

_SERVICE_NAME = re.compile(r"(?:cn\.)?com\.amazonaws\.vpce\.([a-z0-9-]+)\.vpce-svc-\w+")
# what is registered with Atlas earlier ends in FAILED or REJECTED
_DISCOVERY_SECONDS = 30.0


class AwsCloud:
    """An interface VPC endpoint in a VPC of yours.

    Args:
        region: The region of the endpoint service, in any spelling (`US_EAST_1`, too); by default the cluster's.
        vpc_id: The VPC (`vpc-…`); by default that of the subnets.
        vpc_region: The region of the VPC, for a connection across regions; by default `region`.
        subnet_ids: Subnets to choose from. In each zone of the service, the first one with free IPv4 addresses is used.
            By default, all subnets of the VPC.
        security_group_ids: Security groups (`sg-…`); they have to allow inbound TCP ports 1024 to 65535 from your
            clients. By default the VPC's default group, which allows traffic only from its own members.
        tags: Additional tags of the VPC endpoint.
        name: A name of the endpoint, 1 to 128 characters, for a second endpoint in the same VPC; also its `Name` in the
            console.
        session: A `boto3.Session`.
        client: A boto3 client of EC2, in the region of the VPC.
        profile: A profile of AWS's configuration files.
        role_arn: A role to assume with the credentials of the session or profile. Its credentials are refreshed
            automatically.
        external_id: The external ID that the role's trust policy requires.
        list_lag: How long, in seconds, to look for an endpoint that EC2 reports as created before but does not list yet
            [60]. EC2's lists usually lag by seconds; its documentation allows five minutes.

    Raises:
        ValidationError: An argument breaks a rule; `field` names it.
    """

    provider: Literal["AWS"] = "AWS"
    on_note: Callable[[str], object] | None = None
    """Is told why `create` takes long."""

    def __init__(
        self,
        *,
        region: str | None = None,
        vpc_id: str | None = None,
        vpc_region: str | None = None,
        subnet_ids: Sequence[str] | None = None,
        security_group_ids: Sequence[str] | None = None,
        tags: Mapping[str, str] | None = None,
        name: str | None = None,
        session: Any = None,
        client: Any = None,
        profile: str | None = None,
        role_arn: str | None = None,
        external_id: str | None = None,
        list_lag: float = 60.0,
    ) -> None:
        given.check_credentials(session, client, profile, role_arn, external_id)
        if vpc_id is None and not subnet_ids:
            raise ValidationError("vpc_id or subnet_ids is needed: where the VPC endpoint is to be", field="vpc_id")
        given.check_name(name)
        if not list_lag >= 0:
            raise ValidationError(f"list_lag must be a number of seconds, got {list_lag!r}", field="list_lag")
        self._vpc_id = None if vpc_id is None else given.checked_id("vpc_id", vpc_id, "vpc")
        self._subnet_ids = given.checked_ids("subnet_ids", subnet_ids, "subnet")
        self._region = None if region is None else given.checked_region("region", region)
        self._vpc_region = None if vpc_region is None else given.checked_region("vpc_region", vpc_region)
        self._name, self._list_lag = name, list_lag
        groups = given.checked_ids("security_group_ids", security_group_ids, "sg")
        self._wishes = Wishes(groups, self._subnet_ids, given.checked_tags(tags))
        self._calls = Calls(session, client, profile, role_arn, external_id)
        self._unsettled = Unsettled()
        self._zones: dict[str, frozenset[str]] = {}
        self._subnets: Subnets | None = None

    def __repr__(self) -> str:
        return (
            f"<AwsCloud region={self._region!r} vpc_region={self._vpc_region!r} vpc_id={self._vpc_id!r} "
            f"subnet_ids={self._subnet_ids!r} name={self._name!r}>"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the clients that were created here, for copies of `in_region`, too; a client that was given stays
        open."""
        self._calls.close()

    # where it is

    @property
    def network(self) -> str:
        """The VPC, with the endpoint's name where it was given one. Where only subnets were given, the VPC is known
        after `check`; before, the subnets stand for it."""
        return identity(self._vpc_id or ",".join(self._subnet_ids), self._name)

    @property
    def network_region(self) -> str | None:
        """The VPC's region: `vpc_region`, or `region`, or that of the client, the session or AWS's configuration."""
        return self._calls.client_region or self._vpc_region or self._region or self._calls.own_region()

    @property
    def region(self) -> str | None:
        """The region of the endpoint service; `None` for that of the cluster."""
        return self._region

    def in_region(self, region: str) -> Self:
        """A copy for an endpoint service's region, which uses the same clients.

        Raises:
            ValidationError: This one is for another region.
        """
        wanted = given.checked_region("region", region)
        if self._region not in (None, wanted):
            raise ValidationError(f"region is {wanted}, and AwsCloud is for {self._region}", field="region")
        there = copy(self)
        there._region, there._subnets = wanted, None
        return there

    @property
    def registration_delay(self) -> float:
        """Seconds that Atlas needs to discover a new VPC endpoint; more than 0 across regions."""
        is_remote = self._region is not None and self.network_region not in (None, self._region)
        return _DISCOVERY_SECONDS if is_remote else 0.0

    @property
    def _here(self) -> str:
        region = self.network_region
        if region is None:
            rule = "region is needed: neither the arguments nor AWS's configuration name one"
            raise ValidationError(rule, field="region")
        return region

    def _region_of(self, service: ServiceToReach) -> str:
        """The region of a service.

        Raises:
            ValidationError: It is not the VPC's, and `vpc_region` was not given.
        """
        match = _SERVICE_NAME.fullmatch(service.name)
        own = self._region if service.region is None else cloud_region("AWS", service.region)
        region = match[1] if match is not None else own or self._here
        if region != self._here and self._vpc_region is None:
            rule = f"region is {self._here}, and Atlas's service {service.name} is in {region}"
            raise ValidationError(f"{rule}; pass vpc_region={self._here!r} to connect across regions", field="region")
        return region

    @property
    def _choice(self) -> Subnets:
        subnets = self._subnets
        if subnets is None:
            subnets = Subnets(self._calls, self._here, self._vpc_id, self._subnet_ids, self._zones)
            self._subnets = subnets
        return subnets

    def _known_vpc(self) -> str:
        if self._vpc_id is None:
            self._vpc_id = str(self._choice.all()[0]["VpcId"])
        return self._vpc_id

    def _endpoints(self, vpc_id: str) -> Endpoints:
        return Endpoints(self._calls, self._here, vpc_id, name=self._name, wishes=self._wishes, subnets=self._choice)

    # what there is

    def check(self) -> None:
        """Look whether the subnets, or the VPC, exist.

        Raises:
            ValidationError: They do not, or not in one VPC, or no region is known.
            CloudPermissionDenied: AWS does not let you see them, or knows no credentials of yours.
            CloudError: Any other failure.
        """
        here, of_client = self._here, self._calls.client_region
        if self._vpc_region not in (None, here):
            raise ValidationError(f"vpc_region is {self._vpc_region}, and client is of {here}", field="vpc_region")
        if of_client is not None and self._vpc_region is None and self._region not in (None, here):
            rule = f"region is {self._region}, and client is of {here}"
            raise ValidationError(f"{rule}; pass vpc_region={here!r} to connect across regions", field="region")
        if self._subnet_ids:
            self._choice.all()
            self._known_vpc()
            return
        try:
            found = self._calls.pages(here, "describe_vpcs", "Vpcs", self.network, VpcIds=[self._vpc_id])
        except CloudError as error:
            if error.code is None or not error.code.endswith((".NotFound", ".Malformed")):
                raise
            found = []
        if not found:
            hint = "" if self._vpc_region else "; if the VPC is in another region than the cluster, pass vpc_region"
            raise ValidationError(f"vpc_id: {self._vpc_id} does not exist in {here}{hint}", field="vpc_id")

    def preflight(self, service: ServiceToReach | None) -> Sequence[Check]:
        """Check the VPC's DNS, subnets, security groups and permissions. Creation itself is tried with EC2's `DryRun`.

        Before Atlas has named the service, a made-up name stands for it in that trial. A policy that allows only some
        services may refuse it, so that a refusal is a warning then, and a failure only for the service itself.

        Args:
            service: What the endpoint will lead to; `None` where Atlas has not named it yet.
        """
        remote = None if service is None else self._region_of(service)
        checks = Checks(self._calls, self._here, self._known_vpc(), self._choice, self._wishes.security_group_ids)
        found = checks.of_vpc()
        if service is not None:
            existing, problem = checks.asking(
                "VPC endpoints", "ec2:DescribeVpcEndpoints", lambda: [one for one in self.find(service) if one.is_alive]
            )
            if existing:
                return [*found, *checks.of_existing(existing[0])]
            found += problem
        return [*found, *checks.of_creation(service, remote or self._region or self._here)]

    def bill(self, service: ServiceToReach | None) -> Sequence[str]:
        """What AWS bills by the hour, in words, without prices."""
        region = self._region if service is None else self._region_of(service)
        is_remote = region not in (None, self._here)
        traffic = f"traffic, also between {region} and {self._here}" if is_remote else "traffic"
        try:
            count = len(self._zones_used(service))
            zones = f"{count} availability zone{'' if count == 1 else 's'}"
            if service is None and not is_remote:
                # the service may be in fewer
                zones = f"up to {zones}"
        except (CloudError, ValidationError):
            # what prevents it is said by preflight
            zones = "each availability zone"
        return (f"AWS: 1 interface endpoint in {zones}, per hour and zone in any state, plus {traffic}",)

    def _zones_used(self, service: ServiceToReach | None) -> set[str]:
        if service is None:
            return {zone_of(one) for one in one_per_zone(self._choice.all(), None)}
        return {zone_of(one) for one in self._choice.chosen(service.name, self._region_of(service))}

    def find(self, service: ServiceToReach) -> Sequence[CloudEndpoint]:
        """What leads from the VPC to the service, whoever created it, oldest first.

        Raises:
            CloudError: EC2 refuses, or does not answer.
        """
        region = self._region_of(service)
        endpoints = self._endpoints(self._known_vpc())
        listed = endpoints.listed(service.name)
        if listed and self._subnet_ids:
            self._learn_zones(service.name, region)
        return endpoints.usable(listed)

    def _learn_zones(self, service_name: str, region: str) -> None:
        """Look up what subnets are compared by; without it, fewer differences are seen."""
        try:
            if not self._choice.given_before():
                self._choice.all()
            self._choice.zones_of(service_name, region)
        except (CloudError, ValidationError) as error:
            if isinstance(error, CloudError) and error.is_transient:
                raise

    def find_ours(self, group_id: str) -> Sequence[CloudEndpoint]:
        """Every endpoint of this VPC, and of this name, that carries our mark for an Atlas project, oldest first.

        Raises:
            CloudError: EC2 refuses, or does not answer.
        """
        endpoints = self._endpoints(self._known_vpc())
        found = endpoints.usable(endpoints.of_project(group_id))
        return [one for one in found if one.is_ours and one.network == self.network]

    def describe(self, endpoint_id: str) -> CloudEndpoint | None:
        """The VPC endpoint as it is now, of whichever VPC; `None` where EC2 has none of that id, or does not show it.

        Raises:
            CloudError: EC2 refuses, or does not answer.
        """
        endpoints = self._endpoints(self._vpc_id or "")
        one = endpoints.read(endpoint_id)
        return None if one is None else endpoints.show(one)

    # what is changed

    def create(self, service: ServiceToReach) -> CloudEndpoint:
        """Create the VPC endpoint, or adopt what another call has created.

        Raises:
            ValidationError: No subnet is in a zone of the service.
            CloudError: EC2 refuses, or does not answer; `code` is `MarkMissing` where the endpoint was created, and
                something has removed its mark.
        """
        region, vpc_id = self._region_of(service), self._known_vpc()
        mark = Mark.of(service, self.network, service.name)
        creation = Creation(
            self._calls,
            self._here,
            self._endpoints(vpc_id),
            service,
            mark=mark,
            parameters=self._parameters(service, region),
            tags=self._tags(mark),
            list_lag=self._list_lag,
            on_note=self.on_note,
        )
        return creation.run(self._unsettled)

    def _parameters(self, service: ServiceToReach, region: str) -> dict[str, Any]:
        subnets = self._choice.chosen(service.name, region)
        remote = None if region == self._here else region
        return parameters_of(self._known_vpc(), service.name, remote, subnets, self._wishes.security_group_ids)

    def _tags(self, mark: Mark) -> dict[str, str]:
        named = {} if self._name is None else {ENDPOINT_NAME_TAG: self._name}
        return {"Name": self._name or "atlas-privatelink", **self._wishes.tags, **mark.tags(), **named}

    def update(self, endpoint: CloudEndpoint, service: ServiceToReach) -> Sequence[str]:
        """Change the security groups and tags of an endpoint of ours, and add subnets for zones that it is not in. A
        subnet is never taken away, as this would cut its zone's connections.

        Raises:
            NotOwned: It is not ours, or not the same any more.
            CloudError: EC2 refuses, or does not answer.
        """
        self._learn_zones(service.name, self._region_of(service))
        return Changes(self._calls, self._here, self._endpoints(self._known_vpc()), self._wishes).run(endpoint)

    def delete(self, endpoint: CloudEndpoint) -> None:
        """Begin to delete the VPC endpoint.

        Raises:
            NotOwned: It is not the same any more, or has lost its mark.
            CloudPermissionDenied: AWS does not let you; `iam_policy` allows it for what was created by this package.
            CloudError: EC2 refuses, or does not answer.
        """
        Deletion(self._calls, self._here, self._endpoints(self._vpc_id or "")).run(endpoint)

    def planned_id(self, service: ServiceToReach) -> None:
        """AWS chooses it."""

    def planned(self, service: ServiceToReach | None) -> str:
        """What `create` would create, in words."""
        if service is None:
            return f"a VPC endpoint in {self.network}, in the zones that the service will support"
        subnets = self._choice.chosen(service.name, self._region_of(service))
        ids = ", ".join(str(one["SubnetId"]) for one in subnets)
        return f"a VPC endpoint in {self.network} to {service.name}, in {ids}"
