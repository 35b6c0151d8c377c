"""What the local Azure knows of the local Atlas: its services, and what became of registered private endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import AtlasEmulator

__all__ = ["AtlasSide"]

_CONNECTIONS = {"AVAILABLE": "Approved", "FAILED": "Rejected"}


class AtlasSide:
    """The local Atlas as Azure sees it.

    Args:
        atlas: The local Atlas; `None` for one that knows every service, and accepts nothing.
    """

    def __init__(self, atlas: AtlasEmulator | None) -> None:
        self._atlas = atlas

    def knows(self, service: str) -> bool:
        """Whether Atlas has given out a Private Link service."""
        if self._atlas is None:
            return "/privatelinkservices/" in service.lower()
        named = [*self._atlas.endpoints(), *self._atlas.endpoint_services()]
        return any(_same(one.get("privateLinkServiceResourceId"), service) for one in named)

    def connection(self, endpoint_id: str) -> str | None:
        """What the owner of the service says to a connection; `None` as long as it says nothing."""
        if self._atlas is None:
            return None
        serverless = [(one.get("cloudProviderEndpointId"), one["status"]) for one in self._atlas.endpoints()]
        dedicated = [
            (one.get("privateEndpointResourceId"), one.get("status"))
            for service in self._atlas.endpoint_services()
            for one in service["endpoints"]
        ]
        for known, status in (*serverless, *dedicated):
            if _same(known, endpoint_id):
                return _CONNECTIONS.get(str(status))
        return None


def _same(one: Any, other: str) -> bool:
    return isinstance(one, str) and one.lower() == other.lower()
