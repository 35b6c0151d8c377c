# Derived from `_async` by `make twins`: do not edit.
"""`connect` and `disconnect` on AWS: typed arguments of that cloud, and nothing else."""

from __future__ import annotations

from ..errors import ValidationError
from .connect import connect as connect_on
from .connect import disconnect as disconnect_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Literal

    from ..clouds.base import Cloud
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
    vpc_region: str | None = None,
    subnet_ids: Sequence[str] | None = None,
    security_group_ids: Sequence[str] | None = None,
    tags: Mapping[str, str] | None = None,
    name: str | None = None,
    comment: str | None = None,
    vpc_endpoint: str | Callable[[str], str | str] | None = None,
    session: Any = None,
    client: Any = None,
    profile: str | None = None,
    role_arn: str | None = None,
    external_id: str | None = None,
    on_drift: Literal["warn", "error", "update"] = "warn",
    replace_failed: bool = False,
    made_by: str | None = None,
    resume: Connection | None = None,
    atlas: Client | None = None,
    timeout: float = 3600.0,
    on_progress: Callable[[ConnectionProgress], object] | None = None,
    plan: bool = False,
) -> Connection:
    """Connect a VPC to a deployment, on both sides, and return its private connection string.

    Checks first whether everything that is missing can be created. Then creates or adopts the endpoint service in
    Atlas (serverless: the endpoint), creates or adopts a VPC endpoint, registers it with Atlas, and waits for the
    connection string. Run it again at any time: existing resources are reused, also by concurrent calls.

    A VPC endpoint for a dedicated cluster serves every cluster of the project in that region.

    Args:
        group_id: The project's id, 24 hexadecimal digits.
        cluster_name: The dedicated cluster; or
        instance_name: the serverless instance.
        region: The region of the endpoint service, in any spelling; by default the cluster's only region on AWS.
        vpc_id: The VPC (`vpc-…`); by default that of the subnets.
        vpc_region: The VPC's region, where it is not the service's: the service is updated to accept endpoints from
            it.
        subnet_ids: Subnets to choose from: the first one with free addresses in each zone that the service supports. By
            default one subnet of the VPC in each such zone.
        security_group_ids: Security groups (`sg-…`), which have to let in ports 1024 to 65535 from the clients; by
            default the VPC's own.
        tags: Additional tags of the VPC endpoint.
        name: A name for the VPC endpoint, to have a second one in the same VPC on purpose.
        comment: Serverless: a text for the endpoint's comment in Atlas, up to 70 characters.
        vpc_endpoint: Instead of boto3: the id of a VPC endpoint (`vpce-…`), or a function that takes the service name
            and returns one. It is never deleted.
        session: A `boto3.Session`.
        client: A boto3 client of EC2 in the VPC's region.
        profile: A profile of AWS's configuration files.
        role_arn: A role to assume for the VPC's side; its credentials are refreshed.
        external_id: The external id that the role asks for.
        on_drift: What to do where an existing endpoint differs from the arguments: `"warn"` says so in the result,
            `"error"` raises `DriftError`, `"update"` changes what this package has created and only adds.
        replace_failed: Delete an endpoint service that is FAILED and has no endpoints, and create another.
        made_by: Who does this in which run; written on what is created, and taken for this same run where it is found
            again.
        resume: What an earlier call of the same work has reached.
        atlas: The client to use; by default one with credentials from where `Client()` finds them.
        timeout: Seconds in all, calls of the SDK included.
        on_progress: Is called with a `ConnectionProgress` at each step's begin and end, and after each poll between.
        plan: Only look and check, and return what would be done (`steps`, `checks`, `bill`).

    Returns:
        What was reached; `srv` is the connection string to use.

    Raises:
        ValidationError: An argument is invalid; nothing was created.
        PreflightFailed: A check failed; nothing was created.
        AtlasError: Any other, as for `atlas_privatelink.connect`; `connection` of each of them has the ids on both
            sides.
    """
    from ..clouds.aws import AwsCloud
    from ..clouds.own import OwnEndpoint

    given = {
        "vpc_id": vpc_id,
        "vpc_region": vpc_region,
        "subnet_ids": subnet_ids,
        "security_group_ids": security_group_ids,
        "tags": tags,
        "name": name,
        "session": session,
        "client": client,
        "profile": profile,
        "role_arn": role_arn,
        "external_id": external_id,
    }
    cloud: Cloud
    if vpc_endpoint is not None:
        unused = [argument for argument, value in given.items() if value is not None]
        if unused:
            rule = f"{unused[0]} cannot be used with vpc_endpoint: the VPC endpoint is created elsewhere"
            raise ValidationError(rule, field=unused[0])
        cloud = OwnEndpoint(vpc_endpoint)
    else:
        cloud = AwsCloud(
            region=region,
            vpc_id=vpc_id,
            vpc_region=vpc_region,
            subnet_ids=subnet_ids,
            security_group_ids=security_group_ids,
            tags=tags,
            name=name,
            session=session,
            client=client,
            profile=profile,
            role_arn=role_arn,
            external_id=external_id,
        )
    return connect_on(
        group_id,
        cloud=cloud,
        cluster_name=cluster_name,
        instance_name=instance_name,
        region=region,
        comment=comment,
        on_drift=on_drift,
        replace_failed=replace_failed,
        made_by=made_by,
        resume=resume,
        atlas=atlas,
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
    vpc_region: str | None = None,
    subnet_ids: Sequence[str] | None = None,
    name: str | None = None,
    comment: str | None = None,
    session: Any = None,
    client: Any = None,
    profile: str | None = None,
    role_arn: str | None = None,
    external_id: str | None = None,
    delete_service: bool | None = None,
    delete_adopted: bool = False,
    confirm: Callable[[Connection], object] | None = None,
    atlas: Client | None = None,
    timeout: float = 3600.0,
    on_progress: Callable[[ConnectionProgress], object] | None = None,
    plan: bool = False,
) -> Connection:
    """Delete what `connect` created between a VPC and a deployment, on both sides.

    First makes a list, and then deletes exactly that list. What does not carry the mark of this package is never
    deleted, unless `delete_adopted` asks for it. Run it again to resume an interrupted run.

    A VPC endpoint for a dedicated cluster serves every cluster of the project in that region: they all lose it.

    Args:
        group_id: The project's id, 24 hexadecimal digits.
        cluster_name: The dedicated cluster; leave it out, and give `region`, where it was deleted already; or
        instance_name: the serverless instance.
        region: The region of the endpoint service, as for `connect`.
        vpc_id: The VPC (`vpc-…`); by default that of the subnets.
        vpc_region: The VPC's region, where it is not the service's.
        subnet_ids: Subnets of the VPC.
        name: The VPC endpoint's name, if `connect` was given one.
        comment: Serverless: the comment that `connect` was given.
        session: A `boto3.Session`.
        client: A boto3 client of EC2 in the VPC's region.
        profile: A profile of AWS's configuration files.
        role_arn: A role to assume for the VPC's side.
        external_id: The external id that the role asks for.
        delete_service: Whether to delete the endpoint service: by default if this connection created it and nothing
            else uses it. `False` refuses to delete its last endpoint, with which Atlas would delete it.
        delete_adopted: Delete an endpoint in this network that this package did not create, too.
        confirm: Is called with the plan before anything is deleted; if it returns something false, nothing is.
        atlas: The client to use; by default one with credentials from where `Client()` finds them.
        timeout: Seconds in all, calls of the SDK included; `confirm` takes none of them.
        on_progress: Is called with a `ConnectionProgress` at each step's begin and end, and after each poll between.
        plan: Only make the list, and return it (`deletions`, `clusters`, `left`).

    Returns:
        What was deleted (`deletions`, `steps`) and what was left and why (`left`).

    Raises:
        ValidationError: An argument is invalid; nothing was deleted.
        NotOwned: The endpoint or the service was not created by this package; nothing was deleted.
        AtlasError: Any other, as for `atlas_privatelink.disconnect`; `connection` of each of them has the ids on both
            sides.
    """
    from ..clouds.aws import AwsCloud

    cloud = AwsCloud(
        region=region,
        vpc_id=vpc_id,
        vpc_region=vpc_region,
        subnet_ids=subnet_ids,
        name=name,
        session=session,
        client=client,
        profile=profile,
        role_arn=role_arn,
        external_id=external_id,
    )
    return disconnect_on(
        group_id,
        cloud=cloud,
        cluster_name=cluster_name,
        instance_name=instance_name,
        region=region,
        comment=comment,
        delete_service=delete_service,
        delete_adopted=delete_adopted,
        confirm=confirm,
        atlas=atlas,
        timeout=timeout,
        on_progress=on_progress,
        plan=plan,
    )
