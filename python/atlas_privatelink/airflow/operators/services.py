"""Operators that create and delete the endpoint service of dedicated clusters in Atlas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..remains import Remains
from ..waits import Wait
from .base import AtlasOperator, finished, was_made

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal

    from airflow.sdk import Context

__all__ = ["AtlasCreateEndpointServiceOperator", "AtlasDeleteEndpointServiceOperator"]


class AtlasCreateEndpointServiceOperator(AtlasOperator):
    """Create the endpoint service of a project's region for dedicated clusters, and wait until it can be used.

    Atlas makes one for each region: one that is there already is used.

    XCom: `endpoint_service_id` as soon as Atlas has answered, `endpoint_service_name` once there is one; the return
    value is the service as a dictionary, with `id`, `status` and so on.

    Args:
        group_id: The project's id, 24 hexadecimal digits.
        region: The region, by the cloud's own or Atlas's name.
        provider: The cloud provider.
        supported_remote_regions: AWS only: other regions whose VPC endpoints the service accepts.
        port_mapping_enabled: GCP only: one forwarding rule for all nodes.
        wait_for_completion: Wait until the service is ready for your private endpoint.
        delete_on_kill: Begin to delete the service when the task is stopped, where this try of it has made it.
        atlas_conn_id: A connection of the type `mongodbatlas`.
        timeout: Seconds that one try of the task may wait.
        deferrable: Wait in the triggerer; by default what `[operators] default_deferrable` says.
    """

    template_fields: Sequence[str] = ("group_id", "region", "provider", "supported_remote_regions", "atlas_conn_id")

    def __init__(
        self,
        *,
        group_id: str,
        region: str,
        provider: Literal["AWS", "AZURE", "GCP"] = "AWS",
        supported_remote_regions: Sequence[str] | None = None,
        port_mapping_enabled: bool | None = None,
        wait_for_completion: bool = True,
        delete_on_kill: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.group_id = group_id
        self.region = region
        self.provider = provider
        self.supported_remote_regions = supported_remote_regions
        self.port_mapping_enabled = port_mapping_enabled
        self.wait_for_completion = wait_for_completion
        self.delete_on_kill = delete_on_kill

    def execute(self, context: Context) -> Any:
        """Create it or find it, and wait."""
        with self._client(context, Remains(self.group_id, provider=self.provider, region=self.region)) as client:
            service = client.dedicated.create_service(
                self.group_id,
                self.provider,
                self.region,
                if_exists="adopt",
                supported_remote_regions=self.supported_remote_regions,
                port_mapping_enabled=self.port_mapping_enabled,
            )
            self._know(endpoint_service_id=service.id, made=["endpoint_service_id"] if was_made(service) else [])
            if self.wait_for_completion:
                wait = Wait.for_service(self.group_id, self.provider, service.id, until="RESERVED")
                service = self._waited(client, wait)
            return finished(context, service)


class AtlasDeleteEndpointServiceOperator(AtlasOperator):
    """Delete an endpoint service of dedicated clusters, and wait until it is gone.

    One that is gone already is no error. Atlas refuses to delete one that is in use.

    Args:
        group_id: The project's id, 24 hexadecimal digits.
        service_id: Atlas's id of the service, 24 hexadecimal digits.
        provider: The cloud provider.
        wait_for_completion: Wait until it is gone.
        atlas_conn_id: A connection of the type `mongodbatlas`.
        timeout: Seconds that one try of the task may wait.
        deferrable: Wait in the triggerer; by default what `[operators] default_deferrable` says.
    """

    template_fields: Sequence[str] = ("group_id", "service_id", "provider", "atlas_conn_id")

    def __init__(
        self,
        *,
        group_id: str,
        service_id: str,
        provider: Literal["AWS", "AZURE", "GCP"] = "AWS",
        wait_for_completion: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.group_id = group_id
        self.service_id = service_id
        self.provider = provider
        self.wait_for_completion = wait_for_completion

    def execute(self, context: Context) -> None:
        """Delete it, and wait."""
        from ...errors import NotFound

        with self._client(context, Remains(self.group_id, provider=self.provider)) as client:
            try:
                client.dedicated.delete_service(self.group_id, self.provider, self.service_id)
            except NotFound as error:
                self.log.info("Gone already: %s", error)
                return
            self._know(endpoint_service_id=self.service_id)
            if self.wait_for_completion:
                wait = Wait.for_service(self.group_id, self.provider, self.service_id, until="DELETED")
                self._waited(client, wait)
