"""`connect` and `disconnect` on Google Cloud."""

from __future__ import annotations

from .connecting import connected, disconnected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..models import Connection, ConnectionProgress
    from .client import AsyncClient

__all__ = ["aconnect", "adisconnect"]


async def aconnect(
    group_id: str,
    *,
    cluster_name: str,
    project: str,
    region: str,
    network: str,
    subnetwork: str,
    name: str | None = None,
    labels: Mapping[str, str] | None = None,
    credentials: Any = None,
    client_options: Any = None,
    atlas: AsyncClient | None = None,
    timeout: float = 3600.0,
    on_progress: Callable[[ConnectionProgress], object] | None = None,
    plan: bool = False,
) -> Connection:
    """Make a private endpoint from a network to a dedicated cluster, on both sides, and return its connection string.

    It creates or adopts the endpoint service in Atlas, waits until Atlas has named its service attachments, creates or
    adopts an address and a forwarding rule for each, tells Atlas of them, and waits for the connection string. Killed
    anywhere and called again with the same arguments, it goes on: nothing is made twice on either side. Two that begin
    at the same moment end with one endpoint on each side, too.

    It serves every cluster of the project in that region.

    Source: `addresses.insert` and `forwardingRules.insert` of Google's Compute API, and Atlas's "Create One Private
    Endpoint for One Provider".

    Args:
        group_id: The Atlas project's id, 24 hexadecimal digits.
        cluster_name: The dedicated cluster.
        project: The Google Cloud project's id, such as `orders-1234`.
        region: The region of cluster and subnetwork, by Google's name (`us-central1`).
        network: The VPC network: its name, `projects/…/global/networks/…` or its URL.
        subnetwork: The subnetwork for the addresses: its name, `projects/…/regions/…/subnetworks/…` or its URL.
        name: The group's name, up to 59 characters; by default one derived from service attachments and network.
        labels: Labels of the forwarding rules.
        credentials: `google.auth.credentials.Credentials`; by default Google's Application Default Credentials.
        client_options: Options of Google's clients, such as `{"api_endpoint": …}`.
        atlas: The client to use; by default one with credentials from where `AsyncClient()` finds them.
        timeout: Seconds in all.
        on_progress: Is called with a `ConnectionProgress` at each step's begin and end, and after each look between.
        plan: Only look, and return what would be done (`steps`).

    Returns:
        What was reached; `srv` is the connection string to use.

    Raises:
        ValidationError: An argument breaks a rule, or there is no such subnetwork; nothing was created.
        ConfigurationError: Google's SDK is missing.
        CloudError: Google refused, or did not answer. CloudPermissionDenied: It knows no credentials, or they do not
            suffice.
        EndpointFailed: It will not come: Atlas says FAILED, or Google says REJECTED, CLOSED or NEEDS_ATTENTION.
        WaitTimeout: It has not come yet; calling again goes on.
        AtlasError: Any other; `connection` of each of them has the ids on both sides.
    """
    from ..gcp import GcpCloud

    gcp = GcpCloud(
        project,
        region,
        network,
        subnetwork,
        name=name,
        labels=labels,
        credentials=credentials,
        client_options=client_options,
    )
    with gcp:
        return await connected(
            atlas,
            gcp,
            group_id,
            cluster_name=cluster_name,
            instance_name=None,
            region=region,
            comment=None,
            timeout=timeout,
            on_progress=on_progress,
            plan=plan,
        )


async def adisconnect(
    group_id: str,
    *,
    cluster_name: str,
    project: str,
    region: str,
    network: str,
    subnetwork: str,
    name: str | None = None,
    keep_service: bool = False,
    credentials: Any = None,
    client_options: Any = None,
    atlas: AsyncClient | None = None,
    timeout: float = 3600.0,
    on_progress: Callable[[ConnectionProgress], object] | None = None,
) -> Connection:
    """Undo `connect`: remove the forwarding rules and addresses, the endpoint in Atlas and, where nothing else uses it,
    its service.

    In the order that works, waiting for each. What is gone already is skipped, so that it can be called again.

    It served every cluster of the project in that region: they all lose it.

    Source: `forwardingRules.delete` and `addresses.delete` of Google's Compute API, and Atlas's "Remove One Private
    Endpoint for One Provider".

    Args:
        group_id: The Atlas project's id, 24 hexadecimal digits.
        cluster_name: The dedicated cluster.
        project: The Google Cloud project's id.
        region: The region of cluster and subnetwork, by Google's name.
        network: The VPC network, as for `connect`.
        subnetwork: The subnetwork, as for `connect`.
        name: The group's name, if `connect` was given one.
        keep_service: Leave the endpoint service.
        credentials: `google.auth.credentials.Credentials`; by default Google's Application Default Credentials.
        client_options: Options of Google's clients, such as `{"api_endpoint": …}`.
        atlas: The client to use; by default one with credentials from where `AsyncClient()` finds them.
        timeout: Seconds in all.
        on_progress: Is called with a `ConnectionProgress` at each step's begin and end, and after each look between.

    Returns:
        What was removed (`steps`).

    Raises:
        ValidationError: An argument breaks a rule; nothing was removed.
        ConfigurationError: Google's SDK is missing.
        CloudError: Google refused, or did not answer. WaitTimeout: It is not gone yet.
        AtlasError: Any other; `connection` of each of them has the ids on both sides.
    """
    from ..gcp import GcpRemains

    gcp = GcpRemains(
        project,
        region,
        network,
        subnetwork,
        name=name,
        credentials=credentials,
        client_options=client_options,
    )
    with gcp:
        return await disconnected(
            atlas,
            gcp,
            group_id,
            cluster_name=cluster_name,
            instance_name=None,
            region=region,
            comment=None,
            keep_service=keep_service,
            timeout=timeout,
            on_progress=on_progress,
        )
