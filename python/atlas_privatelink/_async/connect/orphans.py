"""Endpoints of ours whose service Atlas has no more: they lead nowhere, and the cloud bills them all the same."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...models.connection import CloudEndpoint
    from .side import AsyncAtlasSide

__all__ = ["orphans"]


async def orphans(side: AsyncAtlasSide, ours: Sequence[CloudEndpoint]) -> list[CloudEndpoint]:
    """Those of our endpoints in this network whose service is gone.

    Args:
        side: Atlas's side.
        ours: What carries our mark, read before Atlas was asked: a service that a mark names was there before the mark.
    """
    found: list[CloudEndpoint] = []
    for one in ours:
        service_id = one.service_id or ""
        is_candidate = one.phase not in ("gone", "deleting") and side.is_of_this_kind(service_id)
        if is_candidate and _is_of_this_region(side, one) and not await side.is_live(service_id):
            found.append(one)
    return found


def _is_of_this_region(side: AsyncAtlasSide, endpoint: CloudEndpoint) -> bool:
    region, target = side.run.connection.region, endpoint.leads_to or ""
    # the id of an Azure Private Link service does not say where it is
    if region is None or side.run.cloud.provider == "AZURE":
        return True
    return f".{region}." in target or f"/{region}/" in target
