# Derived from `_async` by `make twins`: do not edit.
"""Private link connections of Atlas Stream Processing."""

from __future__ import annotations

from .calls import outcome, reached
from .family import Family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

    from ..models import StreamsConnection, WaitProgress

__all__ = ["StreamProcessing"]


class StreamProcessing(Family):
    """Private link connections of Atlas Stream Processing: `client.stream_processing`."""

    __slots__ = ()

    def create_connection(
        self,
        group_id: str,
        provider: Literal["AWS", "AZURE", "GCP"],
        *,
        region: str | None = None,
        vendor: str | None = None,
        service_endpoint_id: str | None = None,
        dns_domain: str | None = None,
        dns_sub_domain: Sequence[str] | None = None,
        arn: str | None = None,
        authentication_scheme: Literal["TLS", "SASL_SCRAM", "IAM"] | None = None,
        azure_resource_ids: Sequence[str] | None = None,
        gcp_service_attachment_uris: Sequence[str] | None = None,
    ) -> StreamsConnection:
        """Create a private link connection, exactly once.

        Which arguments are needed hangs on `provider` and `vendor`; Atlas says so where one is missing. Where the
        outcome is unknown, it is recognised by its endpoint, domain or cluster.

        Source: "Create One Private Link Connection",
        `POST /groups/{group_id}/streams/privateLinkConnections`. Needs Project Owner.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            provider: Where the target is deployed.
            region: The target's region, by its own or Atlas's name.
            vendor: The vendor of the target, in Atlas's word (`"CONFLUENT"`, `"MSK"`, `"EVENTHUB"`, …).
            service_endpoint_id: The endpoint service or namespace to connect to.
            dns_domain: The target's domain.
            dns_sub_domain: Its subdomains.
            arn: AWS MSK: the cluster.
            authentication_scheme: How it authenticates.
            azure_resource_ids: Azure Confluent: one resource per availability zone.
            gcp_service_attachment_uris: GCP Confluent: one attachment per availability zone.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            OutcomeUnknown: It was sent, and looking did not tell what came of it.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {
            "group_id": group_id,
            "provider": provider,
            "region": region,
            "vendor": vendor,
            "service_endpoint_id": service_endpoint_id,
            "dns_domain": dns_domain,
            "dns_sub_domain": dns_sub_domain,
            "arn": arn,
            "authentication_scheme": authentication_scheme,
            "azure_resource_ids": azure_resource_ids,
            "gcp_service_attachment_uris": gcp_service_attachment_uris,
        }
        connection: StreamsConnection = outcome(self._core.call("stream_processing.create_connection", arguments))
        return connection

    def list_connections(
        self,
        group_id: str,
    ) -> list[StreamsConnection]:
        """Return all of a project.

        Source: "Return All Private Link Connections",
        `GET /groups/{group_id}/streams/privateLinkConnections`, all pages. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {
            "group_id": group_id,
        }
        connections: list[StreamsConnection] = outcome(self._core.call("stream_processing.list_connections", arguments))
        return connections

    def get_connection(self, group_id: str, connection_id: str) -> StreamsConnection:
        """Return one.

        Source: "Return One Private Link Connection",
        `GET /groups/{group_id}/streams/privateLinkConnections/{connection_id}`. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            connection_id: Atlas's id of it, 24 hexadecimal digits.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            NotFound: There is no such one (any more).
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id, "connection_id": connection_id}
        connection: StreamsConnection = outcome(self._core.call("stream_processing.get_connection", arguments))
        return connection

    def update_connection(self, group_id: str, connection_id: str, *, dns_domain: str) -> StreamsConnection:
        """Change the domain of one.

        Source: "Update One Private Link Connection",
        `PATCH /groups/{group_id}/streams/privateLinkConnections/{connection_id}`. Needs Project Owner.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            connection_id: Atlas's id of it, 24 hexadecimal digits.
            dns_domain: The target's new domain.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            OutcomeUnknown: It was sent, and looking did not tell what came of it. Repeating is safe.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id, "connection_id": connection_id, "dns_domain": dns_domain}
        connection: StreamsConnection = outcome(self._core.call("stream_processing.update_connection", arguments))
        return connection

    def delete_connection(self, group_id: str, connection_id: str) -> None:
        """Remove one. `wait_for_connection(…, until="DELETED")` tells when it is gone.

        Source: "Delete One Private Link Connection",
        `DELETE /groups/{group_id}/streams/privateLinkConnections/{connection_id}`. Needs Project Owner.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            connection_id: Atlas's id of it, 24 hexadecimal digits.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            NotFound: There is no such one.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id, "connection_id": connection_id}
        outcome(self._core.call("stream_processing.delete_connection", arguments))

    def wait_for_connection(
        self,
        group_id: str,
        connection_id: str,
        *,
        until: Literal["RESERVED", "AVAILABLE", "DELETED"] = "AVAILABLE",
        timeout: float = 3600.0,
        on_progress: Callable[[WaitProgress], object] | None = None,
    ) -> StreamsConnection | None:
        """Wait until one is ready, usable or gone.

        All who wait for connections of the same project share the looks. Connections that break, 429 and 5xx are
        survived.

        Source: as `list_connections`. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            connection_id: Atlas's id of it, 24 hexadecimal digits.
            until: `"AVAILABLE"`: usable. `"RESERVED"`: begun. `"DELETED"`: gone.
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
        arguments = {"group_id": group_id, "connection_id": connection_id}
        connection: StreamsConnection | None = reached(
            self._core,
            "stream_processing.wait_for_connection",
            arguments,
            until=until,
            timeout=timeout,
            on_progress=on_progress,
        )
        return connection
