"""`connect` and `disconnect` on Azure: typed arguments of that cloud, and nothing else."""

from __future__ import annotations

from .connect import aconnect as connect_on
from .connect import adisconnect as disconnect_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Literal

    from ..models import Connection, ConnectionProgress
    from .client import AsyncClient

__all__ = ["aconnect", "adisconnect"]


async def aconnect(
    group_id: str,
    *,
    subnet_id: str,
    cluster_name: str | None = None,
    instance_name: str | None = None,
    region: str | None = None,
    resource_group: str | None = None,
    location: str | None = None,
    name: str | None = None,
    tags: Mapping[str, str] | None = None,
    comment: str | None = None,
    credential: Any = None,
    subscription_id: str | None = None,
    client: Any = None,
    on_drift: Literal["warn", "error", "update"] = "warn",
    replace_failed: bool = False,
    made_by: str | None = None,
    resume: Connection | None = None,
    atlas: AsyncClient | None = None,
    timeout: float = 3600.0,
    on_progress: Callable[[ConnectionProgress], object] | None = None,
    plan: bool = False,
) -> Connection:
    """Connect a virtual network to a deployment, on both sides, and return its private connection string.

    Checks first whether everything that is missing can be created. Then creates or adopts the endpoint service in
    Atlas (serverless: the endpoint), creates or adopts a private endpoint, registers it with Atlas, and waits for the
    connection string. Run it again at any time: existing resources are reused, also by concurrent calls.

    A private endpoint for a dedicated cluster serves every cluster of the project in that region.

    Args:
        group_id: The project's id, 24 hexadecimal digits.
        subnet_id: The subnet's full resource id.
        cluster_name: The dedicated cluster; or
        instance_name: the serverless instance.
        region: The region of the endpoint service, in any spelling; by default the cluster's only region on Azure.
        resource_group: The resource group of the private endpoint; by default the virtual network's.
        location: Azure's region of the private endpoint; it has to be the virtual network's, which is the default.
        name: A name for the private endpoint; by default one that is derived from what it connects.
        tags: Additional tags of the private endpoint.
        comment: Serverless: a text for the endpoint's comment in Atlas, up to 70 characters.
        credential: An `azure.core.credentials.TokenCredential`; by default `DefaultAzureCredential()`.
        subscription_id: The subscription of the private endpoint; by default the subnet's.
        client: An `azure.mgmt.network.NetworkManagementClient`, in place of a credential.
        on_drift: What to do where an existing endpoint differs from the arguments: `"warn"` says so in the result,
            `"error"` raises `DriftError`, `"update"` changes what this package has created and only adds.
        replace_failed: Delete an endpoint service that is FAILED and has no endpoints, and create another.
        made_by: Who does this in which run; written on what is created, and taken for this same run where it is found
            again.
        resume: What an earlier call of the same work has reached.
        atlas: The client to use; by default one with credentials from where `AsyncClient()` finds them.
        timeout: Seconds in all, calls of the SDK included.
        on_progress: Is called with a `ConnectionProgress` at each step's begin and end, and after each poll between.
        plan: Only look and check, and return what would be done (`steps`, `checks`, `bill`).

    Returns:
        What was reached; `srv` is the connection string to use.

    Raises:
        ValidationError: An argument is invalid; nothing was created.
        PreflightFailed: A check failed; nothing was created.
        AtlasError: Any other, as for `atlas_privatelink.aconnect`; `connection` of each of them has the ids on both
            sides.
    """
    from ..clouds.azure import AzureCloud

    cloud = AzureCloud(
        subnet_id,
        resource_group=resource_group,
        location=location,
        name=name,
        tags=tags,
        credential=credential,
        subscription_id=subscription_id,
        client=client,
    )
    with cloud:
        return await connect_on(
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


async def adisconnect(
    group_id: str,
    *,
    subnet_id: str,
    cluster_name: str | None = None,
    instance_name: str | None = None,
    region: str | None = None,
    resource_group: str | None = None,
    name: str | None = None,
    comment: str | None = None,
    credential: Any = None,
    subscription_id: str | None = None,
    client: Any = None,
    delete_service: bool | None = None,
    delete_adopted: bool = False,
    confirm: Callable[[Connection], object] | None = None,
    atlas: AsyncClient | None = None,
    timeout: float = 3600.0,
    on_progress: Callable[[ConnectionProgress], object] | None = None,
    plan: bool = False,
) -> Connection:
    """Delete what `connect` created between a virtual network and a deployment, on both sides.

    First makes a list, and then deletes exactly that list. What does not carry the mark of this package is never
    deleted, unless `delete_adopted` asks for it. Run it again to resume an interrupted run.

    A private endpoint for a dedicated cluster serves every cluster of the project in that region: they all lose it.

    Args:
        group_id: The project's id, 24 hexadecimal digits.
        subnet_id: The full resource id of a subnet of the virtual network.
        cluster_name: The dedicated cluster; leave it out, and give `region`, where it was deleted already; or
        instance_name: the serverless instance.
        region: The region of the endpoint service, as for `connect`.
        resource_group: The resource group of the private endpoint; it is found in others, too.
        name: The private endpoint's name, if `connect` was given one.
        comment: Serverless: the comment that `connect` was given.
        credential: An `azure.core.credentials.TokenCredential`; by default `DefaultAzureCredential()`.
        subscription_id: The subscription of the private endpoint; by default the subnet's.
        client: An `azure.mgmt.network.NetworkManagementClient`, in place of a credential.
        delete_service: Whether to delete the endpoint service: by default if this connection created it and nothing
            else uses it. `False` refuses to delete its last endpoint, with which Atlas would delete it.
        delete_adopted: Delete an endpoint in this network that this package did not create, too.
        confirm: Is called with the plan before anything is deleted; if it returns something false, nothing is.
        atlas: The client to use; by default one with credentials from where `AsyncClient()` finds them.
        timeout: Seconds in all, calls of the SDK included; `confirm` takes none of them.
        on_progress: Is called with a `ConnectionProgress` at each step's begin and end, and after each poll between.
        plan: Only make the list, and return it (`deletions`, `clusters`, `left`).

    Returns:
        What was deleted (`deletions`, `steps`) and what was left and why (`left`).

    Raises:
        ValidationError: An argument is invalid; nothing was deleted.
        NotOwned: The endpoint or the service was not created by this package; nothing was deleted.
        AtlasError: Any other, as for `atlas_privatelink.adisconnect`; `connection` of each of them has the ids on both
            sides.
    """
    from ..clouds.azure import AzureCloud

    cloud = AzureCloud(
        subnet_id,
        resource_group=resource_group,
        name=name,
        credential=credential,
        subscription_id=subscription_id,
        client=client,
    )
    with cloud:
        return await disconnect_on(
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
