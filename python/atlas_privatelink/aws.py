"""AWS's half: from nothing to a private connection string in one call, by boto3.

>>> from atlas_privatelink import aws
>>> connection = aws.connect(GROUP_ID, cluster_name="Cluster0", region="us-east-1", vpc_id="vpc-0123456789abcdef0")
>>> connection.srv
'mongodb+srv://cluster0-pl-0.abcde.mongodb.net'

`aconnect` and `adisconnect` are the same for asyncio. boto3 comes with `pip install 'atlas-privatelink[aws]'`; where
`vpc_endpoint` is given, it is not needed.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ._async.aws import aconnect, adisconnect
from ._sync.aws import connect, disconnect
from .cloud import sdk_module
from .errors import CloudError, CloudPermissionDenied, ValidationError
from .models.connection import CloudEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Literal

    from .cloud import ServiceToReach

__all__ = ["AwsCloud", "aconnect", "adisconnect", "connect", "disconnect", "iam_policy"]

_PHASES: dict[str, Literal["pending", "available", "deleting", "gone", "failed"]] = {
    "pendingacceptance": "pending",
    "pending": "pending",
    "available": "available",
    "partial": "available",
    "deleting": "deleting",
    "deleted": "gone",
    "rejected": "failed",
    "failed": "failed",
    "expired": "failed",
}

_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "OptInRequired",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
}

# EC2 shows what it has just made with a delay, and remembers client tokens for longer than what they made
_OLDEST_UNSEEN = timedelta(minutes=10)
_MOST_GENERATIONS = 32


class AwsCloud:
    """VPC endpoints, by boto3.

    Args:
        region: The region, by AWS's name; by default that of the client, session or profile.
        vpc_id: The VPC (`vpc-…`); by default that of the subnets.
        subnet_ids: Subnets of the VPC to choose from: the first in each zone that the service supports is taken. By
            default one subnet of the VPC in each such zone.
        security_group_ids: Security groups (`sg-…`), which have to let ports 1024 to 65535 in from whoever connects; by
            default the VPC's own.
        tags: Tags beside those that name the Atlas project and deployment.
        session: A `boto3.Session`.
        client: A boto3 client of EC2, in the service's region.
        profile: A profile of AWS's configuration files.

    Raises:
        ValidationError: An argument breaks a rule. ConfigurationError: boto3 is missing.
        CloudError: The profile does not exist.
    """

    provider: Literal["AWS"] = "AWS"

    def __init__(
        self,
        *,
        region: str | None = None,
        vpc_id: str | None = None,
        subnet_ids: Sequence[str] | None = None,
        security_group_ids: Sequence[str] | None = None,
        tags: Mapping[str, str] | None = None,
        session: Any = None,
        client: Any = None,
        profile: str | None = None,
    ) -> None:
        given = [name for name, value in (("session", session), ("client", client), ("profile", profile)) if value]
        if len(given) > 1:
            raise ValidationError(f"{given[1]} and {given[0]} exclude each other", field=given[1])
        if vpc_id is None and not subnet_ids:
            raise ValidationError("vpc_id or subnet_ids is needed: where the VPC endpoint is to be", field="vpc_id")
        self.vpc_id = None if vpc_id is None else _id("vpc_id", vpc_id, "vpc")
        self.subnet_ids = _ids("subnet_ids", subnet_ids, "subnet")
        self.security_group_ids = _ids("security_group_ids", security_group_ids, "sg")
        self.tags = dict(tags or {})
        self._session, self._client, self._profile = session, client, profile
        self._region = region

    def __repr__(self) -> str:
        return f"<AwsCloud region={self._region!r} vpc_id={self.vpc_id!r} subnet_ids={self.subnet_ids!r}>"

    @property
    def network(self) -> str:
        """The VPC."""
        return self.vpc_id or ",".join(self.subnet_ids)

    @cached_property
    def region(self) -> str | None:
        """The region that was given, or is the client's or session's own."""
        if self._client is not None:
            own: str = self._client.meta.region_name
            if self._region not in (None, own):
                raise ValidationError(f"region is {self._region}, and client is of {own}", field="region")
            return own
        if self._region is not None:
            return self._region
        configured: str | None = self._boto_session.region_name
        return configured

    @cached_property
    def _boto_session(self) -> Any:
        if self._session is not None:
            return self._session
        boto3 = sdk_module("boto3", extra="aws", otherwise="give vpc_endpoint=")
        from botocore.exceptions import BotoCoreError

        try:
            return boto3.Session(profile_name=self._profile)
        except BotoCoreError as error:
            raise CloudError(f"AWS: {error}", operation="Session", code=type(error).__name__) from error

    @cached_property
    def _ec2(self) -> Any:
        if self._client is not None:
            return self._client
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        patient = Config(retries={"mode": "standard", "max_attempts": 5})
        try:
            return self._boto_session.client("ec2", region_name=self.region, config=patient)
        except (BotoCoreError, ValueError) as error:
            raise CloudError(f"AWS: {error}", operation="client", code=type(error).__name__) from error

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        ec2 = self._ec2
        operation = ec2.meta.method_to_api_mapping[method]
        where = f"{operation} in {self.region}"
        try:
            answer: dict[str, Any] = getattr(ec2, method)(**parameters)
        except ClientError as error:
            told = error.response.get("Error", {})
            code, message = told.get("Code", "unknown"), told.get("Message", "")
            text = f"AWS refused {where}: {code}: {message.split(' Encoded authorization')[0]}"
            if code in _DENIED:
                text += " (`atlas-privatelink iam-policy` prints the permissions that are needed)"
                raise CloudPermissionDenied(text, operation=operation, code=code) from error
            raise CloudError(text, operation=operation, code=code) from error
        except (BotoCoreError, ResponseParserError) as error:
            code = type(error).__name__
            denied = "Credentials" in code or "Token" in code or "SSO" in code
            kind = CloudPermissionDenied if denied else CloudError
            why = str(error).splitlines()[0]
            raise kind(f"AWS: {where} failed: {why}", operation=operation, code=code) from error
        return answer

    def check(self) -> None:
        """Look whether the subnets, or the VPC, are there.

        Raises:
            ValidationError: They are not, or not in one VPC. CloudError: AWS refuses to show them.
        """
        if self.region is None:
            rule = "region is needed: neither the arguments nor AWS's configuration name one"
            raise ValidationError(rule, field="region")
        if self.subnet_ids:
            self._subnets_given()
        elif not self._found("vpc_id", "describe_vpcs", "Vpcs", VpcIds=[self.vpc_id]):
            raise ValidationError(f"vpc_id: there is no {self.vpc_id} in {self.region}", field="vpc_id")

    def _found(self, field: str, method: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = self._call(method, **parameters)[key]
        except CloudError as error:
            if error.code is not None and error.code.endswith((".NotFound", ".Malformed")):
                raise ValidationError(f"{field}: {error}", field=field) from error
            raise
        return found

    def _subnets_given(self) -> list[dict[str, Any]]:
        shown = self._found("subnet_ids", "describe_subnets", "Subnets", SubnetIds=list(self.subnet_ids))
        by_id = {subnet["SubnetId"]: subnet for subnet in shown}
        subnets = [by_id[subnet_id] for subnet_id in self.subnet_ids]
        vpcs = {subnet["VpcId"] for subnet in subnets}
        expected = self.vpc_id or subnets[0]["VpcId"]
        if vpcs != {expected}:
            rule = f"subnet_ids have to be in one VPC, {expected}; they are in {', '.join(sorted(vpcs))}"
            raise ValidationError(rule, field="subnet_ids")
        self.vpc_id = expected
        return subnets

    def _subnets_of_vpc(self) -> list[dict[str, Any]]:
        filters = [{"Name": "vpc-id", "Values": [self.vpc_id]}]
        subnets: list[dict[str, Any]] = self._call("describe_subnets", Filters=filters)["Subnets"]
        return sorted(subnets, key=_subnet_id)

    def _subnets_for(self, service: ServiceToReach) -> list[str]:
        details = self._call("describe_vpc_endpoint_services", ServiceNames=[service.name])["ServiceDetails"]
        zones = {zone for detail in details for zone in detail["AvailabilityZones"]}
        subnets = self._subnets_given() if self.subnet_ids else self._subnets_of_vpc()
        chosen: dict[str, str] = {}
        for subnet in subnets:
            if subnet["AvailabilityZone"] in zones:
                chosen.setdefault(subnet["AvailabilityZone"], subnet["SubnetId"])
        if not chosen:
            there = ", ".join(f"{subnet['SubnetId']} ({subnet['AvailabilityZone']})" for subnet in subnets)
            field = "subnet_ids" if self.subnet_ids else "vpc_id"
            rule = f"{service.name} is in {', '.join(sorted(zones))}; the subnets are {there or 'none'}"
            raise ValidationError(f"{field}: no subnet is in a zone of the service: {rule}", field=field)
        return list(chosen.values())

    def _check_region_of(self, service: ServiceToReach) -> None:
        match = re.fullmatch(r"com\.amazonaws\.vpce\.([a-z0-9-]+)\.vpce-svc-\w+", service.name)
        if match is not None and match[1] != self.region:
            rule = f"region is {self.region}, and Atlas's service {service.name} is in {match[1]}"
            raise ValidationError(rule, field="region")

    def adopt(self, service: ServiceToReach) -> CloudEndpoint | None:
        """The VPC endpoint in this VPC that leads to the service already (`DescribeVpcEndpoints`)."""
        self._check_region_of(service)
        filters = [
            {"Name": "service-name", "Values": [service.name]},
            {"Name": "vpc-id", "Values": [self.vpc_id]},
        ]
        page = self._call("describe_vpc_endpoints", Filters=filters)
        shown: list[dict[str, Any]] = page["VpcEndpoints"]
        while page.get("NextToken"):
            page = self._call("describe_vpc_endpoints", Filters=filters, NextToken=page["NextToken"])
            shown += page["VpcEndpoints"]
        shown.sort(key=lambda one: (str(one.get("CreationTimestamp")), one["VpcEndpointId"]))
        alive = (endpoint for endpoint in map(_endpoint, shown) if endpoint.is_alive)
        return next(alive, None)

    def create(self, service: ServiceToReach) -> CloudEndpoint:
        """Create the VPC endpoint (`CreateVpcEndpoint`), with a client token that is derived from all it is made of."""
        self._check_region_of(service)
        parameters: dict[str, Any] = {
            "VpcEndpointType": "Interface",
            "VpcId": self.vpc_id,
            "ServiceName": service.name,
            "SubnetIds": self._subnets_for(service),
            "PrivateDnsEnabled": False,
            "TagSpecifications": [{"ResourceType": "vpc-endpoint", "Tags": self._tags(service)}],
        }
        if self.security_group_ids:
            parameters["SecurityGroupIds"] = list(self.security_group_ids)
        for generation in range(_MOST_GENERATIONS):
            token = sha256(json.dumps([parameters, generation], sort_keys=True).encode()).hexdigest()
            made = self._call("create_vpc_endpoint", **parameters, ClientToken=token)["VpcEndpoint"]
            try:
                now = self.describe(made["VpcEndpointId"])
            except CloudError:
                # it is made all the same, and its id is not to be lost
                return _endpoint(made)
            if now is None and not _is_old(made):
                now = _endpoint(made)
            # a token answers with what it made, even if that is deleted by now: the next one is for its successor
            if now is not None and now.is_alive:
                return now
        why = f"AWS returns deleted VPC endpoints for {_MOST_GENERATIONS} client tokens"
        raise CloudError(why, operation="CreateVpcEndpoint", code=None)

    def _tags(self, service: ServiceToReach) -> list[dict[str, str]]:
        tags = {**service.tags, **self.tags}
        return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]

    def describe(self, endpoint_id: str) -> CloudEndpoint | None:
        """The VPC endpoint as it is now (`DescribeVpcEndpoints`)."""
        try:
            shown = self._call("describe_vpc_endpoints", VpcEndpointIds=[endpoint_id])["VpcEndpoints"]
        except CloudError as error:
            if error.code == "InvalidVpcEndpointId.NotFound":
                return None
            raise
        return _endpoint(shown[0]) if shown else None

    def delete(self, endpoint_id: str) -> None:
        """Begin to delete the VPC endpoint (`DeleteVpcEndpoints`)."""
        for item in self._call("delete_vpc_endpoints", VpcEndpointIds=[endpoint_id]).get("Unsuccessful", []):
            error = item.get("Error", {})
            if error.get("Code") not in (None, "InvalidVpcEndpointId.NotFound"):
                text = f"AWS did not delete {endpoint_id}: {error['Code']}: {error.get('Message', '')}"
                raise CloudError(text, operation="DeleteVpcEndpoints", code=error["Code"])

    def planned(self, service: ServiceToReach | None) -> str:
        """The VPC endpoint that `create` would create, in words."""
        if service is None:
            return f"a VPC endpoint in {self.vpc_id}, in the zones that the service will support"
        self._check_region_of(service)
        return f"a VPC endpoint in {self.vpc_id} to {service.name}, in {', '.join(self._subnets_for(service))}"


def iam_policy(*, region: str | None = None, account_id: str | None = None) -> dict[str, Any]:
    """The smallest IAM policy for `connect` and `disconnect`.

    It lets VPC endpoints be created for PrivateLink services that others offer, and only those be deleted that
    `connect` has created.

    Args:
        region: The one region to allow; by default all.
        account_id: The account whose resources are meant, 12 digits; by default any that the policy is attached in.

    Raises:
        ValidationError: An argument breaks a rule.
    """
    if account_id is not None and not re.fullmatch(r"\d{12}", account_id):
        raise ValidationError("account_id must be 12 digits", field="account_id")
    if region is not None and not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region):
        raise ValidationError("region must be AWS's name of a region, such as us-east-1", field="region")
    partition = "aws"
    if region is not None:
        partition = {"us-gov": "aws-us-gov", "cn": "aws-cn"}.get(region.rsplit("-", 2)[0], partition)
    of_ours = {"StringEquals": {"aws:ResourceTag/created-by": "atlas-privatelink"}}
    in_region = {} if region is None else {"Condition": {"StringEquals": {"aws:RequestedRegion": region}}}

    def arns(*kinds: str) -> list[str]:
        return [f"arn:{partition}:ec2:{region or '*'}:{account_id or '*'}:{kind}/*" for kind in kinds]

    def allow(sid: str, names: Iterable[str], resource: Any, **more: Any) -> dict[str, Any]:
        actions = [f"ec2:{name}" for name in names]
        return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource} | more

    reads = ("DescribeSubnets", "DescribeVpcEndpointServices", "DescribeVpcEndpoints", "DescribeVpcs")
    return {
        "Version": "2012-10-17",
        "Statement": [
            allow("Look", reads, "*", **in_region),
            allow(
                "Create",
                ["CreateVpcEndpoint"],
                arns("vpc-endpoint"),
                Condition={"StringLike": {"ec2:VpceServiceName": "com.amazonaws.vpce.*"}},
            ),
            allow("CreateIn", ["CreateVpcEndpoint"], arns("vpc", "subnet", "security-group")),
            allow(
                "Tag",
                ["CreateTags"],
                arns("vpc-endpoint"),
                Condition={"StringEquals": {"ec2:CreateAction": "CreateVpcEndpoint"}},
            ),
            allow("Delete", ["DeleteVpcEndpoints"], arns("vpc-endpoint"), Condition=of_ours),
        ],
    }


def _endpoint(shown: Mapping[str, Any]) -> CloudEndpoint:
    state: str = shown["State"]
    last_error: Mapping[str, str] = shown.get("LastError") or {}
    message = ": ".join(filter(None, (last_error.get("Code"), last_error.get("Message")))) or None
    # a state that AWS adds later is one to wait through
    return CloudEndpoint(shown["VpcEndpointId"], state, _PHASES.get(state.lower(), "pending"), message)


def _subnet_id(subnet: Mapping[str, Any]) -> str:
    return str(subnet["SubnetId"])


def _is_old(shown: Mapping[str, Any]) -> bool:
    created = shown.get("CreationTimestamp")
    return isinstance(created, datetime) and datetime.now(timezone.utc) - created > _OLDEST_UNSEEN


def _id(field: str, value: object, kind: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(rf"{kind}-[0-9a-f]{{8,17}}", value):
        raise ValidationError(f"{field} must look like {kind}-0123456789abcdef0, got {value!r}", field=field)
    return value


def _ids(field: str, values: Sequence[str] | None, kind: str) -> tuple[str, ...]:
    if isinstance(values, str):
        raise ValidationError(f"{field} must be a list of ids, not one text", field=field)
    return tuple(dict.fromkeys(_id(field, value, kind) for value in values or ()))
