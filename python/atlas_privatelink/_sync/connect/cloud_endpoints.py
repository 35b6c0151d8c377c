# Derived from `_async` by `make twins`: do not edit.
"""Endpoints in the cloud: which are this connection's, which lead nowhere any more, and when one is gone."""

from __future__ import annotations

from ...models.connection import CloudEndpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...clouds.base import Cloud, ServiceToReach
    from .run import Run
    from .side import AtlasSide

__all__ = ["is_of", "orphans", "registered_but_gone", "until_gone"]


def is_of(cloud: Cloud, endpoint: CloudEndpoint) -> bool:
    """Whether an endpoint is ours and of this very network; one with a name of its own is of another."""
    return endpoint.is_ours and endpoint.network == cloud.network


def until_gone(run: Run, endpoint: CloudEndpoint) -> None:
    """Waits until an endpoint that is being deleted is gone.

    Raises:
        WaitTimeout: It is not gone in time.
    """
    delay, status = 0.1, endpoint.status
    while True:
        now = run.look_again(endpoint.id, status)
        if now is None or now.phase == "gone" or _is_another(now, endpoint):
            return
        run.cloud_status = status = now.status
        run.waiting(next_look=delay)
        delay = run.pause(delay, f"{endpoint.id} is still {now.status}")


def _is_another(now: CloudEndpoint, before: CloudEndpoint) -> bool:
    return None not in (now.fingerprint, before.fingerprint) and now.fingerprint != before.fingerprint


def orphans(side: AtlasSide, ours: Sequence[CloudEndpoint], *, deleting: bool = False) -> list[CloudEndpoint]:
    """Those of our endpoints in this network whose service is gone: they lead nowhere, and the cloud bills them.

    Args:
        side: Atlas's side.
        deleting: Whether those count, too, that are being deleted already.
        ours: What carries our mark, read before Atlas was asked: a service that a mark names was there before the mark.
    """
    found: list[CloudEndpoint] = []
    for one in ours:
        service_id = one.service_id or ""
        is_over = one.phase == "gone" or (one.phase == "deleting" and not deleting)
        is_candidate = not is_over and side.is_of_this_kind(service_id)
        is_candidate = is_candidate and _is_of_this_kind(side, one) and _is_of_this_region(side, one)
        if is_candidate and not side.is_live(service_id):
            found.append(one)
    return found


def registered_but_gone(run: Run, side: AtlasSide, service: ServiceToReach) -> CloudEndpoint | None:
    """The endpoint that Atlas still has registered by the id that the next one gets, but that the cloud has no more.

    That registration is of the connection that is gone, with its address: the next endpoint needs one of its own.
    """
    planned_id: str | None = run.in_cloud(run.cloud.planned_id, service)
    if planned_id is None or not side.knows(planned_id):
        return None
    there: CloudEndpoint | None = run.in_cloud(run.cloud.describe, planned_id)
    if there is not None and there.phase not in ("deleting", "gone"):
        return None
    return CloudEndpoint(planned_id, "gone", "gone", network=run.cloud.network, service_id=service.service_id)


def _is_of_this_region(side: AtlasSide, endpoint: CloudEndpoint) -> bool:
    region, target = side.run.connection.region, endpoint.leads_to or ""
    # the id of an Azure Private Link service does not say where it is
    if region is None or side.run.cloud.provider == "AZURE":
        return True
    return f".{region}." in target or f"/{region}/" in target


def _is_of_this_kind(side: AtlasSide, endpoint: CloudEndpoint) -> bool:
    """Google Cloud: a port-mapped endpoint is one rule of its own name, one of the legacy kind is a numbered group."""
    port_mapping: bool | None = getattr(side.run.cloud, "port_mapping", None)
    if port_mapping is None or not endpoint.endpoints:
        return True
    return port_mapping == ([name for name, _ in endpoint.endpoints] == [endpoint.id])
