"""Private endpoints of encryption at rest with keys of your own."""

from __future__ import annotations

from .calls import outcome, reached
from .family import Family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from ..models import EncryptionAtRestEndpoint, WaitProgress

__all__ = ["AsyncEncryptionAtRest"]


class AsyncEncryptionAtRest(Family):
    """Private endpoints from Atlas to the key management service of a project: `client.encryption_at_rest`."""

    __slots__ = ()

    async def create_endpoint(
        self, group_id: str, provider: Literal["AWS", "AZURE"], region: str
    ) -> EncryptionAtRestEndpoint:
        """Create a private endpoint to your key management service, exactly once.

        Where the outcome is unknown, it is recognised by its region.

        Source: "Create One Private Endpoint for Encryption at Rest Using Customer Key Management",
        `POST /groups/{group_id}/encryptionAtRest/{provider}/privateEndpoints`. Needs Project Owner.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            provider: The cloud provider.
            region: The region, by the cloud's own or Atlas's name.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            OutcomeUnknown: It was sent, and looking did not tell what came of it.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id, "provider": provider, "region": region}
        endpoint: EncryptionAtRestEndpoint = await outcome(
            self._core.call("encryption_at_rest.create_endpoint", arguments)
        )
        return endpoint

    async def list_endpoints(
        self,
        group_id: str,
        provider: Literal["AWS", "AZURE"],
    ) -> list[EncryptionAtRestEndpoint]:
        """Return all of a project on one cloud.

        Source: "Return All Private Endpoints for Encryption at Rest Using Customer Key Management",
        `GET /groups/{group_id}/encryptionAtRest/{provider}/privateEndpoints`, all pages. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            provider: The cloud provider.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {
            "group_id": group_id,
            "provider": provider,
        }
        endpoints: list[EncryptionAtRestEndpoint] = await outcome(
            self._core.call("encryption_at_rest.list_endpoints", arguments)
        )
        return endpoints

    async def get_endpoint(
        self, group_id: str, provider: Literal["AWS", "AZURE"], endpoint_id: str
    ) -> EncryptionAtRestEndpoint:
        """Return one.

        Source: "Return One Private Endpoint for Encryption at Rest Using Customer Key Management",
        `GET /groups/{group_id}/encryptionAtRest/{provider}/privateEndpoints/{endpoint_id}`. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            provider: The cloud provider.
            endpoint_id: Atlas's id of it, 24 hexadecimal digits.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            NotFound: There is no such one (any more).
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id, "provider": provider, "endpoint_id": endpoint_id}
        endpoint: EncryptionAtRestEndpoint = await outcome(
            self._core.call("encryption_at_rest.get_endpoint", arguments)
        )
        return endpoint

    async def delete_endpoint(self, group_id: str, provider: Literal["AWS", "AZURE"], endpoint_id: str) -> None:
        """Remove one. `wait_for_endpoint(…, until="DELETED")` tells when it is gone.

        Source: "Delete One Private Endpoint for Encryption at Rest Using Customer Key Management",
        `DELETE /groups/{group_id}/encryptionAtRest/{provider}/privateEndpoints/{endpoint_id}`. Needs Project Owner.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            provider: The cloud provider.
            endpoint_id: Atlas's id of it, 24 hexadecimal digits.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            NotFound: There is no such one.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id, "provider": provider, "endpoint_id": endpoint_id}
        await outcome(self._core.call("encryption_at_rest.delete_endpoint", arguments))

    async def wait_for_endpoint(
        self,
        group_id: str,
        provider: Literal["AWS", "AZURE"],
        endpoint_id: str,
        *,
        until: Literal["RESERVED", "AVAILABLE", "DELETED"] = "AVAILABLE",
        timeout: float = 3600.0,
        on_progress: Callable[[WaitProgress], object] | None = None,
    ) -> EncryptionAtRestEndpoint | None:
        """Wait until one is ready, usable or gone.

        All who wait for endpoints of the same project share the looks. Connections that break, 429 and 5xx are
        survived.

        Source: as `list_endpoints`. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            provider: The cloud provider.
            endpoint_id: Atlas's id of it, 24 hexadecimal digits.
            until: `"AVAILABLE"`: usable. `"RESERVED"`: `PENDING_ACCEPTANCE`, accept it in your own account.
                `"DELETED"`: gone.
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
        arguments = {"group_id": group_id, "provider": provider, "endpoint_id": endpoint_id}
        endpoint: EncryptionAtRestEndpoint | None = await reached(
            self._core,
            "encryption_at_rest.wait_for_endpoint",
            arguments,
            until=until,
            timeout=timeout,
            on_progress=on_progress,
        )
        return endpoint
