"""Private endpoints of dedicated clusters."""

from __future__ import annotations

from .calls import outcome, reached
from .family import Family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

    from ..models import Cluster, ConnectionStrings, DedicatedEndpoint, EndpointService, WaitProgress

__all__ = ["AsyncDedicated"]


class AsyncDedicated(Family):
    """Private endpoints of dedicated clusters: `client.dedicated`.

    An endpoint service belongs to a project, a cloud and a region, and serves every dedicated cluster there. Create it,
    wait until it is ready, create a private endpoint to it in your own account, and tell Atlas of that with
    `create_endpoint`.
    """

    __slots__ = ()

    async def create_service(
        self,
        group_id: str,
        provider: Literal["AWS", "AZURE", "GCP"],
        region: str,
        *,
        if_exists: Literal["error", "adopt"] = "error",
        supported_remote_regions: Sequence[str] | None = None,
        port_mapping_enabled: bool | None = None,
    ) -> EndpointService:
        """Create an endpoint service, exactly once.

        Atlas takes one to five minutes to make it: `wait_for_service` tells when it is ready. Where the connection
        breaks after sending, the last quarter of `timeout` is used to find out what came of it; Atlas makes no second
        service for a region, so that asking again does no harm.

        Source: "Create One Private Endpoint Service for One Provider",
        `POST /groups/{group_id}/privateEndpoint/endpointService`. Needs Project Owner.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            provider: The cloud provider.
            region: The region, by the cloud's own or Atlas's name (`"us-east-1"`, `"US_EAST_1"`).
            if_exists: `"adopt"` returns the service of that region, where there is one, instead of raising `Conflict`.
                If it is being deleted, the call waits until it is gone, within its `timeout`, and creates a new one.
            supported_remote_regions: AWS only: other regions whose VPC endpoints the service accepts.
            port_mapping_enabled: GCP only: one forwarding rule for all nodes.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            Conflict: The region has a service already; with `"adopt"`, one that has failed.
            WaitTimeout: With `"adopt"`: the existing service is still being deleted; nothing was created.
            OutcomeUnknown: It was sent, and looking did not tell what came of it.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {
            "group_id": group_id,
            "provider": provider,
            "region": region,
            "if_exists": if_exists,
            "supported_remote_regions": supported_remote_regions,
            "port_mapping_enabled": port_mapping_enabled,
        }
        service: EndpointService = await outcome(self._core.call("dedicated.create_service", arguments))
        return service

    async def list_services(self, group_id: str, provider: Literal["AWS", "AZURE", "GCP"]) -> list[EndpointService]:
        """Return all endpoint services of a project on one cloud.

        Source: "Return All Private Endpoint Services for One Provider",
        `GET /groups/{group_id}/privateEndpoint/{provider}/endpointService`. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            provider: The cloud provider.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id, "provider": provider}
        services: list[EndpointService] = await outcome(self._core.call("dedicated.list_services", arguments))
        return services

    async def get_service(
        self, group_id: str, provider: Literal["AWS", "AZURE", "GCP"], service_id: str
    ) -> EndpointService:
        """Return one endpoint service.

        Source: "Return One Private Endpoint Service for One Provider",
        `GET /groups/{group_id}/privateEndpoint/{provider}/endpointService/{service_id}`. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            provider: The cloud provider.
            service_id: Atlas's id of the service, 24 hexadecimal digits.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            NotFound: There is no such one (any more).
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id, "provider": provider, "service_id": service_id}
        service: EndpointService = await outcome(self._core.call("dedicated.get_service", arguments))
        return service

    async def update_service(
        self, group_id: str, service_id: str, *, supported_remote_regions: Sequence[str]
    ) -> EndpointService:
        """Change the regions whose VPC endpoints an endpoint service on AWS accepts beside its own.

        Source: "Update One Private Endpoint Service",
        `PATCH /groups/{group_id}/privateEndpoint/endpointService/{service_id}`. Needs Project Owner.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            service_id: Atlas's id of the service, 24 hexadecimal digits.
            supported_remote_regions: All of them; none are accepted but these.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            OutcomeUnknown: It was sent, and looking did not tell what came of it. Repeating is safe.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {
            "group_id": group_id,
            "service_id": service_id,
            "supported_remote_regions": supported_remote_regions,
        }
        service: EndpointService = await outcome(self._core.call("dedicated.update_service", arguments))
        return service

    async def delete_service(self, group_id: str, provider: Literal["AWS", "AZURE", "GCP"], service_id: str) -> None:
        """Remove an endpoint service. `wait_for_service(…, until="DELETED")` tells when it is gone.

        The order that works: the private endpoint in your own account, then Atlas's endpoint, then the service.

        Source: "Remove One Private Endpoint Service for One Provider",
        `DELETE /groups/{group_id}/privateEndpoint/{provider}/endpointService/{service_id}`. Needs Project Owner.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            provider: The cloud provider.
            service_id: Atlas's id of the service, 24 hexadecimal digits.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            NotFound: There is no such one (any more).
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id, "provider": provider, "service_id": service_id}
        await outcome(self._core.call("dedicated.delete_service", arguments))

    async def create_endpoint(
        self,
        group_id: str,
        provider: Literal["AWS", "AZURE", "GCP"],
        service_id: str,
        endpoint_id: str,
        *,
        if_exists: Literal["error", "adopt"] = "error",
        private_endpoint_ip_address: str | None = None,
        gcp_project_id: str | None = None,
        endpoints: Sequence[tuple[str, str]] | None = None,
    ) -> DedicatedEndpoint:
        """Tell Atlas of the private endpoint that you have created for its endpoint service.

        Do so at once: on AWS the VPC endpoint stays `pendingAcceptance` until Atlas accepts it.

        Source: "Create One Private Endpoint for One Provider",
        `POST /groups/{group_id}/privateEndpoint/{provider}/endpointService/{service_id}/endpoint`. Needs Project Owner.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            provider: The cloud provider.
            service_id: Atlas's id of the service, 24 hexadecimal digits.
            endpoint_id: The cloud provider's id: `vpce-…`, an Azure resource id, the name of a GCP endpoint group.
            if_exists: `"adopt"` returns the endpoint where Atlas knows it already, instead of raising `Conflict`. If
                Atlas is deleting it (`DELETING`, or `delete_requested`), the call waits until it is gone, within its
                `timeout`, and registers it again.
            private_endpoint_ip_address: Azure: its address.
            gcp_project_id: GCP: the Google Cloud project that it lives in.
            endpoints: GCP: name and address of each forwarding rule.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            Conflict: Atlas knows this endpoint already; with `"adopt"`, one that has failed or was rejected.
            WaitTimeout: With `"adopt"`: the existing endpoint is still being deleted; nothing was created.
            OutcomeUnknown: It was sent, and looking did not tell what came of it.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {
            "group_id": group_id,
            "provider": provider,
            "service_id": service_id,
            "endpoint_id": endpoint_id,
            "if_exists": if_exists,
            "private_endpoint_ip_address": private_endpoint_ip_address,
            "gcp_project_id": gcp_project_id,
            "endpoints": endpoints,
        }
        endpoint: DedicatedEndpoint = await outcome(self._core.call("dedicated.create_endpoint", arguments))
        return endpoint

    async def get_endpoint(
        self, group_id: str, provider: Literal["AWS", "AZURE", "GCP"], service_id: str, endpoint_id: str
    ) -> DedicatedEndpoint:
        """Return one private endpoint.

        Source: "Return One Private Endpoint for One Provider",
        `GET /groups/{group_id}/privateEndpoint/{provider}/endpointService/{service_id}/endpoint/{endpoint_id}`. Needs
        Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            provider: The cloud provider.
            service_id: Atlas's id of the service, 24 hexadecimal digits.
            endpoint_id: The cloud provider's id: `vpce-…`, an Azure resource id, the name of a GCP endpoint group.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            NotFound: There is no such one (any more).
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id, "provider": provider, "service_id": service_id, "endpoint_id": endpoint_id}
        endpoint: DedicatedEndpoint = await outcome(self._core.call("dedicated.get_endpoint", arguments))
        return endpoint

    async def delete_endpoint(
        self, group_id: str, provider: Literal["AWS", "AZURE", "GCP"], service_id: str, endpoint_id: str
    ) -> None:
        """Remove one private endpoint. `wait_for_endpoint(…, until="DELETED")` tells when it is gone.

        Source: "Remove One Private Endpoint for One Provider",
        `DELETE /groups/{group_id}/privateEndpoint/{provider}/endpointService/{service_id}/endpoint/{endpoint_id}`.
        Needs Project Owner.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            provider: The cloud provider.
            service_id: Atlas's id of the service, 24 hexadecimal digits.
            endpoint_id: The cloud provider's id: `vpce-…`, an Azure resource id, the name of a GCP endpoint group.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            NotFound: There is no such one (any more).
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id, "provider": provider, "service_id": service_id, "endpoint_id": endpoint_id}
        await outcome(self._core.call("dedicated.delete_endpoint", arguments))

    async def wait_for_service(
        self,
        group_id: str,
        provider: Literal["AWS", "AZURE", "GCP"],
        service_id: str,
        *,
        until: Literal["RESERVED", "AVAILABLE", "DELETED"] = "RESERVED",
        timeout: float = 3600.0,
        on_progress: Callable[[WaitProgress], object] | None = None,
    ) -> EndpointService | None:
        """Wait until an endpoint service is ready for your private endpoint, or gone.

        All who wait for services of the same project and cloud share the looks. Connections that break, 429 and 5xx are
        survived.

        Source: as `list_services`. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            provider: The cloud provider.
            service_id: Atlas's id of the service, 24 hexadecimal digits.
            until: `"RESERVED"`: ready for your private endpoint, be it `WAITING_FOR_USER` or
                `AVAILABLE`. `"AVAILABLE"`: `AVAILABLE` alone. `"DELETED"`: gone.
            timeout: Seconds to wait in all.
            on_progress: Is called with a `WaitProgress` after each look that did not end the wait.

        Returns:
            What was waited for; `None` for `"DELETED"`.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            EndpointFailed: It will not come; `endpoint` is the last state seen, with its `error_message`.
            WaitTimeout: It has not come yet; `endpoint` is the last state seen.
            ApiError: Atlas refuses to show it; `endpoint` is the last state seen.
        """
        arguments = {"group_id": group_id, "provider": provider, "service_id": service_id}
        service: EndpointService | None = await reached(
            self._core, "dedicated.wait_for_service", arguments, until=until, timeout=timeout, on_progress=on_progress
        )
        return service

    async def wait_for_endpoint(
        self,
        group_id: str,
        provider: Literal["AWS", "AZURE", "GCP"],
        service_id: str,
        endpoint_id: str,
        *,
        until: Literal["RESERVED", "AVAILABLE", "DELETED"] = "AVAILABLE",
        timeout: float = 3600.0,
        on_progress: Callable[[WaitProgress], object] | None = None,
    ) -> DedicatedEndpoint | None:
        """Wait until a private endpoint is usable, or gone.

        All who wait for the same endpoint share the looks; Atlas has no list that shows the states of several.
        Connections that break, 429 and 5xx are survived.

        Source: as `get_endpoint`. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            provider: The cloud provider.
            service_id: Atlas's id of the service, 24 hexadecimal digits.
            endpoint_id: The cloud provider's id: `vpce-…`, an Azure resource id, the name of a GCP endpoint group.
            until: `"AVAILABLE"`: usable. `"RESERVED"`: known to Atlas. `"DELETED"`: gone.
            timeout: Seconds to wait in all.
            on_progress: Is called with a `WaitProgress` after each look that did not end the wait.

        Returns:
            What was waited for; `None` for `"DELETED"`.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            EndpointFailed: It will not come; `endpoint` is the last state seen, with its `error_message`.
            WaitTimeout: It has not come yet; `endpoint` is the last state seen.
            ApiError: Atlas refuses to show it; `endpoint` is the last state seen.
        """
        arguments = {"group_id": group_id, "provider": provider, "service_id": service_id, "endpoint_id": endpoint_id}
        endpoint: DedicatedEndpoint | None = await reached(
            self._core, "dedicated.wait_for_endpoint", arguments, until=until, timeout=timeout, on_progress=on_progress
        )
        return endpoint

    async def get_cluster(self, group_id: str, cluster_name: str) -> Cluster:
        """Return one cluster: its regions, state and private connection strings.

        Always asks version 2 of the API, whatever `api_version` says.

        Source: "Return One Cluster from One Project", `GET /groups/{group_id}/clusters/{cluster_name}`. Needs Project
        Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            cluster_name: The cluster's name.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            NotFound: There is no cluster of that name.
            ApiError: Atlas answered with an error, such as `CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API` for a Flex cluster.
            ConnectionError: Atlas did not answer.
        """
        arguments = {"group_id": group_id, "cluster_name": cluster_name}
        cluster: Cluster = await outcome(self._core.call("dedicated.get_cluster", arguments))
        return cluster

    async def list_clusters(self, group_id: str) -> list[Cluster]:
        """Return all clusters of a project, page by page; Flex clusters are not among them.

        Always asks version 2 of the API, whatever `api_version` says.

        Source: "Return All Clusters in One Project", `GET /groups/{group_id}/clusters`. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id}
        clusters: list[Cluster] = await outcome(self._core.call("dedicated.list_clusters", arguments))
        return clusters

    async def get_regional_mode(self, group_id: str) -> bool:
        """Tell whether a project can have several private endpoints per region.

        Source: "Return Regionalized Private Endpoint Status",
        `GET /groups/{group_id}/privateEndpoint/regionalMode`. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id}
        enabled: bool = await outcome(self._core.call("dedicated.get_regional_mode", arguments))
        return enabled

    async def set_regional_mode(self, group_id: str, enabled: bool) -> bool:
        """Let a project have several private endpoints per region, or not.

        The connection strings of multi-region and global sharded clusters change with it.

        Source: "Toggle Regionalized Private Endpoint Status",
        `PATCH /groups/{group_id}/privateEndpoint/regionalMode`. Needs Project Owner.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            enabled: Whether it can.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            OutcomeUnknown: It was sent, and looking did not tell what came of it. Repeating is safe.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id, "enabled": enabled}
        now: bool = await outcome(self._core.call("dedicated.set_regional_mode", arguments))
        return now

    async def connection_string(
        self,
        group_id: str,
        cluster_name: str,
        endpoint: DedicatedEndpoint | str,
        *,
        timeout: float = 3600.0,
        on_progress: Callable[[WaitProgress], object] | None = None,
    ) -> ConnectionStrings:
        """Wait for the private connection strings of a cluster through one endpoint.

        They appear minutes after the endpoint has become `AVAILABLE`, and only when every region of the cluster has
        one.

        Source: "Return One Cluster from One Project", `GET /groups/{group_id}/clusters/{cluster_name}`. Needs Project
            Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            cluster_name: The cluster's name.
            endpoint: The endpoint, or the cloud provider's id of it (`vpce-…`).
            timeout: Seconds to wait in all.
            on_progress: Is called with a `WaitProgress` after each look that did not end the wait.

        Returns:
            The connection strings; `srv` is the one to use.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            WaitTimeout: They have not appeared yet.
            ApiError: Atlas refuses to show the cluster.
        """
        endpoint_id = endpoint if isinstance(endpoint, str) else endpoint.id
        arguments = {"group_id": group_id, "cluster_name": cluster_name, "endpoint_id": endpoint_id}
        strings: ConnectionStrings = await reached(
            self._core,
            "dedicated.connection_string",
            arguments,
            until="AVAILABLE",
            timeout=timeout,
            on_progress=on_progress,
        )
        return strings
