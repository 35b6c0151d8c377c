# Derived from `_async` by `make twins`: do not edit.
"""`connect` and `disconnect` on Azure."""

from __future__ import annotations

from .connecting import connected, disconnected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..models import Connection, ConnectionProgress
    from .client import Client

__all__ = ["connect", "disconnect"]


def connect(
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
    atlas: Client | None = None,
    timeout: float = 3600.0,
    on_progress: Callable[[ConnectionProgress], object] | None = None,
    plan: bool = False,
) -> Connection:
    """Make a private endpoint from a subnet to a deployment, on both sides, and return its connection string.

    It creates or adopts the endpoint (serverless) or endpoint service (dedicated) in Atlas, waits until Atlas has named
    its Private Link service, creates or adopts a private endpoint in Azure, tells Atlas of it, and waits for the
    connection string. Killed anywhere and called again with the same arguments, it goes on: nothing is made twice on
    either side. Two that begin at the same moment end with one endpoint on each side, too.

    A private endpoint for a dedicated cluster serves every cluster of the project in that region.

    Source: "Private Endpoints - Create Or Update" of Azure's REST API, and Atlas's "Create One Private Endpoint for One
    Provider" and "Update One Private Endpoint for One Serverless Instance".

    Args:
        group_id: The Atlas project's id, 24 hexadecimal digits.
        subnet_id: The subnet's full resource id (`/subscriptions/…/virtualNetworks/…/subnets/…`).
        cluster_name: The dedicated cluster; or
        instance_name: the serverless instance.
        region: The cluster's region, by Azure's name (`eastus2`) or Atlas's (`US_EAST_2`). Serverless instances need
            none.
        resource_group: Where to put the private endpoint; by default the resource group of the virtual network.
        location: Azure's region of the private endpoint; by default, and as Azure wants it, the virtual network's.
        name: The private endpoint's name; by default one derived from Private Link service and subnet.
        tags: Tags of the private endpoint, beside those that name the Atlas project and deployment.
        comment: Serverless: the comment that tells this endpoint from others of the instance, less than 80 characters;
            by default one that names the subnet. Reservations of the same comment that nothing is connected to count as
            leftovers of this call: one is used, the others are removed.
        credential: An `azure.core.credentials.TokenCredential`; by default `azure.identity.DefaultAzureCredential()`.
        subscription_id: The private endpoint's subscription; by default the subnet's.
        client: An `azure.mgmt.network.NetworkManagementClient`, in place of credential and subscription.
        atlas: The client to use; by default one with credentials from where `Client()` finds them.
        timeout: Seconds in all.
        on_progress: Is called with a `ConnectionProgress` at each step's begin and end, and after each look between.
        plan: Only look, and return what would be done (`steps`).

    Returns:
        What was reached; `srv` is the connection string to use.

    Raises:
        ValidationError: An argument breaks a rule, or there is no such subnet; nothing was created.
        ConfigurationError: Azure's SDK is missing.
        CloudError: Azure refused, or did not answer. CloudPermissionDenied: It knows no credentials, or they do not
            suffice.
        EndpointFailed: It will not come: Atlas says FAILED, or Azure says Failed, Rejected or Disconnected.
        WaitTimeout: It has not come yet; calling again goes on.
        AtlasError: Any other; `connection` of each of them has the ids on both sides.
    """
    from ..azure import AzureCloud

    azure = AzureCloud(
        subnet_id,
        resource_group=resource_group,
        location=location,
        name=name,
        tags=tags,
        credential=credential,
        subscription_id=subscription_id,
        client=client,
    )
    with azure:
        return connected(
            atlas,
            azure,
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
    subnet_id: str,
    cluster_name: str | None = None,
    instance_name: str | None = None,
    region: str | None = None,
    resource_group: str | None = None,
    name: str | None = None,
    comment: str | None = None,
    keep_service: bool = False,
    credential: Any = None,
    subscription_id: str | None = None,
    client: Any = None,
    atlas: Client | None = None,
    timeout: float = 3600.0,
    on_progress: Callable[[ConnectionProgress], object] | None = None,
) -> Connection:
    """Undo `connect`: remove the private endpoint, the endpoint in Atlas and, where nothing else uses it, its service.

    In the order that works, waiting for each. What is gone already is skipped, so that it can be called again.

    A private endpoint for a dedicated cluster serves every cluster of the project in that region: they all lose it.

    Source: "Private Endpoints - Delete" of Azure's REST API, and Atlas's "Remove One Private Endpoint for One
    Provider" and "Remove One Private Endpoint for One Serverless Instance".

    Args:
        group_id: The Atlas project's id, 24 hexadecimal digits.
        subnet_id: The subnet's full resource id.
        cluster_name: The dedicated cluster; or
        instance_name: the serverless instance.
        region: The cluster's region, by Azure's name or Atlas's. Serverless instances need none.
        resource_group: Where the private endpoint is; by default the resource group of the virtual network.
        name: The private endpoint's name, if `connect` was given one.
        comment: Serverless: the comment that `connect` was given.
        keep_service: Dedicated: leave the endpoint service.
        credential: An `azure.core.credentials.TokenCredential`; by default `azure.identity.DefaultAzureCredential()`.
        subscription_id: The private endpoint's subscription; by default the subnet's.
        client: An `azure.mgmt.network.NetworkManagementClient`, in place of credential and subscription.
        atlas: The client to use; by default one with credentials from where `Client()` finds them.
        timeout: Seconds in all.
        on_progress: Is called with a `ConnectionProgress` at each step's begin and end, and after each look between.

    Returns:
        What was removed (`steps`).

    Raises:
        ValidationError: An argument breaks a rule; nothing was removed.
        ConfigurationError: Azure's SDK is missing.
        CloudError: Azure refused, or did not answer. WaitTimeout: It is not gone yet.
        AtlasError: Any other; `connection` of each of them has the ids on both sides.
    """
    from ..azure import AzureRemains

    azure = AzureRemains(
        subnet_id,
        resource_group=resource_group,
        name=name,
        credential=credential,
        subscription_id=subscription_id,
        client=client,
    )
    with azure:
        return disconnected(
            atlas,
            azure,
            group_id,
            cluster_name=cluster_name,
            instance_name=instance_name,
            region=region,
            comment=comment,
            keep_service=keep_service,
            timeout=timeout,
            on_progress=on_progress,
        )
