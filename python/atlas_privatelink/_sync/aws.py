# Derived from `_async` by `make twins`: do not edit.
"""`connect` and `disconnect` on AWS."""

from __future__ import annotations

from .connecting import connected, disconnected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ..cloud import Cloud
    from ..models import Connection, ConnectionProgress
    from .client import Client

__all__ = ["connect", "disconnect"]


def connect(
    group_id: str,
    *,
    cluster_name: str | None = None,
    instance_name: str | None = None,
    region: str | None = None,
    vpc_id: str | None = None,
    subnet_ids: Sequence[str] | None = None,
    security_group_ids: Sequence[str] | None = None,
    tags: Mapping[str, str] | None = None,
    comment: str | None = None,
    vpc_endpoint: Callable[[str], str | str] | None = None,
    session: Any = None,
    client: Any = None,
    profile: str | None = None,
    atlas: Client | None = None,
    timeout: float = 3600.0,
    on_progress: Callable[[ConnectionProgress], object] | None = None,
    plan: bool = False,
) -> Connection:
    """Make a private endpoint from a VPC to a deployment, on both sides, and return its connection string.

    It creates or adopts the endpoint (serverless) or endpoint service (dedicated) in Atlas, waits until Atlas has named
    its service, creates or adopts a VPC endpoint, tells Atlas of it, and waits for the connection string. Killed
    anywhere and called again with the same arguments, it goes on: nothing is made twice on either side. Two that begin
    at the same moment end with one endpoint on each side, too.

    A VPC endpoint for a dedicated cluster serves every cluster of the project in that region.

    Args:
        group_id: The project's id, 24 hexadecimal digits.
        cluster_name: The dedicated cluster; or
        instance_name: the serverless instance.
        region: The region, by AWS's name; by default that of the boto3 client or session. It has to be the one
            of Atlas's endpoint service, and so of the serverless instance.
        vpc_id: The VPC (`vpc-…`); by default that of the subnets.
        subnet_ids: Subnets to choose from: the first in each zone that the service supports is taken. By default one
            subnet of the VPC in each such zone.
        security_group_ids: Security groups (`sg-…`), which have to let ports 1024 to 65535 in from whoever connects; by
            default the VPC's own.
        tags: Tags of the VPC endpoint, beside those that name the Atlas project and deployment.
        comment: Serverless: the comment that tells this endpoint from others of the instance, less than 80 characters;
            by default one that names the VPC. Reservations of the same comment that nothing is connected to count as
            leftovers of this call: one is used, the others are removed.
        vpc_endpoint: Instead of boto3: turns the service name into the id of a VPC endpoint for it (`vpce-…`). Called
            again with the same name, it has to return the same id.
        session: A `boto3.Session`.
        client: A boto3 client of EC2.
        profile: A profile of AWS's configuration files.
        atlas: The client to use; by default one with credentials from where `Client()` finds them.
        timeout: Seconds in all.
        on_progress: Is called with a `ConnectionProgress` at each step's begin and end, and after each look between.
        plan: Only look, and return what would be done (`steps`).

    Returns:
        What was reached; `srv` is the connection string to use.

    Raises:
        ValidationError: An argument breaks a rule; nothing was created.
        CloudError: AWS refused, or did not answer. CloudPermissionDenied: It knows no credentials, or they do not
            suffice.
        EndpointFailed: It will not come: Atlas says FAILED, or AWS says rejected, failed or expired.
        WaitTimeout: It has not come yet; calling again goes on.
        AtlasError: Any other; `connection` of each of them has the ids on both sides.
    """
    from ..aws import AwsCloud
    from ..cloud import EndpointFrom

    cloud: Cloud
    if vpc_endpoint is not None:
        cloud = EndpointFrom(vpc_endpoint)
    else:
        aws = AwsCloud(
            region=region,
            vpc_id=vpc_id,
            subnet_ids=subnet_ids,
            security_group_ids=security_group_ids,
            tags=tags,
            session=session,
            client=client,
            profile=profile,
        )
        cloud, region = aws, region if cluster_name is None else aws.region
    return connected(
        atlas,
        cloud,
        group_id,
        cluster_name=cluster_name,
        instance_name=instance_name,
        region=region,
        comment=comment,
        timeout=timeout,
        on_progress=on_progress,
        plan=plan,
    )


def disconnect(
    group_id: str,
    *,
    cluster_name: str | None = None,
    instance_name: str | None = None,
    region: str | None = None,
    vpc_id: str | None = None,
    subnet_ids: Sequence[str] | None = None,
    comment: str | None = None,
    keep_service: bool = False,
    session: Any = None,
    client: Any = None,
    profile: str | None = None,
    atlas: Client | None = None,
    timeout: float = 3600.0,
    on_progress: Callable[[ConnectionProgress], object] | None = None,
) -> Connection:
    """Undo `connect`: remove the VPC endpoint, the endpoint in Atlas and, where nothing else uses it, its service.

    In the order that works, waiting for each. What is gone already is skipped, so that it can be called again.

    A VPC endpoint for a dedicated cluster serves every cluster of the project in that region: they all lose it.

    Args:
        group_id: The project's id, 24 hexadecimal digits.
        cluster_name: The dedicated cluster; or
        instance_name: the serverless instance.
        region: The region, by AWS's name; by default that of the boto3 client or session.
        vpc_id: The VPC (`vpc-…`); by default that of the subnets.
        subnet_ids: Subnets of the VPC.
        comment: Serverless: the comment that `connect` was given.
        keep_service: Dedicated: leave the endpoint service.
        session: A `boto3.Session`.
        client: A boto3 client of EC2.
        profile: A profile of AWS's configuration files.
        atlas: The client to use; by default one with credentials from where `Client()` finds them.
        timeout: Seconds in all.
        on_progress: Is called with a `ConnectionProgress` at each step's begin and end, and after each look between.

    Returns:
        What was removed (`steps`).

    Raises:
        ValidationError: An argument breaks a rule; nothing was removed.
        CloudError: AWS refused, or did not answer. WaitTimeout: It is not gone yet.
        AtlasError: Any other; `connection` of each of them has the ids on both sides.
    """
    from ..aws import AwsCloud

    aws = AwsCloud(region=region, vpc_id=vpc_id, subnet_ids=subnet_ids, session=session, client=client, profile=profile)
    return disconnected(
        atlas,
        aws,
        group_id,
        cluster_name=cluster_name,
        instance_name=instance_name,
        region=region if cluster_name is None else aws.region,
        comment=comment,
        keep_service=keep_service,
        timeout=timeout,
        on_progress=on_progress,
    )
