"""What the local EC2 knows of the local Atlas: its services, and what became of registered VPC endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from . import AtlasEmulator

__all__ = ["AtlasSide"]


class AtlasSide:
    """The local Atlas as EC2 sees it."""

    def __init__(self, atlas: AtlasEmulator) -> None:
        self._atlas: Any = atlas

    def now(self) -> float:
        """The time on Atlas's clock, in seconds since 1970."""
        now: float = self._atlas.now()
        return now

    def services(self) -> dict[str, frozenset[str]]:
        """The service names that Atlas has given out, and the regions other than their own that they serve."""
        serverless = {one.get("endpointServiceName"): frozenset[str]() for one in self._atlas.endpoints()}
        dedicated = {
            one.get("endpointServiceName"): frozenset(map(aws_region, one.get("supportedRemoteRegions") or ()))
            for one in self._atlas.endpoint_services()
        }
        return {name: regions for name, regions in (serverless | dedicated).items() if name}

    def statuses(self) -> dict[str, str]:
        """What Atlas says of the VPC endpoints that were registered with it, by their ids."""
        serverless = {one.get("cloudProviderEndpointId"): one["status"] for one in self._atlas.endpoints()}
        dedicated = {
            endpoint["interfaceEndpointId"]: endpoint["connectionStatus"]
            for service in self._atlas.endpoint_services()
            for endpoint in service["endpoints"]
            if "interfaceEndpointId" in endpoint
        }
        return {vpc_endpoint_id: word for vpc_endpoint_id, word in (serverless | dedicated).items() if vpc_endpoint_id}

    def ask(self, seen: Callable[[], list[str]] | None) -> None:
        """Let Atlas reject all VPC endpoints but those that it sees when one is registered; `None` ends that."""
        self._atlas.set_cloud_endpoints(seen)


def aws_region(region: str) -> str:
    """AWS's name of a region that Atlas writes `US_EAST_1`."""
    return region.lower().replace("_", "-")


def region_of_service(service_name: str) -> str:
    """The region in `com.amazonaws.vpce.us-east-1.vpce-svc-…`; empty for another kind of name."""
    parts = service_name.split(".")
    return parts[3] if len(parts) == 5 and parts[:3] == ["com", "amazonaws", "vpce"] else ""
