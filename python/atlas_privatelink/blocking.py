"""`Client`, the blocking twin of `AsyncClient`. Derived from `client.py` by `make twins`: do not edit."""

from __future__ import annotations

import sys

from ._core import Call, Core
from .errors import AtlasError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from types import TracebackType
    from typing import Any, Literal

    from .models import Response, ServerlessEndpoint

__all__ = ["Client"]


class Client:
    """A blocking client of the MongoDB Atlas Administration API.

    Credentials are an API key (`public_key`, `private_key`), a service account (`client_id`, `client_secret`) or an
    access token. They are taken from the arguments, else from the profile named by `profile`, else from the environment
    (`MONGODB_ATLAS_ACCESS_TOKEN`, else `MONGODB_ATLAS_CLIENT_ID` and `MONGODB_ATLAS_CLIENT_SECRET`, else
    `MONGODB_ATLAS_PUBLIC_API_KEY` and `MONGODB_ATLAS_PRIVATE_API_KEY`), else from the Atlas CLI's profile `default`.
    Nothing is opened before the first call.

    All clients of one service account in a process share one access token, which is renewed by itself.

    One client can serve several threads at a time, inside a running event loop too, and works on in a forked
    child. Use it as a context
    manager, or call `close`.

    Args:
        public_key: The public half of a programmatic API key.
        private_key: The private half.
        client_id: The client ID of a service account.
        client_secret: Its secret.
        access_token: An access token of a service account that is fetched elsewhere. It is not renewed here.
        profile: A profile of the Atlas CLI's configuration file to take credentials and host from.
        base_url: The part before `/api/atlas/…`; by default that of the environment or the profile, else
            `https://cloud.mongodb.com`. A path prefix is kept.
        api_version: `"v1.0"` or `"v2"`; by default v1.0 for serverless private endpoints, as their page says.
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

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. May be called again; later calls of other methods raise `ConfigurationError`."""
        try:
            revocation = self._core.revoke_token()
            if revocation is not None:
                from contextlib import suppress

                with suppress(AtlasError):  # what is not revoked expires by itself
                    _outcome("revoke_token", revocation)
        finally:
            self._core.close()

    def with_options(
        self,
        *,
        timeout: float | None = None,
        max_retries: int | None = None,
        api_version: Literal["v1.0", "v2"] | None = None,
    ) -> Client:
        """The same client with other limits. It shares connections and nonces, and is closed with this one.

        Args:
            timeout: Seconds that one call may take.
            max_retries: How often a request is repeated at most.
            api_version: `"v1.0"` or `"v2"`.

        Raises:
            ValidationError: An argument breaks a rule.
        """
        twin = object.__new__(type(self))
        twin._core = self._core.with_options(timeout=timeout, max_retries=max_retries, api_version=api_version)
        return twin

    def create_endpoint(
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
        call = self._core.create_endpoint(
            group_id, instance_name, comment=comment, if_exists=if_exists, pretty=pretty, envelope=envelope
        )
        endpoint: ServerlessEndpoint = _outcome("create_endpoint", call)
        return endpoint

    def list_endpoints(
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
        call = self._core.list_endpoints(group_id, instance_name, pretty=pretty, envelope=envelope)
        endpoints: list[ServerlessEndpoint] = _outcome("list_endpoints", call)
        return endpoints

    def get_endpoint(
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
        call = self._core.get_endpoint(group_id, instance_name, endpoint_id, pretty=pretty, envelope=envelope)
        endpoint: ServerlessEndpoint = _outcome("get_endpoint", call)
        return endpoint


def _outcome(operation: str, call: Call) -> Any:
    try:
        from ._outcomes import open_outcome

        result: Any = open_outcome(call.run())
    except BaseException as error:
        _log(operation, error, type(error).__name__)
        raise
    _log(operation, result, "ok")
    return result


def _log(operation: str, result: Any, outcome: str) -> None:
    logging = sys.modules.get("logging")
    if logging is None:  # nobody can have configured it
        return
    logger = logging.getLogger("atlas_privatelink")
    if not logger.isEnabledFor(logging.DEBUG):
        return
    first = result[0] if hasattr(result, "__getitem__") and result else result
    response: Response | None = getattr(first, "response", None)
    if response is None:
        logger.debug("%s: %s", operation, outcome)
        return
    logger.debug(
        "%s: %s (%s %s, HTTP %s, %d attempts, %d requests, %.3f s)",
        operation,
        outcome,
        response.method,
        response.url,
        response.status_code,
        response.attempts,
        response.requests,
        response.elapsed,
    )
