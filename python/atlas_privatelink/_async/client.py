"""`AsyncClient`: serverless private endpoints, and the way to all others."""

from __future__ import annotations

from .._core import Core
from ..errors import AtlasError
from .calls import outcome, reached

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Any, Literal

    from typing_extensions import Self

    from ..bulk import BulkOutcome
    from ..models import ConnectionStrings, ServerlessEndpoint, WaitProgress
    from .backup import AsyncBackup
    from .data_federation import AsyncDataFederation
    from .dedicated import AsyncDedicated
    from .encryption_at_rest import AsyncEncryptionAtRest
    from .stream_processing import AsyncStreamProcessing

__all__ = ["AsyncClient"]


class AsyncClient:
    """A client of the MongoDB Atlas Administration API, for asyncio.

    Credentials are an API key (`public_key`, `private_key`), a service account (`client_id`, `client_secret`) or an
    access token. They are taken from the arguments, else from the profile named by `profile`, else from the environment
    (`MONGODB_ATLAS_ACCESS_TOKEN`, else `MONGODB_ATLAS_CLIENT_ID` and `MONGODB_ATLAS_CLIENT_SECRET`, else
    `MONGODB_ATLAS_PUBLIC_API_KEY` and `MONGODB_ATLAS_PRIVATE_API_KEY`), else from the Atlas CLI's profile `default`.
    Nothing is opened before the first call.

    All clients of one service account in a process share one access token, which is renewed by itself.

    One client can serve several event loops and threads at a time, and works on in a forked child. Use it as a context
    manager, or call `aclose`.

    Args:
        public_key: The public half of a programmatic API key.
        private_key: The private half.
        client_id: The client ID of a service account.
        client_secret: Its secret.
        access_token: An access token of a service account that is fetched elsewhere. It is not renewed here.
        profile: A profile of the Atlas CLI's configuration file to take credentials and host from.
        base_url: The part before `/api/atlas/…`; by default that of the environment or the profile, else
            `https://cloud.mongodb.com`. A path prefix is kept. Credentials of the environment or a profile are sent
            only to Atlas's own hosts, and to the base URL set up with them.
        api_version: `"v1.0"` or `"v2"`; by default v1.0 for serverless private endpoints, as their page says, and v2
            for all others.
        timeout: Seconds that one call may take, retries and waiting for a connection included.
        connect_timeout: Seconds that one connection may take to open.
        max_retries: How often a request is repeated at most. A creation is repeated only where it was certainly not
            accepted.
        max_connections: Requests in flight at most; more of them queue.
        ca_file: PEM file of the certificates to trust instead of the system's. `SSL_CERT_FILE`, `SSL_CERT_DIR` and
            `REQUESTS_CA_BUNDLE` are heeded too.
        proxy: A proxy for every request, instead of what `HTTPS_PROXY` and `NO_PROXY` say.
        allow_insecure: Allow plain http to other machines than this one.
        revoke_token_on_close: Revoke the service account's access token when the client is closed, as well as can be
            done in a few seconds. Other clients of the account then fetch a new one by themselves.

    Raises:
        ConfigurationError: No credentials, or half of them; the message names every place that was looked at.
        ValidationError: An argument breaks a rule.
    """

    __slots__ = ("_core",)

    def __init__(
        self,
        public_key: str | None = None,
        private_key: str | None = None,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        access_token: str | None = None,
        profile: str | None = None,
        base_url: str | None = None,
        api_version: Literal["v1.0", "v2"] | None = None,
        timeout: float = 30.0,
        connect_timeout: float = 10.0,
        max_retries: int = 4,
        max_connections: int = 64,
        ca_file: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        allow_insecure: bool = False,
        revoke_token_on_close: bool = False,
    ) -> None:
        self._core = Core(
            public_key,
            private_key,
            client_id=client_id,
            client_secret=client_secret,
            access_token=access_token,
            profile=profile,
            base_url=base_url,
            api_version=api_version,
            timeout=timeout,
            connect_timeout=connect_timeout,
            max_retries=max_retries,
            max_connections=max_connections,
            ca_file=ca_file,
            proxy=proxy,
            allow_insecure=allow_insecure,
            revoke_token_on_close=revoke_token_on_close,
        )

    def __repr__(self) -> str:
        core = self._core
        return (
            f"<{type(self).__name__} base_url={core.base_url!r} {core.shown_credentials}"
            f" (from {core.credentials_source})>"
        )

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections. May be called again; later calls of other methods raise `ConfigurationError`."""
        try:
            revocation = self._core.revoke_token()
            if revocation is not None:
                from contextlib import suppress

                with suppress(AtlasError):  # what is not revoked expires by itself
                    await outcome(revocation)
        finally:
            self._core.close()

    def with_options(
        self,
        *,
        timeout: float | None = None,
        max_retries: int | None = None,
        api_version: Literal["v1.0", "v2"] | None = None,
        pretty: bool | None = None,
        envelope: bool | None = None,
    ) -> AsyncClient:
        """The same client with other options. It shares connections and nonces, and is closed with this one.

        Args:
            timeout: Seconds that one call may take.
            max_retries: How often a request is repeated at most.
            api_version: `"v1.0"` or `"v2"`.
            pretty: Ask Atlas for indented JSON.
            envelope: Ask Atlas for the status inside the body, for networks that tamper with statuses.

        Raises:
            ValidationError: An argument breaks a rule.
        """
        return self._of(
            self._core.with_options(
                timeout=timeout, max_retries=max_retries, api_version=api_version, pretty=pretty, envelope=envelope
            )
        )

    def _of(self, core: Core) -> Self:
        client = object.__new__(type(self))
        client._core = core
        return client

    @property
    def dedicated(self) -> AsyncDedicated:
        """Private endpoints of dedicated clusters."""
        from .dedicated import AsyncDedicated

        return AsyncDedicated(self._core)

    @property
    def data_federation(self) -> AsyncDataFederation:
        """Private endpoints of Data Federation and Online Archive."""
        from .data_federation import AsyncDataFederation

        return AsyncDataFederation(self._core)

    @property
    def stream_processing(self) -> AsyncStreamProcessing:
        """Private link connections of Atlas Stream Processing."""
        from .stream_processing import AsyncStreamProcessing

        return AsyncStreamProcessing(self._core)

    @property
    def encryption_at_rest(self) -> AsyncEncryptionAtRest:
        """Private endpoints to the key management service of a project."""
        from .encryption_at_rest import AsyncEncryptionAtRest

        return AsyncEncryptionAtRest(self._core)

    @property
    def backup(self) -> AsyncBackup:
        """Private endpoints to the bucket of a project's backups."""
        from .backup import AsyncBackup

        return AsyncBackup(self._core)

    async def create_endpoint(
        self,
        group_id: str,
        instance_name: str,
        *,
        comment: str | None = None,
        if_exists: Literal["create", "adopt"] = "create",
        pretty: bool = False,
        envelope: bool = False,
    ) -> ServerlessEndpoint:
        """Create one private endpoint for one serverless instance, exactly once.

        The answer comes at once, with status `RESERVATION_REQUESTED`; Atlas then takes a minute or more to name its
        endpoint service (`RESERVED`).

        One call makes at most one endpoint. Where the connection breaks after sending, or Atlas answers 5xx, the last
        quarter of `timeout` is used to look for the endpoint by its comment; give one that is unlike any other.

        Source: "Create One Private Endpoint for One Serverless Instance",
        `POST /groups/{group_id}/privateEndpoint/serverless/instance/{instance_name}/endpoint`. Needs Project Owner.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            instance_name: The serverless instance's name.
            comment: A comment of less than 80 characters.
            if_exists: `"adopt"` returns the endpoint that bears the same comment, where there is one that has not
                failed and is not being deleted; one more request.
            pretty: Ask Atlas for indented JSON.
            envelope: Ask Atlas for the status inside the body, for networks that tamper with statuses.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            NotSent: Atlas could not be reached; nothing was created.
            Timeout: Time was up before the request was sent; nothing was created.
            OutcomeUnknown: It was sent, and looking did not tell what came of it.
            AuthenticationError: 401. PermissionDenied: 403. NotFound: 404. NotServerless, Gone: see their texts.
            RateLimited: 429, and no time left to wait.
        """
        arguments = {
            "group_id": group_id,
            "instance_name": instance_name,
            "comment": comment,
            "if_exists": if_exists,
            "pretty": pretty,
            "envelope": envelope,
        }
        endpoint: ServerlessEndpoint = await outcome(self._core.call("create_endpoint", arguments))
        return endpoint

    async def list_endpoints(
        self, group_id: str, instance_name: str, *, pretty: bool = False, envelope: bool = False
    ) -> list[ServerlessEndpoint]:
        """Return all private endpoints of one serverless instance.

        Source: "Return All Private Endpoints for One Serverless Instance",
        `GET /groups/{group_id}/privateEndpoint/serverless/instance/{instance_name}/endpoint`. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            instance_name: The serverless instance's name.
            pretty: Ask Atlas for indented JSON.
            envelope: Ask Atlas for the status inside the body.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
            UnexpectedResponse: The answer is not a list of endpoints.
        """
        arguments = {"group_id": group_id, "instance_name": instance_name, "pretty": pretty, "envelope": envelope}
        endpoints: list[ServerlessEndpoint] = await outcome(self._core.call("list_endpoints", arguments))
        return endpoints

    async def find_endpoint(self, group_id: str, instance_name: str, *, comment: str) -> ServerlessEndpoint | None:
        """Return the private endpoint that bears a comment, or `None`.

        Of several, it is the one that got furthest, and of those the oldest; what has failed or is being deleted does
        not count.

        Source: as `list_endpoints`. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            instance_name: The serverless instance's name.
            comment: The comment that it was created with.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with an error.
        """
        arguments = {"group_id": group_id, "instance_name": instance_name, "comment": comment}
        endpoint: ServerlessEndpoint | None = await outcome(self._core.call("find_endpoint", arguments))
        return endpoint

    async def get_endpoint(
        self, group_id: str, instance_name: str, endpoint_id: str, *, pretty: bool = False, envelope: bool = False
    ) -> ServerlessEndpoint:
        """Return one private endpoint of one serverless instance.

        Source: "Return One Private Endpoint for One Serverless Instance",
        `GET /groups/{group_id}/privateEndpoint/serverless/instance/{instance_name}/endpoint/{endpoint_id}`. Needs
        Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            instance_name: The serverless instance's name.
            endpoint_id: Atlas's id of the endpoint (`ServerlessEndpoint.id`), 24 hexadecimal digits.
            pretty: Ask Atlas for indented JSON.
            envelope: Ask Atlas for the status inside the body.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            NotFound: There is no such endpoint (any more).
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with another error.
        """
        arguments = {
            "group_id": group_id,
            "instance_name": instance_name,
            "endpoint_id": endpoint_id,
            "pretty": pretty,
            "envelope": envelope,
        }
        endpoint: ServerlessEndpoint = await outcome(self._core.call("get_endpoint", arguments))
        return endpoint

    async def update_endpoint(
        self,
        group_id: str,
        instance_name: str,
        endpoint_id: str,
        *,
        cloud_provider_endpoint_id: str | None = None,
        private_endpoint_ip_address: str | None = None,
        comment: str | None = None,
        provider_name: Literal["AWS", "AZURE"] | None = None,
        pretty: bool = False,
        envelope: bool = False,
    ) -> ServerlessEndpoint:
        """Tell Atlas the VPC endpoint (AWS) or private endpoint (Azure) to connect, or change the comment.

        Atlas takes the id while the endpoint is `RESERVED`; the status is `INITIATING` then, and `AVAILABLE` a minute
        or two later. Where the connection breaks after sending, the endpoint is looked at, and the change is repeated
        only if it did not come about.

        Source: "Update One Private Endpoint for One Serverless Instance",
        `PATCH /groups/{group_id}/privateEndpoint/serverless/instance/{instance_name}/endpoint/{endpoint_id}`. Needs
        Project Owner.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            instance_name: The serverless instance's name.
            endpoint_id: Atlas's id of the endpoint (`ServerlessEndpoint.id`).
            cloud_provider_endpoint_id: The VPC endpoint's id (`vpce-…`), or the resource id of the Azure private
                endpoint.
            private_endpoint_ip_address: Azure only: the private endpoint's address.
            comment: A new comment of less than 80 characters.
            provider_name: `"AWS"` or `"AZURE"`; needed only where `cloud_provider_endpoint_id` does not tell.
            pretty: Ask Atlas for indented JSON.
            envelope: Ask Atlas for the status inside the body.

        Raises:
            ValidationError: An argument breaks a rule, or there is nothing to change; nothing was sent.
            OutcomeUnknown: It was sent, and looking did not tell what came of it. Repeating is safe.
            ApiError: Atlas refused, for example with `TENANT_PRIVATE_ENDPOINT_PROVIDER_UPDATE_INVALID` where the
                endpoint is not `RESERVED`.
        """
        arguments = {
            "group_id": group_id,
            "instance_name": instance_name,
            "endpoint_id": endpoint_id,
            "cloud_provider_endpoint_id": cloud_provider_endpoint_id,
            "private_endpoint_ip_address": private_endpoint_ip_address,
            "comment": comment,
            "provider_name": provider_name,
            "pretty": pretty,
            "envelope": envelope,
        }
        endpoint: ServerlessEndpoint = await outcome(self._core.call("update_endpoint", arguments))
        return endpoint

    async def delete_endpoint(
        self, group_id: str, instance_name: str, endpoint_id: str, *, pretty: bool = False, envelope: bool = False
    ) -> None:
        """Remove one private endpoint of one serverless instance.

        Atlas answers at once and takes a while to remove it: `wait_for_endpoint(…, until="DELETED")` tells when. Remove
        the VPC endpoint in your own account first.

        Source: "Remove One Private Endpoint for One Serverless Instance",
        `DELETE /groups/{group_id}/privateEndpoint/serverless/instance/{instance_name}/endpoint/{endpoint_id}`. Needs
        Project Owner.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            instance_name: The serverless instance's name.
            endpoint_id: Atlas's id of the endpoint (`ServerlessEndpoint.id`).
            pretty: Ask Atlas for indented JSON.
            envelope: Ask Atlas for the status inside the body.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            NotFound: There is no such endpoint. One that an earlier try of the same call has removed is none.
            ConnectionError: Atlas did not answer. ApiError: Atlas answered with another error.
        """
        arguments = {
            "group_id": group_id,
            "instance_name": instance_name,
            "endpoint_id": endpoint_id,
            "pretty": pretty,
            "envelope": envelope,
        }
        await outcome(self._core.call("delete_endpoint", arguments))

    async def wait_for_endpoint(
        self,
        group_id: str,
        instance_name: str,
        endpoint_id: str,
        *,
        until: Literal["RESERVED", "AVAILABLE", "DELETED"] = "AVAILABLE",
        timeout: float = 3600.0,
        on_progress: Callable[[WaitProgress], object] | None = None,
    ) -> ServerlessEndpoint | None:
        """Wait until a private endpoint of a serverless instance is ready, usable or gone.

        Looks at once, and then every few seconds. All who wait for endpoints of the same instance share the looks.
        Connections that break, 429 and 5xx are survived.

        Source: as `list_endpoints`. Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            instance_name: The serverless instance's name.
            endpoint_id: Atlas's id of the endpoint (`ServerlessEndpoint.id`).
            until: `"RESERVED"`: ready for your VPC endpoint, `endpoint_service_name` is set. `"AVAILABLE"`: usable.
                `"DELETED"`: gone.
            timeout: Seconds to wait in all.
            on_progress: Is called with a `WaitProgress` after each look that did not end the wait.

        Returns:
            The endpoint; `None` for `"DELETED"`.

        Raises:
            ValidationError: An argument breaks a rule; nothing was sent.
            EndpointFailed: It will not come; `endpoint` is the last state seen, with its `error_message`.
            WaitTimeout: It has not come yet; `endpoint` is the last state seen.
            ApiError: Atlas refuses to show it; `endpoint` is the last state seen.
        """
        arguments = {"group_id": group_id, "instance_name": instance_name, "endpoint_id": endpoint_id}
        endpoint: ServerlessEndpoint | None = await reached(
            self._core, "wait_for_endpoint", arguments, until=until, timeout=timeout, on_progress=on_progress
        )
        return endpoint

    async def connection_string(
        self,
        group_id: str,
        instance_name: str,
        endpoint: ServerlessEndpoint | str,
        *,
        timeout: float = 3600.0,
        on_progress: Callable[[WaitProgress], object] | None = None,
    ) -> ConnectionStrings:
        """Wait for the private connection string of a serverless instance through one endpoint.

        It appears some time after the endpoint has become `AVAILABLE`.

        Source: "Return One Serverless Instance from One Project", `GET /groups/{group_id}/serverless/{instance_name}`.
        Needs Project Read Only.

        Args:
            group_id: The project's id, 24 hexadecimal digits.
            instance_name: The serverless instance's name.
            endpoint: The endpoint, or the cloud provider's id of it (`vpce-…`).
            timeout: Seconds to wait in all.
            on_progress: Is called with a `WaitProgress` after each look that did not end the wait.

        Returns:
            The connection strings; `srv` is the one to use.

        Raises:
            ValidationError: An argument breaks a rule, or the endpoint is not connected to a VPC endpoint yet.
            WaitTimeout: It has not appeared yet.
            ApiError: Atlas refuses to show the instance.
        """
        connected = endpoint if isinstance(endpoint, str) else endpoint.cloud_provider_endpoint_id
        arguments = {"group_id": group_id, "instance_name": instance_name, "endpoint_id": connected or ""}
        strings: ConnectionStrings = await reached(
            self._core, "connection_string", arguments, until="AVAILABLE", timeout=timeout, on_progress=on_progress
        )
        return strings

    def create_endpoints(
        self, items: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]], *, concurrency: int = 32
    ) -> AsyncIterator[BulkOutcome[ServerlessEndpoint]]:
        """Create many private endpoints: `bulk("create_endpoint", …)`."""
        return self.bulk("create_endpoint", items, concurrency=concurrency)

    def update_endpoints(
        self, items: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]], *, concurrency: int = 32
    ) -> AsyncIterator[BulkOutcome[ServerlessEndpoint]]:
        """Update many private endpoints: `bulk("update_endpoint", …)`."""
        return self.bulk("update_endpoint", items, concurrency=concurrency)

    def delete_endpoints(
        self, items: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]], *, concurrency: int = 32
    ) -> AsyncIterator[BulkOutcome[None]]:
        """Remove many private endpoints: `bulk("delete_endpoint", …)`."""
        return self.bulk("delete_endpoint", items, concurrency=concurrency)

    def wait_for_endpoints(
        self,
        items: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]],
        *,
        until: Literal["RESERVED", "AVAILABLE", "DELETED"] = "AVAILABLE",
        timeout: float = 3600.0,
        concurrency: int = 1024,
    ) -> AsyncIterator[BulkOutcome[ServerlessEndpoint]]:
        """Wait for many private endpoints, each yielded as soon as it is there.

        Those of one instance share their looks.

        Args:
            items: The arguments `group_id`, `instance_name` and `endpoint_id` of each, as mappings.
            until: As for `wait_for_endpoint`.
            timeout: Seconds to wait for each.
            concurrency: How many are waited for at a time, at most 1,024.
        """
        from .bulk import each

        def wait(arguments: Mapping[str, Any]) -> Any:
            begun = self._core.wait("wait_for_endpoint", dict(arguments), until=until, timeout=timeout, reports=False)
            return begun.step()

        return each(wait, items, concurrency)

    def bulk(
        self,
        operation: str,
        items: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]],
        *,
        concurrency: int = 32,
    ) -> AsyncIterator[BulkOutcome[Any]]:
        """Call one method for many items at a time, and yield how each call ended, as it ends.

        Items are taken as calls come free, so that any number of them costs no more memory than `concurrency` calls do.
        Atlas's rate limit is kept. One that fails does not stop the others. Leaving the loop early drops the calls that
        are in flight; `contextlib.aclosing` does so at once.

        >>> items = [{"group_id": GROUP_ID, "instance_name": name, "comment": name} for name in names]
        >>> async for outcome in atlas.bulk("create_endpoint", items):
        ...     print(outcome.arguments["instance_name"], outcome.result or outcome.error)

        Args:
            operation: The method's name, such as `"create_endpoint"` or `"dedicated.create_service"`.
            items: The method's arguments by name, as mappings.
            concurrency: How many calls are in flight at a time, at most 1,024.

        Raises:
            ValidationError: `concurrency` breaks its rule. What breaks a rule in an item is the error of its outcome.
        """
        from .bulk import each

        return each(lambda arguments: self._core.call(operation, dict(arguments)), items, concurrency)
