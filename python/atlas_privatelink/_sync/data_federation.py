# Derived from `_async` by `make twins`: do not edit.
"""Private endpoints of Data Federation and Online Archive."""

from __future__ import annotations

from .calls import outcome, reached
from .family import Family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from ..models import DataFederationEndpoint, WaitProgress

__all__ = ["DataFederation"]


class DataFederation(Family):
    """Private endpoints of Data Federation and Online Archive: `client.data_federation`."""

    __slots__ = ()

    def create_endpoint(
        self,
        group_id: str,
        endpoint_id: str,
        *,
        provider: Literal["AWS", "AZURE"] | None = None,
        comment: str | None = None,
        region: str | None = None,
        customer_endpoint_dns_name: str | None = None,
        customer_endpoint_ip_address: str | None = None,
    ) -> DataFederationEndpoint:
        """Tell Atlas of a private endpoint to Data Federation that you have created.

        A second call for the same endpoint replaces what the first one said of it: that is also how it is updated. So
        it is safe to repeat.

        Source: "Create One Federated Database Instance and Online Archive Private Endpoint in One Project",
        `POST /groups/{group_id}/privateNetworkSettings/endpointIds`. Needs Project Owner.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            endpoint_id: The cloud provider's id: `vpce-…`, or an Azure resource id.
            provider: The cloud provider; by default as the id tells.
            comment: What people call it, in less than 80 characters.
            region: The VPC endpoint's region, by its own or Atlas's name; together with `customer_endpoint_dns_name`.
            customer_endpoint_dns_name: The VPC endpoint's DNS name.
            customer_endpoint_ip_address: The Azure private endpoint's address.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {
            "group_id": group_id,
            "endpoint_id": endpoint_id,
            "provider": provider,
            "comment": comment,
            "region": region,
            "customer_endpoint_dns_name": customer_endpoint_dns_name,
            "customer_endpoint_ip_address": customer_endpoint_ip_address,
        }
        endpoint: DataFederationEndpoint = outcome(self._core.call("data_federation.create_endpoint", arguments))
        return endpoint

    def list_endpoints(
        self,
        group_id: str,
    ) -> list[DataFederationEndpoint]:
        """Return all of a project.

        Source: "Return All Federated Database Instance and Online Archive Private Endpoints in One Project",
        `GET /groups/{group_id}/privateNetworkSettings/endpointIds`, all pages. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {
            "group_id": group_id,
        }
        endpoints: list[DataFederationEndpoint] = outcome(self._core.call("data_federation.list_endpoints", arguments))
        return endpoints

    def get_endpoint(self, group_id: str, endpoint_id: str) -> DataFederationEndpoint:
        """Return one.

        Source: "Return One Federated Database Instance and Online Archive Private Endpoint in One Project",
        `GET /groups/{group_id}/privateNetworkSettings/endpointIds/{endpoint_id}`. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            endpoint_id: The cloud provider's id: `vpce-…`, or an Azure resource id.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            NotFound: There is no such one (any more).
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id, "endpoint_id": endpoint_id}
        endpoint: DataFederationEndpoint = outcome(self._core.call("data_federation.get_endpoint", arguments))
        return endpoint

    def delete_endpoint(self, group_id: str, endpoint_id: str) -> None:
        """Remove one. `wait_for_endpoint(…, until="DELETED")` tells when it is gone.

        Source: "Remove One Federated Database Instance and Online Archive Private Endpoint from One Project",
        `DELETE /groups/{group_id}/privateNetworkSettings/endpointIds/{endpoint_id}`. Needs Project Owner.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            endpoint_id: The cloud provider's id: `vpce-…`, or an Azure resource id.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            NotFound: There is no such one.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id, "endpoint_id": endpoint_id}
        outcome(self._core.call("data_federation.delete_endpoint", arguments))

    def wait_for_endpoint(
        self,
        group_id: str,
        endpoint_id: str,
        *,
        until: Literal["RESERVED", "AVAILABLE", "DELETED"] = "AVAILABLE",
        timeout: float = 3600.0,
        on_progress: Callable[[WaitProgress], object] | None = None,
    ) -> DataFederationEndpoint | None:
        """Wait until one is ready, usable or gone.

        All who wait for endpoints of the same project share the looks. Connections that break, 429 and 5xx are
        survived.

        Source: as `list_endpoints`. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            endpoint_id: The cloud provider's id: `vpce-…`, or an Azure resource id.
            until: `"AVAILABLE"`: usable. `"RESERVED"`: the same here. `"DELETED"`: gone.
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
        arguments = {"group_id": group_id, "endpoint_id": endpoint_id}
        endpoint: DataFederationEndpoint | None = reached(
            self._core,
            "data_federation.wait_for_endpoint",
            arguments,
            until=until,
            timeout=timeout,
            on_progress=on_progress,
        )
        return endpoint
