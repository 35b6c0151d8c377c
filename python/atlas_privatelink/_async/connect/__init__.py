"""Both sides of a private endpoint, on any cloud: `connect`, `disconnect` and `connect_many`.

Nothing is stored: what was done before is found on both sides, and a mark on the cloud's endpoint says whose it is. See
`docs/decisions/connect.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import asynccontextmanager

from ..._arguments import check_callable, check_flag
from ...errors import ValidationError
from ...listeners import listener_for
from ..client import AsyncClient
from .connecting import AsyncConnecting
from .disconnecting import AsyncDisconnecting
from .many import AsyncConnectingMany
from .opening import AsyncOpening, check_resume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from typing import Literal

    from ...clouds.base import Cloud
    from ...models import Connection, ConnectionProgress

__all__ = ["aconnect", "aconnect_many", "adisconnect"]


async def aconnect(
    group_id: str,
    *,
    cloud: Cloud,
    cluster_name: str | None = None,
    instance_name: str | None = None,
    region: str | None = None,
    comment: str | None = None,
    on_drift: Literal["warn", "error", "update"] = "warn",
    replace_failed: bool = False,
    made_by: str | None = None,
    resume: Connection | None = None,
    atlas: AsyncClient | None = None,
    timeout: float = 3600.0,
    on_progress: Callable[[ConnectionProgress], object] | None = None,
    plan: bool = False,
) -> Connection:
    """Connect a network of yours to a deployment, on both sides, and return its private connection string.

    Checks first whether everything that is missing can be created. Then creates or adopts the endpoint service in
    Atlas (serverless: the endpoint), creates or adopts the endpoint in your cloud, registers it with Atlas, and waits
    for the connection string. Run it again at any time: existing resources are reused, also by concurrent calls.

    What it creates in your cloud carries a mark; `disconnect` deletes only what carries it. An existing endpoint that
    leads from the network to the service is used, whoever created it.

    Source: "Create One Private Endpoint Service for One Provider" and "Create One Private Endpoint for One Provider";
    serverless: "Create One Private Endpoint for One Serverless Instance" and "Update One Private Endpoint for One
    Serverless Instance". Needs Project Owner.

    Args:
        group_id: The project's id, 24 hexadecimal digits.
        cloud: Your side: `AwsCloud`, `AzureCloud`, `GcpCloud`, or any object with the methods of `Cloud`.
        cluster_name: The dedicated cluster; or
        instance_name: the serverless instance.
        region: The region of the endpoint service, in the cloud's or Atlas's spelling; by default the cluster's only
            region of this cloud.
        comment: Serverless: a text for the endpoint's comment in Atlas, up to 70 characters.
        on_drift: What to do where an existing endpoint differs from the arguments (security groups, subnets, tags):
            `"warn"` says so in the result, `"error"` raises `DriftError`, `"update"` changes what this package has
            created and only adds.
        replace_failed: Delete an endpoint service that is FAILED and has no endpoints, and create another.
        made_by: Who does this in which run, 1 to 200 letters, digits and `_.:/=+@-`; written on what is created, and
            taken for this same run where it is found again.
        resume: What an earlier call of the same work has reached: its checks are not done again, and what it created
            counts as created.
        atlas: The client to use; by default one with credentials from where `AsyncClient()` finds them.
        timeout: Seconds in all, calls of the cloud's SDK included.
        on_progress: Is called with a `ConnectionProgress` at each step's begin and end, and after each poll between.
        plan: Only look and check, and return what would be done (`steps`, `checks`, `bill`).

    Returns:
        What was reached; `srv` is the connection string to use. `cloud_endpoint_origin`, `endpoint_origin` and
        `service_origin` say what this call has created.

    Raises:
        ValidationError: An argument is invalid; nothing was created.
        PreflightFailed: A check failed; nothing was created.
        NotOwned: Something would have to be deleted or changed that this package did not create.
        DriftError: An existing endpoint differs from the arguments, and `on_drift="error"`.
        CloudError: Your cloud refused, or did not answer. CloudPermissionDenied: It rejected the credentials, or they
            lack a permission.
        EndpointFailed: The endpoint failed or was rejected.
        WaitTimeout: The time is up; calling again resumes.
        AtlasError: Any other; `connection` of each of them has the ids on both sides.
    """
    check_resume(resume, group_id, cluster_name, instance_name)
    created = resume.endpoint_service_id if resume is not None and resume.service_origin == "created" else None
    async with _client(atlas) as client:
        opening = AsyncOpening(
            client,
            cloud,
            group_id,
            cluster_name=cluster_name,
            instance_name=instance_name,
            region=region,
            comment=comment,
            timeout=timeout,
            on_progress=on_progress,
            planning=plan,
            made_by=made_by,
            replace_failed=replace_failed,
            created_services=None if created is None else {created},
        )
        return await AsyncConnecting(opening, on_drift=on_drift, resume=resume).connect()


async def aconnect_many(
    group_id: str,
    clouds: Sequence[Cloud],
    *,
    cluster_name: str,
    region: str | Mapping[str, str] | None = None,
    on_drift: Literal["warn", "error", "update"] = "warn",
    made_by: str | None = None,
    atlas: AsyncClient | None = None,
    timeout: float = 3600.0,
    on_progress: Callable[[ConnectionProgress], object] | None = None,
    plan: bool = False,
) -> tuple[Connection, ...]:
    """Connect several networks to one dedicated cluster, in one call.

    Everything is checked before the first creation. Then each step is done for every network before the next one
    begins, so that Atlas and your clouds work on all of them at the same time.

    Source: as `aconnect`. Needs Project Owner.

    Args:
        group_id: The project's id, 24 hexadecimal digits.
        clouds: One cloud object for each network.
        cluster_name: The dedicated cluster.
        region: The region of the endpoint service, for every network whose cloud object names none; with several
            clouds by Atlas's names of them (`{"AWS": "us-east-1", "AZURE": "eastus2"}`).
        on_drift: As for `aconnect`.
        made_by: As for `aconnect`.
        atlas: The client to use; by default one with credentials from where `AsyncClient()` finds them.
        timeout: Seconds in all.
        on_progress: Is called with a `ConnectionProgress`; `connection.network` says which network it is about.
        plan: Only look and check.

    Returns:
        What every network has reached, in the order of `clouds`.

    Raises:
        ValidationError: An argument is invalid, or names a network twice; nothing was created.
        PreflightFailed: A check failed for at least one network; nothing was created for any.
        ConnectManyFailed: Some networks could not be connected; `connections` and `errors` say which.
    """
    if not clouds:
        raise ValidationError("clouds must have at least one cloud", field="clouds")
    regions = region if isinstance(region, Mapping) else {cloud.provider: region for cloud in clouds if region}
    if len(regions) > 1 and not isinstance(region, Mapping):
        rule = 'region must be given for each cloud, such as {"AWS": "us-east-1", "AZURE": "eastus2"}'
        raise ValidationError(rule, field="region")
    # one table for all of them
    on_progress = on_progress or listener_for(cluster_name)
    created = set[str]()
    async with _client(atlas) as client:
        openings = [
            AsyncOpening(
                client,
                cloud,
                group_id,
                cluster_name=cluster_name,
                instance_name=None,
                region=getattr(cloud, "region", None) or regions.get(cloud.provider),
                comment=None,
                timeout=timeout,
                on_progress=on_progress,
                planning=plan,
                made_by=made_by,
                created_services=created,
            )
            for cloud in clouds
        ]
        return await AsyncConnectingMany(openings, on_drift=on_drift).connect()


async def adisconnect(
    group_id: str,
    *,
    cloud: Cloud,
    cluster_name: str | None = None,
    instance_name: str | None = None,
    region: str | None = None,
    comment: str | None = None,
    delete_service: bool | None = None,
    delete_adopted: bool = False,
    confirm: Callable[[Connection], object] | None = None,
    atlas: AsyncClient | None = None,
    timeout: float = 3600.0,
    on_progress: Callable[[ConnectionProgress], object] | None = None,
    plan: bool = False,
) -> Connection:
    """Delete what `connect` created between a network and a deployment, on both sides.

    First makes a list, and then deletes exactly that list: Atlas's endpoint, the endpoint service if `connect` created
    it and nothing else uses it, and the endpoint in your cloud. Run it again to resume an interrupted run.

    What does not carry the mark of this package is never deleted, unless `delete_adopted` asks for it. Atlas deletes an
    endpoint service with its last endpoint; where `connect` did not create that service, this is refused unless
    `delete_service=True`.

    An endpoint serves every cluster of the project in its region: `clusters` of the plan names those that lose their
    connection strings.

    Source: "Remove One Private Endpoint for One Provider" and "Remove One Private Endpoint Service for One Provider";
    serverless: "Remove One Private Endpoint for One Serverless Instance". Needs Project Owner.

    Args:
        group_id: The project's id, 24 hexadecimal digits.
        cloud: Your side, as for `aconnect`.
        cluster_name: The dedicated cluster; leave it out, and give `region`, where it was deleted already; or
        instance_name: the serverless instance.
        region: The region of the endpoint service; by default the cluster's only region of this cloud.
        comment: Serverless: the comment that `connect` was given.
        delete_service: Whether to delete the endpoint service: by default if this connection created it and nothing
            else uses it. `False` refuses to delete its last endpoint, with which Atlas would delete it.
        delete_adopted: Delete an endpoint in this network that this package did not create, too.
        confirm: Is called with the plan before anything is deleted; if it returns something false, nothing is.
        atlas: The client to use; by default one with credentials from where `AsyncClient()` finds them.
        timeout: Seconds in all, calls of the cloud's SDK included; `confirm` takes none of them.
        on_progress: Is called with a `ConnectionProgress` at each step's begin and end, and after each poll between.
        plan: Only make the list, and return it (`deletions`, `clusters`, `left`).

    Returns:
        What was deleted (`deletions`, `steps`) and what was left and why (`left`). `planned` is true where nothing was
        deleted because it was a plan, or was not confirmed.

    Raises:
        ValidationError: An argument is invalid; nothing was deleted.
        PreflightFailed: The cluster does not exist, or is not in this region; nothing was deleted.
        NotOwned: The endpoint or the service was not created by this package; nothing was deleted.
        CloudError: Your cloud refused, or did not answer. WaitTimeout: The time is up; calling again resumes.
        AtlasError: Any other; `connection` of each of them has the ids on both sides.
    """
    check_flag("delete_service", delete_service, optional=True)
    check_flag("delete_adopted", delete_adopted)
    check_callable("confirm", confirm)
    async with _client(atlas) as client:
        opening = AsyncOpening(
            client,
            cloud,
            group_id,
            cluster_name=cluster_name,
            instance_name=instance_name,
            region=region,
            comment=comment,
            timeout=timeout,
            on_progress=on_progress,
            planning=plan,
            needs_deployment=False,
        )
        disconnecting = AsyncDisconnecting(
            opening, delete_service=delete_service, delete_adopted=delete_adopted, confirm=confirm
        )
        return await disconnecting.disconnect()


@asynccontextmanager
async def _client(atlas: AsyncClient | None) -> AsyncGenerator[AsyncClient]:
    client = atlas or AsyncClient()
    try:
        yield client
    finally:
        if atlas is None:
            await client.aclose()
