"""Clients of the local Azure: Azure's own SDK, over a loopback port or in the process without sockets."""

from __future__ import annotations

import json
from time import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import ConfigurationError
from ._rest import _asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._rest import Answer, Asked

__all__ = ["IN_PROCESS_HOST", "client_of", "in_process_transport"]


IN_PROCESS_HOST = "local-azure"
"""The host in URLs of a local Azure that is called without sockets."""


class _Credential:
    """Knows one token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **options: Any) -> Any:
        """The token, good for an hour."""
        from azure.core.credentials import AccessToken

        return AccessToken(self._token, int(time()) + 3600)


def client_of(base_url: str, subscription: str, token: str, options: dict[str, Any]) -> Any:
    """A `NetworkManagementClient`.

    Raises:
        ConfigurationError: The SDK is missing.
    """
    try:
        from azure.core.pipeline.policies import SansIOHTTPPolicy
        from azure.mgmt.network import NetworkManagementClient
    except ImportError as error:
        raise ConfigurationError("Azure's SDK is not installed: pip install 'atlas-privatelink[azure]'") from error

    class PlainToken(SansIOHTTPPolicy[Any, Any]):
        """Sends the token without TLS, which the SDK's own policy refuses."""

        def on_request(self, request: Any) -> None:
            request.http_request.headers["Authorization"] = f"Bearer {token}"

    # the SDK would wait for half a minute between its looks at an operation
    chosen: dict[str, Any] = {"retry_total": 0, "polling_interval": 0.05, **options}
    chosen.setdefault("authentication_policy", PlainToken())
    return NetworkManagementClient(_Credential(token), subscription, base_url, **chosen)


def in_process_transport(answer: Callable[[Asked], Answer | None]) -> Any:
    """A transport that calls a function in place of a server.

    Args:
        answer: The answer to a request; `None` drops the connection.
    """
    import requests
    from azure.core.pipeline.transport import RequestsTransport

    class Session(requests.Session):
        """Hands requests to the function, past what prepares them for sockets."""

        def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
            if urlsplit(str(url)).hostname != IN_PROCESS_HOST:
                raise requests.exceptions.ConnectionError(f"nothing but {IN_PROCESS_HOST} can be reached")
            given = answer(_asked(method, url, options.get("headers") or {}, options.get("data")))
            if given is None:
                raise requests.exceptions.ConnectionError("the connection was dropped")
            response = requests.Response()
            response.status_code, response.url = given.status, url
            response.headers.update({"content-type": "application/json", **given.headers})
            response._content = b"" if given.body is None else json.dumps(given.body).encode()
            # as if it had been read from a socket
            response._content_consumed = True
            response.raw = SimpleNamespace(enforce_content_length=True)
            return response

    return RequestsTransport(session=Session(), session_owner=False, use_env_settings=False)
