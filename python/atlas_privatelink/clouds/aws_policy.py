"""The IAM policy for what `AwsCloud` calls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..errors import ValidationError
from .aws_arguments import checked_region
from .ownership import MARK_TAG

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["iam_policy"]

_READS = (
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeVpcAttribute",
    "DescribeVpcEndpointServices",
    "DescribeVpcEndpoints",
    "DescribeVpcs",
)
_PARTITIONS = {"us-gov": "aws-us-gov", "cn": "aws-cn", "eusc": "aws-eusc"}


def iam_policy(*, region: str | None = None, account_id: str | None = None) -> dict[str, Any]:
    """The smallest IAM policy for `connect` and `disconnect`.

    It lets VPC endpoints be created for PrivateLink services that others offer, and only those be changed or deleted
    that `connect` has created. `vpce:AllowMultiRegion` counts only for services of another region than the VPC's.
    A role to assume (`role_arn`) gets this policy; who assumes it needs `sts:AssumeRole` on the role beside it.

    Args:
        region: The one region to allow, that of the VPC; by default all.
        account_id: The account whose resources are meant, 12 digits; by default any that the policy is attached in.

    Raises:
        ValidationError: An argument breaks a rule.
    """
    if account_id is not None and not re.fullmatch(r"\d{12}", account_id):
        raise ValidationError("account_id must be 12 digits", field="account_id")
    partition = "aws"
    if region is not None:
        region = checked_region("region", region)
        prefixes = (region.rsplit("-", 2)[0], region.split("-", 1)[0])
        partition = next((_PARTITIONS[prefix] for prefix in prefixes if prefix in _PARTITIONS), partition)
    of_ours = {"StringLike": {f"aws:ResourceTag/{MARK_TAG}": "v1-*"}}
    in_region = {} if region is None else {"Condition": {"StringEquals": {"aws:RequestedRegion": region}}}

    def arns(*kinds: str) -> list[str]:
        return [f"arn:{partition}:ec2:{region or '*'}:{account_id or '*'}:{kind}/*" for kind in kinds]

    def allow(sid: str, names: Iterable[str], resource: Any, **more: Any) -> dict[str, Any]:
        actions = [name if ":" in name else f"ec2:{name}" for name in names]
        return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource} | more

    of_services = {"StringLike": {"ec2:VpceServiceName": "com.amazonaws.vpce.*"}}
    at_creation = {"StringEquals": {"ec2:CreateAction": "CreateVpcEndpoint"}}
    # the mark stays what it was at creation
    no_mark = {"ForAllValues:StringNotLike": {"aws:TagKeys": "atlas-*"}}
    return {
        "Version": "2012-10-17",
        "Statement": [
            allow("Look", _READS, "*", **in_region),
            allow("Create", ["CreateVpcEndpoint"], arns("vpc-endpoint"), Condition=of_services),
            allow("CreateIn", ["CreateVpcEndpoint"], arns("vpc", "subnet", "security-group")),
            allow("CreateAcrossRegions", ["vpce:AllowMultiRegion"], arns("vpc-endpoint")),
            allow("Tag", ["CreateTags"], arns("vpc-endpoint"), Condition=at_creation),
            allow("Change", ["ModifyVpcEndpoint"], arns("vpc-endpoint"), Condition=of_ours),
            allow("ChangeIn", ["ModifyVpcEndpoint"], arns("subnet", "security-group")),
            allow("TagAgain", ["CreateTags"], arns("vpc-endpoint"), Condition=of_ours | no_mark),
            allow("Delete", ["DeleteVpcEndpoints"], arns("vpc-endpoint"), Condition=of_ours),
        ],
    }
