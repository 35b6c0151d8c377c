# Derived from `_async` by `make twins`: do not edit.
"""`connect` and `disconnect` on Google Cloud: typed arguments of that cloud, and nothing else."""

from __future__ import annotations

from .connect import connect as connect_on
from .connect import disconnect as disconnect_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Literal

    from ..models import Connection, ConnectionProgress
    from .client import Client

__all__ = ["connect", "disconnect"]


def connect(
    group_id: str,
    *,
    cluster_name: str,
    project: str,
    network: str,
    subnetwork: str,
    region: str | None = None,
    port_mapping: bool = True,
    name: str | None = None,
    labels: Mapping[str, str] | None = None,
    global_access: bool | None = None,
    ip_address: str | None = None,
    credentials: Any = None,
    client_options: Any = None,
    on_drift: Literal["warn", "error", "update"] = "warn",
    replace_failed: bool = False,
    made_by: str | None = None,
    resume: Connection | None = None,
    atlas: Client | None = None,
    timeout: float = 3600.0,
    on_progress: Callable[[ConnectionProgress], object] | None = None,
    plan: bool = False,
) -> Connection:
    """Connect a VPC network to a dedicated cluster, on both sides, and return its private connection string.

    Checks first whether everything that is missing can be created. Then creates or adopts the endpoint service in
    Atlas, creates or adopts an internal address and a forwarding rule, registers them with Atlas, and waits for the
    connection string. Run it again at any time: existing resources are reused, also by concurrent calls.

    It serves every cluster of the project in that region.

    Args:
        group_id: The Atlas project's id, 24 hexadecimal digits.
        cluster_name: The dedicated cluster.
        project: The Google Cloud project's id, such as `orders-1234`.
        network: The VPC network: its name, `projects/…/global/networks/…` or its URL.
        subnetwork: The subnetwork for the address: its name, `projects/…/regions/…/subnetworks/…` or its URL.
        region: The region of cluster and subnetwork, in any spelling; by default the cluster's only region on Google
            Cloud.
        port_mapping: One forwarding rule for all nodes. `False` makes the legacy kind, up to 50 rules, which MongoDB
            disables on 2027-04-30. Both kinds can stand side by side in a region.
        name: A name for the forwarding rule (legacy: for the group); by default one that is derived from what it
            connects.
        labels: Labels of the forwarding rules.
        global_access: Whether clients in other regions can connect; by default a new endpoint allows it, and an
            existing one stays as it is.
        ip_address: The internal address of a port-mapped endpoint, in the subnetwork; by default Google chooses one.
        credentials: `google.auth.credentials.Credentials`; by default Application Default Credentials.
        client_options: Options of Google's clients, such as `{"api_endpoint": …}`.
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
    from ..clouds.gcp import GcpCloud

    cloud = GcpCloud(
        project,
        region,
        network,
        subnetwork,
        port_mapping=port_mapping,
        name=name,
        labels=labels,
        global_access=global_access,
        ip_address=ip_address,
        credentials=credentials,
        client_options=client_options,
    )
    with cloud:
        return connect_on(
            group_id,
            cloud=cloud,
            cluster_name=cluster_name,
            region=region,
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
    project: str,
    network: str,
    subnetwork: str,
    cluster_name: str | None = None,
    region: str | None = None,
    port_mapping: bool = True,
    name: str | None = None,
    credentials: Any = None,
    client_options: Any = None,
    delete_service: bool | None = None,
    delete_adopted: bool = False,
    confirm: Callable[[Connection], object] | None = None,
    atlas: Client | None = None,
    timeout: float = 3600.0,
    on_progress: Callable[[ConnectionProgress], object] | None = None,
    plan: bool = False,
) -> Connection:
    """Delete what `connect` created between a VPC network and a dedicated cluster, on both sides.

    First makes a list, and then deletes exactly that list. What does not carry the mark of this package is never
    deleted, unless `delete_adopted` asks for it. Run it again to resume an interrupted run.

    It serves every cluster of the project in that region: they all lose it.

    Args:
        group_id: The Atlas project's id, 24 hexadecimal digits.
        project: The Google Cloud project's id.
        network: The VPC network, as for `connect`.
        subnetwork: The subnetwork, as for `connect`.
        cluster_name: The dedicated cluster; leave it out, and give `region`, where it was deleted already.
        region: The region of cluster and subnetwork, as for `connect`.
        port_mapping: Which of the two kinds: only this one is looked at.
        name: The name, if `connect` was given one.
        credentials: `google.auth.credentials.Credentials`; by default Application Default Credentials.
        client_options: Options of Google's clients, such as `{"api_endpoint": …}`.
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
    from ..clouds.gcp import GcpCloud

    cloud = GcpCloud(
        project,
        region,
        network,
        subnetwork,
        port_mapping=port_mapping,
        name=name,
        credentials=credentials,
        client_options=client_options,
    )
    with cloud:
        return disconnect_on(
            group_id,
            cloud=cloud,
            cluster_name=cluster_name,
            region=region,
            delete_service=delete_service,
            delete_adopted=delete_adopted,
            confirm=confirm,
            atlas=atlas,
            timeout=timeout,
            on_progress=on_progress,
            plan=plan,
        )
